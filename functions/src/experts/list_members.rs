//! Lists an expert's members and open invitations.

use app::App;
use app::experts::members;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;
use store::Team;

use super::documents::{Invitation, Member};

/// `GET /v1/experts/{expert_id}/members`
pub const ROUTE: Route = Route {
    function: "list_members",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/members",
    audience: Audience::SignedIn,
    summary: "List my members and my open invitations",
    operation: |schemas| Operation::responds_with::<Members>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The members and open invitations of an expert, at most 50 of each.
#[derive(Serialize, JsonSchema)]
struct Members {
    /// The members.
    #[schemars(length(max = 50))]
    members: Vec<Member>,
    /// The invitations that can be accepted now, the oldest first.
    #[schemars(length(max = 50))]
    invitations: Vec<Invitation>,
    /// Whether some members or invitations are missing, because they cannot be shown at the moment.
    truncated: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let team = members::list(app, request.actor(), expert).await?;
    let Team { members, invitations, unreadable_members, unreadable_invitations, version: _ } = team;
    let members = Members {
        members: members.into_iter().map(Member::from).collect(),
        invitations: invitations.into_iter().map(Invitation::from).collect(),
        truncated: unreadable_members + unreadable_invitations > 0,
    };
    Ok(Response::json(StatusCode::OK, &members))
}
