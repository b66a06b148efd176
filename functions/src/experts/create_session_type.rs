//! Creates a session type of an expert.

use app::App;
use app::experts::session_types;
use app::idempotency::{Creation, complete};
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
    let key = request.idempotent_request()?;
    let body = match session_types::create(app, actor, expert, &key, terms.into()).await? {
        Creation::Replayed(body) => body,
        Creation::Created(session_type, idempotency) => {
            let body = Response::json(StatusCode::CREATED, &SessionType::from(session_type)).into_text();
            complete(app, actor, idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::created(&format!("/v1/experts/{expert}/session-types"), body))
}
