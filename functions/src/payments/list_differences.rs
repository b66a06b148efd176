//! What the ledger and the payment gateways' books say differently.

use app::App;
use app::payments::reports;
use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation::{Difference, DifferenceKind, Sums};
use domain::{AppointmentId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging;

/// `GET /v1/ledger-differences`
pub const ROUTE: Route = Route {
    function: "list_differences",
    method: Method::Get,
    path: "/v1/ledger-differences",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "What the ledger and the gateways' books say differently; what stands comes first",
    operation: |schemas| Operation::responds_with::<Differences>(schemas, StatusCode::OK).query::<Wanted>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `next_after` of the page before.
    after: Option<String>,
    /// Most differences of the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of differences: those that stand, then those that are over, the latest first.
#[derive(Serialize, JsonSchema)]
struct Differences {
    /// The page.
    differences: Vec<DifferenceDocument>,
    /// `after` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// A difference between the ledger and a gateway's books, at one object of the gateway and in one currency.
#[derive(Serialize, JsonSchema)]
struct DifferenceDocument {
    /// AppointmentsOf books.
    gateway: GatewayKind,
    /// The gateway's object, such as `ch_…` or `re_…`.
    object: String,
    /// In what way they differ.
    kind: DifferenceKind,
    /// ISO 4217 code of all amounts, which are in minor units.
    currency: String,
    /// What the ledger says; null when it says nothing.
    expected: Option<Sums>,
    /// What the gateway's books say; null when they say nothing.
    found: Option<Sums>,
    /// AppointmentsOf payment, where that is known.
    appointment_id: Option<AppointmentId>,
    /// When something first moved there.
    first_moved_at: Timestamp,
    /// When something last moved there.
    last_moved_at: Timestamp,
    /// When it was first seen.
    first_seen_at: Timestamp,
    /// When it was last seen.
    last_seen_at: Timestamp,
    /// Since when the two agree again; null while they do not.
    resolved_at: Option<Timestamp>,
}

impl From<Difference> for DifferenceDocument {
    fn from(difference: Difference) -> Self {
        Self {
            gateway: difference.gateway,
            kind: difference.kind(),
            object: difference.object,
            currency: difference.currency,
            expected: difference.expected,
            found: difference.found,
            appointment_id: difference.appointment,
            first_moved_at: difference.first_moved_at,
            last_moved_at: difference.last_moved_at,
            first_seen_at: difference.first_seen_at,
            last_seen_at: difference.last_seen_at,
            resolved_at: difference.resolved_at,
        }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let Wanted { after, limit } = request.query()?;
    paging::check_limit(limit, reports::LARGEST_PAGE)?;
    let after = after.map(|after| paging::decode_cursor("after", &after, |_| true)).transpose()?;
    let page = reports::differences(app, request.signed_in()?, after.as_deref(), limit).await?;
    let differences = page.differences.into_iter().map(DifferenceDocument::from).collect();
    let next_after = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Differences { differences, next_after }))
}
