//! Lists the entries of an expert's ledger in the order in which they were recorded.

use app::App;
use app::payments::reports;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Entry, Movement};
use domain::{AppointmentId, TimeSpan, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging;

/// `GET /v1/experts/{expert_id}/ledger`
pub const ROUTE: Route = Route {
    function: "list_ledger",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/ledger",
    audience: Audience::SignedIn,
    summary: "List the movements of my money",
    operation: |schemas| Operation::responds_with::<Ledger>(schemas, StatusCode::OK).query::<LedgerQuery>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LedgerQuery {
    /// The earliest recording time to list.
    #[serde(default = "paging::earliest")]
    from: Timestamp,
    /// The end of the period; entries recorded at this instant are excluded.
    #[serde(default = "paging::latest")]
    to: Timestamp,
    /// The `next_after` of the previous page.
    #[schemars(length(max = 300))]
    after: Option<String>,
    /// The maximum number of entries in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of the ledger, oldest entry first. An entry appears some moments after it was recorded.
#[derive(Serialize, JsonSchema)]
struct Ledger {
    /// The entries of this page.
    entries: Vec<EntryDocument>,
    /// The `after` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// Movements that were recorded together.
#[derive(Serialize, JsonSchema)]
struct EntryDocument {
    /// When the movements were recorded.
    at: Timestamp,
    /// The appointment that was paid for; absent for payouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// The payment gateway that moved the money.
    gateway: GatewayKind,
    /// The movements of the entry.
    movements: Vec<Movement>,
}

impl From<Entry> for EntryDocument {
    fn from(entry: Entry) -> Self {
        let Entry { appointment, gateway, at, movements, .. } = entry;
        Self { at, appointment_id: appointment, gateway, movements }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let LedgerQuery { from, to, after, limit } = request.query()?;
    paging::check_limit(limit, reports::MAX_PAGE)?;
    let known = |cursor: &str| paging::after_time(cursor).is_some();
    let after = after.map(|after| paging::decode_cursor("after", &after, known)).transpose()?;
    let page = reports::ledger(app, actor, expert, TimeSpan::new(from, to), after.as_deref(), limit).await?;
    let entries = page.entries.into_iter().map(EntryDocument::from).collect();
    let next_after = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Ledger { entries, next_after }))
}
