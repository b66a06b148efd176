//! Lists what refunds cost the platform in a month.

use app::App;
use app::payments::refund_costs;
use domain::kernel::time::Month;
use domain::payments::refund_costs::RefundCosts as Counted;
use domain::scheduling::cancellation::Cause;
use domain::{ClientId, ExpertId, Money};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::RefundsOf;

use crate::paging;

/// `GET /v1/refund-costs`
pub const ROUTE: Route = Route {
    function: "list_refund_costs",
    method: Method::Get,
    path: "/v1/refund-costs",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "List what the refunds of each client and expert cost in a UTC month",
    operation: |schemas| {
        Operation::responds_with::<RefundCosts>(schemas, StatusCode::OK).query::<RefundCostsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RefundCostsQuery {
    /// The UTC month, such as 2027-01.
    month: Month,
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of costs in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of what refunds cost in a UTC month: clients first. The list is eventually consistent.
///
/// Costs in all currencies are added and shown in euros, converted with the smallest prices of the currencies. Each cost is rounded
/// up to a thousandth of the smallest price of its currency before it is added, so the sum of many can be some cents too high.
#[derive(Serialize, JsonSchema)]
struct RefundCosts {
    /// The UTC month.
    month: Month,
    /// The costs of this page.
    refund_costs: Vec<RefundCost>,
    /// Whether some costs of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What the refunds of one client or one expert cost. The cancellations of a client count for the client and for the expert.
#[derive(Serialize, JsonSchema)]
struct RefundCost {
    /// The client; absent if these are the costs of an expert.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    /// The expert; absent if these are the costs of a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    expert_id: Option<ExpertId>,
    /// What cancellations by the client, or by the clients of the expert, cost the side from which the gateway took its fee: the platform
    /// at Stripe, and the expert at PayPal.
    by_clients: Money,
    /// What the refunds that the expert caused cost, which the expert owes; absent for a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_expert: Option<Money>,
}

impl From<(RefundsOf, Counted)> for RefundCost {
    fn from((of, costs): (RefundsOf, Counted)) -> Self {
        let (client_id, expert_id) = match of {
            RefundsOf::Client(client) => (Some(client), None),
            RefundsOf::Expert(expert) => (None, Some(expert)),
        };
        Self {
            client_id,
            expert_id,
            by_clients: costs.in_euros(Cause::Client),
            by_expert: expert_id.map(|_| costs.in_euros(Cause::Expert)),
        }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let RefundCostsQuery { month, cursor, limit } = request.query()?;
    let is_known = |cursor: &str| cursor.replace('.', "#").parse::<RefundsOf>().is_ok();
    let after = cursor.map(|cursor| paging::decode_cursor(&cursor, is_known)).transpose()?;
    let after = after.map(|after| paging::parse_cursor(&after)).transpose()?;
    let page = refund_costs::list(app, request.actor(), month, after, limit).await?;
    let truncated = page.unreadable > 0;
    let refund_costs = page.costs.into_iter().map(Into::into).collect();
    let next_cursor = page.next.map(|last| paging::encode_cursor(&last.to_string()));
    Ok(Response::json(StatusCode::OK, &RefundCosts { month, refund_costs, truncated, next_cursor }))
}
