//! Replaces the availability rules of an expert.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::AvailabilityRules;

/// `PUT /v1/experts/{expert_id}/availability`
pub const ROUTE: Route = Route {
    function: "replace_availability",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/availability",
    audience: Audience::SignedIn,
    summary: "Replace my availability rules; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::responds_with::<AvailabilityRules>(schemas, StatusCode::OK)
            .accepts::<AvailabilityRules>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let rules: AvailabilityRules = request.json()?;
    let rules = profiles::replace_rules(app, actor, expert, request.if_match()?, rules.into()).await?;
    Ok(Response::json(StatusCode::OK, &AvailabilityRules::from(rules.rules)).version(rules.version))
}
