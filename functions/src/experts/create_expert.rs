//! Creates the expert profile of the signed-in person, public or as a draft.

use app::App;
use app::experts::profiles;
use app::idempotency::{Creation, complete};
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
    let key = request.idempotent_request()?;
    let body = match profiles::create(app, request.actor(), &key, profile.into_profile()?, published).await? {
        Creation::Replayed(body) => body,
        Creation::Created(expert, idempotency) => {
            let body = Response::json(StatusCode::CREATED, &OwnExpert::from(expert)).into_text();
            complete(app, request.actor(), idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::created("/v1/experts", body))
}
