//! Objects to the report that the expert or the client missed a session.

use app::App;
use app::scheduling::session_reports;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/no-show/objection`
pub const ROUTE: Route = Route {
    function: "object_to_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show/objection",
    audience: Audience::SignedIn,
    summary: "Object to the report that I did not attend, or to a decision that is announced, so that an administrator decides",
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
    let (record, party) = session_reports::object(app, request.actor(), id, if_match).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
