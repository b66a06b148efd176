//! Returns an invitation of an expert.

use app::App;
use app::experts::members;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Invitation;

/// `GET /v1/experts/{expert_id}/invitations/{invitation_id}`
pub const ROUTE: Route = Route {
    function: "read_invitation",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/invitations/{invitation_id}",
    audience: Audience::SignedIn,
    summary: "Read one of my open invitations",
    operation: |schemas| Operation::responds_with::<Invitation>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let id = request.path_parameter("invitation_id", "invitation")?;
    let invitation = members::invitation(app, request.actor(), expert, id).await?;
    Ok(Response::json(StatusCode::OK, &Invitation::from(invitation)))
}
