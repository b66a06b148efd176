//! Withdraws a session type.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::SessionTypeDocument;

/// `DELETE /v1/experts/{expert_id}/session-types/{session_type_id}`
pub const ROUTE: Route = Route {
    function: "retire_session_type",
    method: Method::Delete,
    path: "/v1/experts/{expert_id}/session-types/{session_type_id}",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Withdraw a session type; existing appointments are not affected",
    operation: |schemas| Operation::returns::<SessionTypeDocument>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let kind = session_types::retire(app, owner, call.parameter("session_type_id", "session type")?).await?;
    let version = kind.version;
    Ok(Answer::json(StatusCode::OK, &SessionTypeDocument::from(kind)).version(version))
}
