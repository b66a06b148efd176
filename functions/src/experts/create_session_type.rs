//! Creates a session type of the signed-in expert.

use app::App;
use app::experts::session_types;
use app::idempotency::{Creation, complete};
use domain::experts::session_type::SessionTypeTerms;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::SessionTypeDocument;

/// `POST /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "create_session_type",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::SignedIn,
    summary: "Create a session type",
    operation: |schemas| {
        Operation::responds_with::<SessionTypeDocument>(schemas, StatusCode::CREATED)
            .accepts::<SessionTypeTerms>(schemas)
            .idempotent()
            .problems(&[problem::TOO_MANY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let terms = request.json()?;
    let key = request.idempotent_request()?;
    let body = match session_types::create(app, actor, expert, &key, terms).await? {
        Creation::Replayed(body) => body,
        Creation::Created(kind, idempotency) => {
            let body = Response::json(StatusCode::CREATED, &SessionTypeDocument::from(kind)).into_text();
            complete(app, actor, idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::json_text(StatusCode::CREATED, body).version(1))
}
