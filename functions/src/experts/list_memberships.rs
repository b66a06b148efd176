//! Lists the experts for whom the signed-in person acts.

use app::App;
use app::experts::members;
use domain::ExpertId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::Membership;
use crate::paging;

/// `GET /v1/me/memberships`
pub const ROUTE: Route = Route {
    function: "list_memberships",
    method: Method::Get,
    path: "/v1/me/memberships",
    audience: Audience::SignedIn,
    summary: "List the experts for whom I act",
    operation: |schemas| {
        Operation::responds_with::<Memberships>(schemas, StatusCode::OK).query::<MembershipsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MembershipsQuery {
    /// The `next_cursor` of the previous page.
    cursor: Option<ExpertId>,
    /// The maximum number of memberships in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of memberships, ordered by expert.
#[derive(Serialize, JsonSchema)]
struct Memberships {
    /// The memberships of this page.
    memberships: Vec<Membership>,
    /// Whether some memberships of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<ExpertId>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let MembershipsQuery { cursor, limit } = request.query()?;
    let page = members::memberships(app, request.actor(), cursor, limit).await?;
    let memberships = page.memberships.into_iter().map(Membership::from).collect();
    let (truncated, next_cursor) = (page.truncated, page.next);
    Ok(Response::json(StatusCode::OK, &Memberships { memberships, truncated, next_cursor }))
}
