//! Replaces the terms of a session type.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::{SessionType, SessionTypeTerms};

/// `PUT /v1/experts/{expert_id}/session-types/{session_type_id}`
pub const ROUTE: Route = Route {
    function: "replace_session_type",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}",
    audience: Audience::SignedIn,
    summary: "Replace the terms of a session type; existing appointments keep the old terms",
    operation: |schemas| {
        Operation::responds_with::<SessionType>(schemas, StatusCode::OK)
            .accepts::<SessionTypeTerms>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let id = request.path_parameter("session_type_id", "session type")?;
    let terms: SessionTypeTerms = request.json()?;
    let session_type =
        session_types::replace(app, actor, expert, id, request.if_match()?, terms.into()).await?;
    let version = session_type.session_type.version;
    Ok(Response::json(StatusCode::OK, &SessionType::from(session_type)).version(version))
}
