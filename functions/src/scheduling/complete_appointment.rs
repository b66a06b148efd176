//! Reports that a session took place.

use app::App;
use app::scheduling::session_reports::{self, SessionReport};
use domain::Money;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/complete`
pub const ROUTE: Route = Route {
    function: "complete_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/complete",
    audience: Audience::SignedIn,
    summary: "Report that a session took place; for its expert after the end, and for administrators",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts_or_none::<CompletionRequest>(schemas)
            .conditional()
            .problems(&[problem::INVALID_STATUS, problem::PAYMENT_STATE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// How the session is charged.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CompletionRequest {
    /// The amount to charge if it is less than the price, and at most what was decided before. The rest is refunded to the client, or
    /// never collected. A charge that an administrator sends takes effect when nobody has objected in time.
    charge: Option<Money>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let CompletionRequest { charge } = request.json_or_default()?;
    let (record, party) =
        session_reports::end(app, request.actor(), id, if_match, SessionReport::Completed { charge }).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
