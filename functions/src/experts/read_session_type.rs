//! Reads a session type of an expert.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::SessionType;

/// `GET /v1/experts/{expert_id}/session-types/{session_type_id}`
pub const ROUTE: Route = Route {
    function: "read_session_type",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}",
    audience: Audience::Public,
    summary: "Read a session type, even if it is retired",
    operation: |schemas| Operation::responds_with::<SessionType>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let id = request.path_parameter("session_type_id", "session type")?;
    let session_type = session_types::read(app, request.actor(), expert, id).await?;
    let version = session_type.session_type.version;
    Ok(Response::json(StatusCode::OK, &SessionType::from(session_type)).version(version))
}
