//! Lists the session types of an expert, also if the profile is a draft.

use app::App;
use app::experts::session_types;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::list_session_types::{SessionTypes, SessionTypesQuery, respond};

/// The maximum size of the session types in the response, in bytes. A Lambda function can return 6 MB, in which quotes are escaped.
const MAX_BYTES: usize = 5_000_000;

/// `GET /v1/experts/{expert_id}/profile/session-types`
pub const ROUTE: Route = Route {
    function: "list_own_session_types",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/profile/session-types",
    audience: Audience::SignedIn,
    summary: "List my session types, also if my profile is a draft; administrators list those of every expert",
    operation: |schemas| {
        Operation::responds_with::<SessionTypes>(schemas, StatusCode::OK).query::<SessionTypesQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let query: SessionTypesQuery = request.query()?;
    let list = session_types::list_own(app, request.actor(), expert, query.includes_retired());
    respond(app, request, expert, query.currency, MAX_BYTES, list).await
}
