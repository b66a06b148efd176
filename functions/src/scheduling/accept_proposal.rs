//! Accepts one of the times that the other side proposed.

use app::App;
use app::scheduling::proposals;
use domain::Timestamp;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/proposal/accept`
pub const ROUTE: Route = Route {
    function: "accept_proposal",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/proposal/accept",
    audience: Audience::SignedIn,
    summary: "Accept one of the times that the other side proposed, and move the appointment there",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts::<AcceptanceRequest>(schemas)
            .conditional()
            .problems(&[
                problem::INVALID_STATUS,
                problem::OVERLAPPING_SESSION,
                problem::PAYMENT_STATE,
                problem::TOO_FAR_AHEAD,
            ])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The time to accept.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AcceptanceRequest {
    /// One of the proposed starts.
    start: Timestamp,
    /// Whether the session may overlap another session that you have booked. It makes no difference for the expert.
    #[serde(default)]
    allow_overlap: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let AcceptanceRequest { start, allow_overlap } = request.json()?;
    let (record, party) = proposals::accept(app, request.actor(), id, if_match, start, allow_overlap).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
