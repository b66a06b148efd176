//! Returns whether a person is suspended.

use app::App;
use app::identity::suspension;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::SuspensionHistory;

/// `GET /v1/people/{person_id}/suspension`
pub const ROUTE: Route = Route {
    function: "read_suspension",
    method: Method::Get,
    path: "/v1/people/{person_id}/suspension",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Read whether a person is suspended, and the history of it",
    operation: |schemas| Operation::responds_with::<SuspensionHistory>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.path_parameter("person_id", "person")?;
    let suspension = suspension::read(app, request.actor(), person).await?;
    let version = suspension.version;
    Ok(Response::json(StatusCode::OK, &SuspensionHistory::from(suspension)).version(version))
}
