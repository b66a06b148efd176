//! Returns the reliability of the signed-in person.

use app::App;
use app::scheduling::reliability;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Reliability;

/// `GET /v1/me/reliability`
pub const ROUTE: Route = Route {
    function: "read_own_reliability",
    method: Method::Get,
    path: "/v1/me/reliability",
    audience: Audience::SignedIn,
    summary: "Read my late cancellations, declined proposals, moves, no-shows and lost disputes",
    operation: |schemas| Operation::responds_with::<Reliability>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let reliability = reliability::read_own(app, request.actor()).await?;
    Ok(Response::json(StatusCode::OK, &Reliability::from(reliability)))
}
