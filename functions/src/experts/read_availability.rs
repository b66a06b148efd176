//! Reads the availability rules of an expert.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::AvailabilityRules;

/// `GET /v1/experts/{expert_id}/availability`
pub const ROUTE: Route = Route {
    function: "read_availability",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/availability",
    audience: Audience::SignedIn,
    summary: "Read my availability rules",
    operation: |schemas| Operation::responds_with::<AvailabilityRules>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let rules = profiles::rules(app, actor, expert).await?;
    Ok(Response::json(StatusCode::OK, &AvailabilityRules::from(rules.rules)).version(rules.version))
}
