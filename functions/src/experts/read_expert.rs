//! Reads the public profile of an expert.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Expert;

/// `GET /v1/experts/{expert_id}`
pub const ROUTE: Route = Route {
    function: "read_expert",
    method: Method::Get,
    path: "/v1/experts/{expert_id}",
    audience: Audience::Public,
    summary: "Read the public profile of an expert",
    operation: |schemas| Operation::responds_with::<Expert>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert =
        profiles::read_public(app, request.actor(), request.path_parameter("expert_id", "expert")?).await?;
    let version = expert.version;
    Ok(Response::json(StatusCode::OK, &Expert::from(expert)).version(version))
}
