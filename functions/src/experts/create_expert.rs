//! Creates the expert profile of the signed-in person, public or as a draft.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::{ExpertProfileRequest, OwnExpert};

/// `POST /v1/experts`
pub const ROUTE: Route = Route {
    function: "create_expert",
    method: Method::Post,
    path: "/v1/experts",
    audience: Audience::Only(app::identity::signed_in::Role::Expert),
    summary: "Create my expert profile, public or as a draft",
    operation: |schemas| {
        Operation::responds_with::<OwnExpert>(schemas, StatusCode::CREATED)
            .accepts::<ExpertProfileRequest>(schemas)
            .idempotent()
            .versioned()
            .problems(&[problem::EXISTS])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let profile: ExpertProfileRequest = request.json()?;
    let published = profile.published().unwrap_or(true);
    let idempotency = request.idempotent_request()?;
    let created =
        profiles::create(app, request.actor(), &idempotency, profile.into_profile()?, published).await?;
    let body = request.idempotent_body(app, created, OwnExpert::from).await;
    Ok(Response::created("/v1/experts", body))
}
