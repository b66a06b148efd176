//! Writes a note about a session.

use app::App;
use app::scheduling::notes;
use domain::AppointmentId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::{SessionNote, SessionNoteRequest};

/// `POST /v1/appointments/{appointment_id}/notes`
pub const ROUTE: Route = Route {
    function: "create_note",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/notes",
    audience: Audience::SignedIn,
    summary: "Write a note about a session, before or after it",
    operation: |schemas| {
        Operation::responds_with::<SessionNote>(schemas, StatusCode::CREATED)
            .accepts::<SessionNoteRequest>(schemas)
            .idempotent()
            .versioned()
            .problems(&[problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id: AppointmentId = request.path_parameter("appointment_id", "appointment")?;
    let contents: SessionNoteRequest = request.json()?;
    let idempotency = request.idempotent_request()?;
    let created = notes::create(app, request.actor(), &idempotency, id, contents.into()).await?;
    let body = request.idempotent_body(app, created, SessionNote::from).await;
    Ok(Response::created(&format!("/v1/appointments/{id}/notes"), body))
}
