//! Withdraws the times that the same side proposed.

use app::App;
use app::scheduling::proposals;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/proposal/withdraw`
pub const ROUTE: Route = Route {
    function: "withdraw_proposal",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/proposal/withdraw",
    audience: Audience::SignedIn,
    summary: "Withdraw the times that your side proposed",
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
    let (record, party) = proposals::withdraw(app, request.actor(), id, if_match).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
