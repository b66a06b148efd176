//! Creates a session type of the signed-in expert.

use app::App;
use app::experts::session_types;
use app::idempotency::{Creation, complete};
use domain::ExpertId;
use domain::experts::session_type::SessionTypeTerms;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::SessionTypeDocument;

/// `POST /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "create_session_type",
    method: Method::Post,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Create a session type",
    operation: |schemas| {
        Operation::returns::<SessionTypeDocument>(schemas, StatusCode::CREATED)
            .accepts_body::<SessionTypeTerms>(schemas)
            .idempotent()
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let expert: ExpertId = call.parameter("expert_id", "expert")?;
    let owner = call.signed_in()?.owner_of(expert)?;
    let terms = call.json()?;
    let request = call.idempotency()?;
    let body = match session_types::create(app, owner, &request, terms).await? {
        Creation::Replayed(body) => body,
        Creation::Created(kind, idempotency) => {
            let body = Answer::json(StatusCode::CREATED, &SessionTypeDocument::from(kind)).into_text();
            complete(app, idempotency, body.clone()).await;
            body
        }
    };
    Ok(Answer::json_text(StatusCode::CREATED, body).version(1))
}
