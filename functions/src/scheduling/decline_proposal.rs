//! Declines the times that the other side proposed.

use app::App;
use app::scheduling::proposals;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/proposal/decline`
pub const ROUTE: Route = Route {
    function: "decline_proposal",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/proposal/decline",
    audience: Audience::SignedIn,
    summary: "Decline the times that the other side proposed",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .conditional()
            .problems(&[problem::INVALID_STATUS])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let (record, party) = proposals::decline(app, request.actor(), id, if_match).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
