//! What an expert offers.

use app::{App, session_types};
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::SessionTypeDocument;

/// `GET /v1/experts/{expert_id}/session-types`
pub const ROUTE: Route = Route {
    function: "list_session_types",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/session-types",
    audience: Audience::Public,
    summary: "What an expert offers",
    operation: |schemas| Operation::answers::<SessionTypes>(schemas, StatusCode::OK).asks::<Which>(),
    handler: |app, call| Box::pin(handle(app, call)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `active` (the default), or `all` with those that were withdrawn.
    #[serde(default)]
    status: Wanted,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    #[default]
    Active,
    All,
}

/// Session types, oldest first.
#[derive(Serialize, JsonSchema)]
struct SessionTypes {
    /// All of them.
    session_types: Vec<SessionTypeDocument>,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let expert = call.parameter("expert_id", "expert")?;
    let which: Which = call.query()?;
    let kinds = session_types::list(app, expert, matches!(which.status, Wanted::All)).await?;
    let session_types = kinds.into_iter().map(SessionTypeDocument::from).collect();
    Ok(Answer::json(StatusCode::OK, &SessionTypes { session_types }))
}
