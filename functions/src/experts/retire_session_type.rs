//! Retires a session type.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::SessionType;

/// `DELETE /v1/experts/{expert_id}/session-types/{session_type_id}`
pub const ROUTE: Route = Route {
    function: "retire_session_type",
    method: Method::Delete,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}",
    audience: Audience::SignedIn,
    summary: "Retire a session type; existing appointments are not affected",
    operation: |schemas| Operation::responds_with::<SessionType>(schemas, StatusCode::OK).conditional(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let id = request.path_parameter("session_type_id", "session type")?;
    let session_type = session_types::retire(app, actor, expert, id, request.if_match()?).await?;
    let version = session_type.session_type.version;
    Ok(Response::json(StatusCode::OK, &SessionType::from(session_type)).version(version))
}
