//! Replaces the profile of an expert.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::{ExpertProfileRequest, OwnExpert};

/// `PUT /v1/experts/{expert_id}`
pub const ROUTE: Route = Route {
    function: "replace_expert",
    method: Method::Put,
    path: "/v1/experts/{expert_id}",
    audience: Audience::SignedIn,
    summary: "Replace my expert profile, and publish or unpublish it",
    operation: |schemas| {
        Operation::responds_with::<OwnExpert>(schemas, StatusCode::OK)
            .accepts::<ExpertProfileRequest>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let profile: ExpertProfileRequest = request.json()?;
    let published = profile.published();
    let profile = profile.into_profile()?;
    let expert = profiles::replace(app, actor, expert, request.if_match()?, profile, published).await?;
    let version = expert.version;
    Ok(Response::json(StatusCode::OK, &OwnExpert::from(expert)).version(version))
}
