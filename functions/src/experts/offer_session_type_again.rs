//! Offers a retired session type again.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::SessionType;

/// `POST /v1/experts/{expert_id}/session-types/{session_type_id}/offer-again`
pub const ROUTE: Route = Route {
    function: "offer_session_type_again",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}/offer-again",
    audience: Audience::SignedIn,
    summary: "Offer a retired session type again, with the terms that it had",
    operation: |schemas| {
        Operation::responds_with::<SessionType>(schemas, StatusCode::OK)
            .conditional()
            .problems(&[problem::INVALID, problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let id = request.path_parameter("session_type_id", "session type")?;
    let session_type = session_types::offer_again(app, actor, expert, id, request.if_match()?).await?;
    let version = session_type.session_type.version;
    Ok(Response::json(StatusCode::OK, &SessionType::from(session_type)).version(version))
}
