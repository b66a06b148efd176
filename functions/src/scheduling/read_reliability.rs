//! Returns the reliability of any person.

use app::App;
use app::scheduling::reliability;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Reliability;

/// `GET /v1/people/{person_id}/reliability`
pub const ROUTE: Route = Route {
    function: "read_reliability",
    method: Method::Get,
    path: "/v1/people/{person_id}/reliability",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Read a person's late cancellations, declined proposals, moves, no-shows and lost disputes",
    operation: |schemas| Operation::responds_with::<Reliability>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.path_parameter("person_id", "person")?;
    let reliability = reliability::read(app, request.actor(), person).await?;
    Ok(Response::json(StatusCode::OK, &Reliability::from(reliability)))
}
