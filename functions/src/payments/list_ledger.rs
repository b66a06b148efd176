//! An expert's ledger: what moved of their money, in the order in which it was written down.

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
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Every movement of my money, as the payment gateways did it",
    operation: |schemas| Operation::responds_with::<Ledger>(schemas, StatusCode::OK).query::<Wanted>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only what was written down at or after this instant.
    #[serde(default = "paging::earliest")]
    from: Timestamp,
    /// Only what was written down before this instant.
    #[serde(default = "paging::latest")]
    to: Timestamp,
    /// `next_after` of the page before.
    after: Option<String>,
    /// Most entries of the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of the ledger, oldest first. What was written in the last moments may be missing yet.
#[derive(Serialize, JsonSchema)]
struct Ledger {
    /// The page.
    entries: Vec<EntryDocument>,
    /// `after` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// Movements that were written down together.
#[derive(Serialize, JsonSchema)]
struct EntryDocument {
    /// When they were written down.
    at: Timestamp,
    /// The appointment that was paid for; none for payouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// Who moved the money.
    gateway: GatewayKind,
    /// What moved.
    movements: Vec<Movement>,
}

impl From<Entry> for EntryDocument {
    fn from(entry: Entry) -> Self {
        let Entry { appointment, gateway, at, movements, .. } = entry;
        Self { at, appointment_id: appointment, gateway, movements }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let owner = request.signed_in()?.owner_of(request.parameter("expert_id", "expert")?)?;
    let Wanted { from, to, after, limit } = request.query()?;
    paging::check_limit(limit, reports::LARGEST_PAGE)?;
    let known = |cursor: &str| paging::after_time(cursor).is_some();
    let after = after.map(|after| paging::decode_cursor("after", &after, known)).transpose()?;
    let page = reports::ledger(app, owner, TimeSpan::new(from, to), after.as_deref(), limit).await?;
    let entries = page.entries.into_iter().map(EntryDocument::from).collect();
    let next_after = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Ledger { entries, next_after }))
}
