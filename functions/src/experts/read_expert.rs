//! Reads the public profile of an expert.

use app::App;
use app::experts::profiles;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::ExpertDocument;

/// `GET /v1/experts/{expert_id}`
pub const ROUTE: Route = Route {
    function: "read_expert",
    method: Method::Get,
    path: "/v1/experts/{expert_id}",
    audience: Audience::Public,
    summary: "Read the profile of an expert",
    operation: |schemas| Operation::returns::<ExpertDocument>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let expert = profiles::read(app, call.parameter("expert_id", "expert")?).await?;
    let version = expert.version;
    Ok(Answer::json(StatusCode::OK, &ExpertDocument::from(expert)).version(version))
}
