//! Suspends an expert, or lifts the suspension.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::OwnExpert;

/// `PUT /v1/experts/{expert_id}/suspension`
pub const ROUTE: Route = Route {
    function: "suspend_expert",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/suspension",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Suspend an expert or lift the suspension; existing appointments are not affected",
    operation: |schemas| {
        Operation::responds_with::<OwnExpert>(schemas, StatusCode::OK)
            .accepts::<Suspension>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Whether an expert is suspended.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Suspension {
    /// `true` to suspend the expert; `false` to lift the suspension, after which `status` is again the one that the expert chose.
    suspended: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("expert_id", "expert")?;
    let Suspension { suspended } = request.json()?;
    let expert = profiles::suspend(app, request.actor(), id, request.if_match()?, suspended).await?;
    let version = expert.version;
    Ok(Response::json(StatusCode::OK, &OwnExpert::from(expert)).version(version))
}
