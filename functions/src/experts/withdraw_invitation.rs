//! Withdraws an invitation of an expert.

use app::App;
use app::experts::members;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

/// `DELETE /v1/experts/{expert_id}/invitations/{invitation_id}`
pub const ROUTE: Route = Route {
    function: "withdraw_invitation",
    method: Method::Delete,
    path: "/v1/experts/{expert_id}/invitations/{invitation_id}",
    audience: Audience::SignedIn,
    summary: "Withdraw an invitation",
    operation: |_| Operation::responds_empty(StatusCode::NO_CONTENT),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let invitation = request.path_parameter("invitation_id", "invitation")?;
    members::withdraw(app, request.actor(), expert, invitation).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
