//! Invites a person to act for an expert.

use app::App;
use app::experts::members;
use domain::ExpertId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::{Invitation, MemberTerms};

/// `POST /v1/experts/{expert_id}/invitations`
pub const ROUTE: Route = Route {
    function: "create_invitation",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/invitations",
    audience: Audience::SignedIn,
    summary: "Invite a person to act for me; give them the secret",
    operation: |schemas| {
        Operation::responds_with::<NewInvitation>(schemas, StatusCode::CREATED)
            .accepts::<MemberTerms>(schemas)
            .idempotent()
            .problems(&[problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// A new invitation with its secret.
#[derive(Serialize, JsonSchema)]
struct NewInvitation {
    /// What the invited person sends to accept the invitation. It is shown only once. If you repeat this request with the same
    /// `Idempotency-Key`, you get a new secret, and the previous one can no longer be used.
    secret: String,
    #[serde(flatten)]
    invitation: Invitation,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert: ExpertId = request.path_parameter("expert_id", "expert")?;
    let MemberTerms { role, name } = request.json()?;
    let idempotency = request.idempotent_request()?;
    let members::NewInvitation { invitation, secret } =
        members::invite(app, request.actor(), expert, &idempotency, role.into(), name).await?;
    let path = format!("/v1/experts/{expert}/invitations/{}", invitation.id);
    let document = NewInvitation { secret: secret.reveal().to_owned(), invitation: invitation.into() };
    Ok(Response::json(StatusCode::CREATED, &document).location(&path))
}
