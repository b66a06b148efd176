//! Replaces the terms of a session type.

use app::App;
use app::experts::session_types;
use domain::experts::session_type::SessionTypeTerms;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::SessionTypeDocument;

/// `PUT /v1/experts/{expert_id}/session-types/{session_type_id}`
pub const ROUTE: Route = Route {
    function: "update_session_type",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Replace the terms of a session type; existing appointments keep the old terms",
    operation: |schemas| {
        Operation::returns::<SessionTypeDocument>(schemas, StatusCode::OK)
            .accepts_body::<SessionTypeTerms>(schemas)
            .conditional()
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let id = call.parameter("session_type_id", "session type")?;
    let kind = session_types::edit(app, owner, id, call.if_match()?, call.json()?).await?;
    let version = kind.version;
    Ok(Answer::json(StatusCode::OK, &SessionTypeDocument::from(kind)).version(version))
}
