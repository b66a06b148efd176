//! Lists the entries of an expert's ledger in the order in which they were recorded.

use app::App;
use app::payments::reports;
use domain::payments::ledger;
use domain::{AppointmentId, Money, TimeSpan, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::Gateway;
use crate::mirror::{each, mirror};
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
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of entries in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of the ledger, oldest entry first. The list is eventually consistent.
#[derive(Serialize, JsonSchema)]
struct Ledger {
    /// The entries of this page.
    entries: Vec<LedgerEntry>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Movements that were recorded together.
#[derive(Serialize, JsonSchema)]
struct LedgerEntry {
    /// When the movements were recorded.
    at: Timestamp,
    /// The appointment that was paid for; absent for payouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// The payment gateway that moved the money.
    gateway: Gateway,
    /// The movements of the entry.
    movements: Vec<Movement>,
}

impl From<ledger::Entry> for LedgerEntry {
    fn from(entry: ledger::Entry) -> Self {
        let ledger::Entry { appointment, gateway, at, movements, .. } = entry;
        Self { at, appointment_id: appointment, gateway: gateway.into(), movements: each(movements) }
    }
}

/// An amount that moved from one account to another.
#[derive(Serialize, JsonSchema)]
struct Movement {
    /// What moved the amount.
    kind: MovementKind,
    /// The amount.
    amount: Money,
    /// The account that the amount was taken from.
    from: LedgerAccount,
    /// The account that the amount was added to.
    to: LedgerAccount,
    /// The gateway's object that represents the movement, such as `ch_…` or `re_…`. It is unique together with the kind.
    object: String,
    /// The idempotency key of the platform's request; null if the gateway or a person there initiated the movement.
    idempotency_key: Option<String>,
    /// When the movement happened at the gateway.
    at: Timestamp,
}

mirror!(struct Movement <= ledger::Movement { kind, amount, from, to, object, idempotency_key, at });

/// The kind of a movement.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MovementKind {
    /// The client's bank reserved the amount.
    Authorized,
    /// The client's bank released an authorized amount that was not captured.
    Released,
    /// The client paid.
    Captured,
    /// The gateway charged its fee for a payment.
    ProcessingFee,
    /// The expert's share, before the platform's fee, was transferred to the expert.
    Transfer,
    /// The platform's fee.
    #[serde(rename = "platform_fee")]
    Fee,
    /// Money was refunded to the client.
    Refund,
    /// A refund came back, because the client's bank rejected it.
    RefundFailed,
    /// The expert returned their share of a refund or a dispute.
    Reversal,
    /// The platform returned its fee on a refund or a dispute.
    #[serde(rename = "platform_fee_refund")]
    FeeRefund,
    /// The client's bank withdrew a disputed payment.
    Dispute,
    /// The gateway charged its fee for a dispute.
    DisputeFee,
    /// The bank decided the dispute for the expert and returned the amount.
    DisputeWon,
    /// Money was paid out to the expert's bank.
    Payout,
    /// A payout came back from the expert's bank.
    PayoutFailed,
    /// An administrator resolved a failed refund outside the gateway.
    ResolvedManually,
    /// The platform keeps a part of what the client paid, because the client pays for the processing of their refund.
    ProcessingCost,
}

mirror!(enum MovementKind <= ledger::MovementKind {
    Authorized,
    Released,
    Captured,
    ProcessingFee,
    Transfer,
    Fee,
    Refund,
    RefundFailed,
    Reversal,
    FeeRefund,
    Dispute,
    DisputeFee,
    DisputeWon,
    Payout,
    PayoutFailed,
    ResolvedManually,
    ProcessingCost,
});

/// An account of the ledger.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LedgerAccount {
    /// The client's money outside the gateway. A negative balance is what the client has paid.
    Client,
    /// The client's money that their bank has reserved for a payment.
    Authorized,
    /// The platform's balance at the gateway.
    Platform,
    /// The expert's balance at the gateway.
    Expert,
    /// The fees that the gateway has charged.
    Gateway,
    /// The expert's bank account.
    ExpertBank,
    /// What clients have paid for the processing of their refunds. It is the platform's, which has paid the gateway's fee, and a part of
    /// its balance at the gateway.
    ProcessingCosts,
}

mirror!(enum LedgerAccount <= ledger::Account {
    Client,
    Authorized,
    Platform,
    Expert,
    Gateway,
    ExpertBank,
    ProcessingCosts,
});

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let LedgerQuery { from, to, cursor, limit } = request.query()?;
    let known = |cursor: &str| paging::after_time(cursor).is_some();
    let after = cursor.map(|cursor| paging::decode_cursor(&cursor, known)).transpose()?;
    let page = reports::ledger(app, actor, expert, TimeSpan::new(from, to), after.as_deref(), limit).await?;
    let entries = page.entries.into_iter().map(LedgerEntry::from).collect();
    let next_cursor = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Ledger { entries, next_cursor }))
}
