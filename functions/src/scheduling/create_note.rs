//! Writes a note about a session.

use app::App;
use app::idempotency::{Creation, complete};
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
    let key = request.idempotent_request()?;
    let body = match notes::create(app, request.actor(), &key, id, contents.into()).await? {
        Creation::Replayed(body) => body,
        Creation::Created(note, idempotency) => {
            let body = Response::json(StatusCode::CREATED, &SessionNote::from(note)).into_text();
            complete(app, request.actor(), idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::created(&format!("/v1/appointments/{id}/notes"), body))
}
