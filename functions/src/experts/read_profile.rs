//! Reads the profile of an expert, also if it is a draft.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::OwnExpert;

/// `GET /v1/experts/{expert_id}/profile`
pub const ROUTE: Route = Route {
    function: "read_profile",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/profile",
    audience: Audience::SignedIn,
    summary: "Read my expert profile, also if it is a draft; administrators read that of every expert",
    operation: |schemas| Operation::responds_with::<OwnExpert>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("expert_id", "expert")?;
    let expert = profiles::read_own(app, request.actor(), id).await?;
    let version = expert.version;
    Ok(Response::json(StatusCode::OK, &OwnExpert::from(expert)).version(version))
}
