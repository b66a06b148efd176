//! Removes a member of an expert.

use app::App;
use app::experts::members;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

/// `DELETE /v1/experts/{expert_id}/members/{person_id}`
pub const ROUTE: Route = Route {
    function: "remove_member",
    method: Method::Delete,
    path: "/v1/experts/{expert_id}/members/{person_id}",
    audience: Audience::SignedIn,
    summary: "Remove a member, or leave an expert",
    operation: |_| Operation::responds_empty(StatusCode::NO_CONTENT).conditional(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let person = request.path_parameter("person_id", "member")?;
    members::remove(app, request.actor(), expert, person, request.if_match()?).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
