//! Replaces the availability rules of the signed-in expert.

use app::App;
use app::experts::profiles;
use domain::experts::availability::AvailabilityRules;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `PUT /v1/experts/{expert_id}/availability`
pub const ROUTE: Route = Route {
    function: "replace_availability",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/availability",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Replace my availability rules; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::returns::<AvailabilityRules>(schemas, StatusCode::OK)
            .accepts_body::<AvailabilityRules>(schemas)
            .conditional()
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let rules = profiles::replace_rules(app, owner, call.if_match()?, call.json()?).await?;
    Ok(Answer::json(StatusCode::OK, &rules.rules).version(rules.version))
}
