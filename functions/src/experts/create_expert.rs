//! Publishes the profile of the signed-in expert.

use app::App;
use app::experts::profiles;
use app::idempotency::{Creation, complete};
use domain::experts::expert::ExpertProfile;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::ExpertDocument;

/// `POST /v1/experts`
pub const ROUTE: Route = Route {
    function: "create_expert",
    method: Method::Post,
    path: "/v1/experts",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Publish my expert profile",
    operation: |schemas| {
        Operation::returns::<ExpertDocument>(schemas, StatusCode::CREATED)
            .accepts_body::<ExpertProfile>(schemas)
            .idempotent()
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let person = call.signed_in()?;
    let profile = call.json()?;
    let request = call.idempotency()?;
    let body = match profiles::create(app, person, &request, profile).await? {
        Creation::Replayed(body) => body,
        Creation::Created(expert, idempotency) => {
            let body = Answer::json(StatusCode::CREATED, &ExpertDocument::from(expert)).into_text();
            complete(app, idempotency, body.clone()).await;
            body
        }
    };
    let path = format!("/v1/experts/{}", person.expert_id());
    Ok(Answer::json_text(StatusCode::CREATED, body).location(&path).version(1))
}
