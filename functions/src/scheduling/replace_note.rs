//! Replaces a note about a session.

use app::App;
use app::scheduling::notes;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::{SessionNote, SessionNoteRequest};

/// `PUT /v1/appointments/{appointment_id}/notes/{note_id}`
pub const ROUTE: Route = Route {
    function: "replace_note",
    method: Method::Put,
    path: "/v1/appointments/{appointment_id}/notes/{note_id}",
    audience: Audience::SignedIn,
    summary: "Replace a note that my party wrote",
    operation: |schemas| {
        Operation::responds_with::<SessionNote>(schemas, StatusCode::OK)
            .accepts::<SessionNoteRequest>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let note = request.path_parameter("note_id", "note")?;
    let contents: SessionNoteRequest = request.json()?;
    let note = notes::replace(app, request.actor(), id, note, request.if_match()?, contents.into()).await?;
    let version = note.version;
    Ok(Response::json(StatusCode::OK, &SessionNote::from(note)).version(version))
}
