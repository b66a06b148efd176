//! Replaces the profile of the signed-in expert.

use app::App;
use app::experts::profiles;
use domain::experts::expert::ExpertProfile;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::ExpertDocument;

/// `PUT /v1/experts/{expert_id}`
pub const ROUTE: Route = Route {
    function: "update_expert",
    method: Method::Put,
    path: "/v1/experts/{expert_id}",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Replace my expert profile",
    operation: |schemas| {
        Operation::returns::<ExpertDocument>(schemas, StatusCode::OK)
            .accepts_body::<ExpertProfile>(schemas)
            .conditional()
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let expert = profiles::edit(app, owner, call.if_match()?, call.json()?).await?;
    let version = expert.version;
    Ok(Answer::json(StatusCode::OK, &ExpertDocument::from(expert)).version(version))
}
