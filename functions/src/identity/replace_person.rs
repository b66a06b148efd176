//! Replaces what the signed-in person chooses for themself.

use app::App;
use app::identity::person;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::{Person, PersonProfile};

/// `PUT /v1/me`
pub const ROUTE: Route = Route {
    function: "replace_person",
    method: Method::Put,
    path: "/v1/me",
    audience: Audience::SignedIn,
    summary: "Replace my language, time zone and telephone number",
    operation: |schemas| {
        Operation::responds_with::<Person>(schemas, StatusCode::OK)
            .accepts::<PersonProfile>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let signed_in = request.require_person()?;
    let profile: PersonProfile = request.json()?;
    let me = person::replace(app, request.actor(), request.if_match()?, profile.into()).await?;
    let document = Person::of(signed_in, me);
    Ok(Response::json(StatusCode::OK, &document).version(document.version))
}
