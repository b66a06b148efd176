//! Lists the notes about a session.

use app::App;
use app::scheduling::notes;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::SessionNote;

/// `GET /v1/appointments/{appointment_id}/notes`
pub const ROUTE: Route = Route {
    function: "list_notes",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/notes",
    audience: Audience::SignedIn,
    summary: "List my notes about a session and those that were shared with me",
    operation: |schemas| Operation::responds_with::<Notes>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The notes about a session that the caller may read, the oldest first.
#[derive(Serialize, JsonSchema)]
struct Notes {
    /// The notes, at most 20 of each party.
    notes: Vec<SessionNote>,
    /// Whether notes are missing, because a newer release has written them in a way that this one does not know.
    truncated: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let (notes, truncated) = notes::list(app, request.actor(), id).await?;
    let notes = notes.into_iter().map(SessionNote::from).collect();
    Ok(Response::json(StatusCode::OK, &Notes { notes, truncated }))
}
