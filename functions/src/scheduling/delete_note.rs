//! Deletes a note about a session.

use app::App;
use app::scheduling::notes;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

/// `DELETE /v1/appointments/{appointment_id}/notes/{note_id}`
pub const ROUTE: Route = Route {
    function: "delete_note",
    method: Method::Delete,
    path: "/v1/appointments/{appointment_id}/notes/{note_id}",
    audience: Audience::SignedIn,
    summary: "Delete a note that my party wrote",
    operation: |_| Operation::responds_empty(StatusCode::NO_CONTENT).conditional(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let note = request.path_parameter("note_id", "note")?;
    notes::delete(app, request.actor(), id, note, request.if_match()?).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
