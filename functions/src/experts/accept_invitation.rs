//! Accepts an invitation to act for an expert.

use app::App;
use app::experts::members;
use app::ports::Secret;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Membership;

/// `POST /v1/experts/{expert_id}/invitations/{invitation_id}/acceptance`
pub const ROUTE: Route = Route {
    function: "accept_invitation",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/invitations/{invitation_id}/acceptance",
    audience: Audience::SignedIn,
    summary: "Accept an invitation to act for an expert",
    operation: |schemas| {
        Operation::responds_with::<Membership>(schemas, StatusCode::OK)
            .accepts::<Acceptance>(schemas)
            .problems(&[problem::EXISTS, problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The acceptance of an invitation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The secret that the expert gave to you with the invitation.
    #[schemars(length(max = 200))]
    secret: String,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let invitation = request.path_parameter("invitation_id", "invitation")?;
    let Acceptance { secret } = request.json()?;
    let member = members::accept(app, request.actor(), expert, invitation, &Secret::new(secret)).await?;
    Ok(Response::json(StatusCode::OK, &Membership::from(member)))
}
