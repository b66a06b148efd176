//! Creates a session type of an expert.

use app::App;
use app::experts::session_types;
use domain::ExpertId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::{SessionType, SessionTypeTerms};

/// `POST /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "create_session_type",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::SignedIn,
    summary: "Create a session type",
    operation: |schemas| {
        Operation::responds_with::<SessionType>(schemas, StatusCode::CREATED)
            .accepts::<SessionTypeTerms>(schemas)
            .idempotent()
            .versioned()
            .problems(&[problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let actor = request.actor();
    let expert: ExpertId = request.path_parameter("expert_id", "expert")?;
    let terms: SessionTypeTerms = request.json()?;
    let idempotency = request.idempotent_request()?;
    let created = session_types::create(app, actor, expert, &idempotency, terms.into()).await?;
    let body = request.idempotent_body(app, created, SessionType::from).await;
    Ok(Response::created(&format!("/v1/experts/{expert}/session-types"), body))
}
