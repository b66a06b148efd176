//! Answers a note about a session.

use app::App;
use app::scheduling::notes;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::SessionNote;

/// `GET /v1/appointments/{appointment_id}/notes/{note_id}`
pub const ROUTE: Route = Route {
    function: "read_note",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/notes/{note_id}",
    audience: Audience::SignedIn,
    summary: "Read a note about a session",
    operation: |schemas| Operation::responds_with::<SessionNote>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let note = request.path_parameter("note_id", "note")?;
    let note = notes::read(app, request.actor(), id, note).await?;
    let version = note.version;
    Ok(Response::json(StatusCode::OK, &SessionNote::from(note)).version(version))
}
