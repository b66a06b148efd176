//! Suspends a person, or lifts the suspension.

use app::App;
use app::identity::suspension;
use domain::kernel::text::ShortText;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::SuspensionHistory;

/// `PUT /v1/people/{person_id}/suspension`
pub const ROUTE: Route = Route {
    function: "suspend_person",
    method: Method::Put,
    path: "/v1/people/{person_id}/suspension",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Suspend a person or lift the suspension; existing appointments are not affected",
    operation: |schemas| {
        Operation::responds_with::<SuspensionHistory>(schemas, StatusCode::OK)
            .accepts::<PersonSuspension>(schemas)
            .conditional()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Whether a person is suspended, and why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonSuspension {
    /// `true` to suspend the person; `false` to lift the suspension.
    suspended: bool,
    /// The reason. The person can read it while they are suspended.
    reason: ShortText,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.path_parameter("person_id", "person")?;
    let PersonSuspension { suspended, reason } = request.json()?;
    let (actor, if_match) = (request.actor(), request.if_match()?);
    let suspension = suspension::change(app, actor, person, if_match, suspended, reason).await?;
    let version = suspension.version;
    Ok(Response::json(StatusCode::OK, &SuspensionHistory::from(suspension)).version(version))
}
