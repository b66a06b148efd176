//! Returns the signed-in person.

use app::App;
use app::identity::person;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Person;

/// `GET /v1/me`
pub const ROUTE: Route = Route {
    function: "read_person",
    method: Method::Get,
    path: "/v1/me",
    audience: Audience::SignedIn,
    summary: "Read the signed-in person",
    operation: |schemas| Operation::responds_with::<Person>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let signed_in = request.require_person()?;
    let token = request.access_token();
    let me = person::read(app, request.actor(), token.as_ref()).await?;
    let document = Person::of(signed_in, me);
    Ok(Response::json(StatusCode::OK, &document).version(document.version))
}
