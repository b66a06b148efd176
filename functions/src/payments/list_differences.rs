//! Lists the differences between the ledger and the payment gateways' books.

use app::App;
use app::payments::reports;
use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation;
use domain::{AppointmentId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::Gateway;
use crate::mirror::mirror;
use crate::paging;

/// `GET /v1/ledger-differences`
pub const ROUTE: Route = Route {
    function: "list_differences",
    method: Method::Get,
    path: "/v1/ledger-differences",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "List the differences between the ledger and the gateways' books, open ones first",
    operation: |schemas| {
        Operation::responds_with::<Differences>(schemas, StatusCode::OK).query::<DifferencesQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DifferencesQuery {
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of differences in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of differences: open ones, then resolved ones, the latest first.
#[derive(Serialize, JsonSchema)]
struct Differences {
    /// The differences of this page.
    differences: Vec<Difference>,
    /// Whether some differences of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A difference between the ledger and a gateway's books about one object of the gateway in one currency.
#[derive(Serialize, JsonSchema)]
struct Difference {
    /// The payment gateway.
    gateway: Gateway,
    /// The gateway's id of the object, such as `ch_…` or `re_…`.
    object: String,
    /// The kind of difference.
    kind: DifferenceKind,
    /// The ISO 4217 code of the currency. All amounts are in minor units of it.
    currency: String,
    /// The sums in the ledger; null when the ledger has no movement of the object.
    ledger: Option<Sums>,
    /// The sums in the gateway's books; null when they have no line about the object.
    books: Option<Sums>,
    /// The appointment that was paid for; null when it is not known.
    appointment_id: Option<AppointmentId>,
    /// The time of the first movement.
    first_moved_at: Timestamp,
    /// The time of the last movement.
    last_moved_at: Timestamp,
    /// When the difference was first found.
    first_seen_at: Timestamp,
    /// When the difference was last found.
    last_seen_at: Timestamp,
    /// When the ledger and the books were found to agree again; null while the difference is open.
    resolved_at: Option<Timestamp>,
}

impl From<reconciliation::Difference> for Difference {
    fn from(difference: reconciliation::Difference) -> Self {
        Self {
            gateway: difference.gateway.into(),
            kind: difference.kind().into(),
            object: difference.object,
            currency: difference.currency,
            ledger: difference.ledger.map(Into::into),
            books: difference.books.map(Into::into),
            appointment_id: difference.appointment,
            first_moved_at: difference.first_moved_at,
            last_moved_at: difference.last_moved_at,
            first_seen_at: difference.first_seen_at,
            last_seen_at: difference.last_seen_at,
            resolved_at: difference.resolved_at,
        }
    }
}

/// How the ledger and the books differ.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DifferenceKind {
    /// The gateway has a movement that the ledger does not have.
    MissingInLedger,
    /// The ledger has a movement that the gateway does not have.
    MissingAtGateway,
    /// The amounts differ.
    AmountDiffers,
    /// The gateway's fees differ.
    FeeDiffers,
}

mirror!(enum DifferenceKind <= reconciliation::DifferenceKind {
    MissingInLedger,
    MissingAtGateway,
    AmountDiffers,
    FeeDiffers,
});

/// The sums of all movements of an object, in minor units.
#[derive(Serialize, JsonSchema)]
struct Sums {
    /// The change of the platform's balance before the gateway's fee; negative if money left the platform.
    amount: i64,
    /// The gateway's fee; positive if it was charged, negative if it was returned.
    fee: i64,
}

mirror!(struct Sums <= reconciliation::Sums { amount, fee });

/// Whether a cursor has the form of those of this list: `OPEN.<gateway>.<object>.<currency>`, or
/// `RESOLVED.<time left>.<gateway>.<object>.<currency>`.
fn is_difference(cursor: &str) -> bool {
    let named = match cursor.split_once('.') {
        Some(("OPEN", named)) => Some(named),
        Some(("RESOLVED", resolved)) => paging::after_time(resolved),
        _ => None,
    };
    let parts = named.and_then(|named| named.split_once('.')).and_then(|(gateway, rest)| {
        let (object, currency) = rest.rsplit_once('.')?;
        Some((gateway, object, currency))
    });
    parts.is_some_and(|(gateway, object, currency)| {
        let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        gateway.parse::<GatewayKind>().is_ok() && !object.is_empty() && is_code
    })
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let DifferencesQuery { cursor, limit } = request.query()?;
    let after = cursor.map(|cursor| paging::decode_cursor(&cursor, is_difference)).transpose()?;
    let page = reports::differences(app, request.actor(), after.as_deref(), limit).await?;
    let truncated = page.unreadable > 0;
    let differences = page.differences.into_iter().map(Difference::from).collect();
    let next_cursor = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Differences { differences, truncated, next_cursor }))
}
