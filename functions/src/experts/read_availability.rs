//! Reads the availability rules of the signed-in expert.

use app::App;
use app::experts::profiles;
use domain::experts::availability::AvailabilityRules;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `GET /v1/experts/{expert_id}/availability`
pub const ROUTE: Route = Route {
    function: "read_availability",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/availability",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Read my availability rules",
    operation: |schemas| Operation::returns::<AvailabilityRules>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let rules = profiles::rules(app, owner).await?;
    Ok(Answer::json(StatusCode::OK, &rules.rules).version(rules.version))
}
