//! Reports the platform's commission as JSON or CSV.

use app::App;
use app::payments::reports;
use domain::kernel::time::Date;
use domain::payments::report::{self, CommissionTotals};
use domain::{Currency, ExpertId};
use http::StatusCode;
use http_api::csv::{self, Cell};
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::{ReportQuery, SignedMoney};
use crate::mirror::each;

/// `GET /v1/commission`
pub const ROUTE: Route = Route {
    function: "read_commission",
    method: Method::Get,
    path: "/v1/commission",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Read the platform's commission over a period of UTC days as JSON or CSV",
    operation: |schemas| {
        let operation = Operation::responds_with::<CommissionReport>(schemas, StatusCode::OK);
        operation.query::<ReportQuery>().also_as(&[csv::MEDIA_TYPE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The platform's commission over a period of UTC days, by the time of recording. The report of a past period never changes.
#[derive(Serialize, JsonSchema)]
struct CommissionReport {
    /// The first day of the report.
    from: Date,
    /// The last day of the report.
    to: Date,
    /// The commission of all experts together in each currency.
    total: Vec<Commission>,
    /// The commission of each expert in each currency.
    experts: Vec<ExpertCommission>,
}

/// The commission of one expert in one currency.
#[derive(Serialize, JsonSchema)]
struct ExpertCommission {
    /// The expert whose clients paid.
    expert_id: ExpertId,
    /// The commission.
    #[serde(flatten)]
    commission: Commission,
}

/// The platform's commission in one currency in a period.
///
/// `platform_fee − platform_fee_refunded + refund_processing_costs − processing_fees − dispute_fees = net`. `net + passing_through`
/// is the change of the platform's balance at the gateways.
#[derive(Serialize, JsonSchema)]
struct Commission {
    /// The currency of all figures.
    currency: Currency,
    /// The platform's fee.
    platform_fee: SignedMoney,
    /// The part of the fee that was returned.
    platform_fee_refunded: SignedMoney,
    /// What clients paid for the processing of their refunds.
    refund_processing_costs: SignedMoney,
    /// The gateways' fees for payments.
    processing_fees: SignedMoney,
    /// The gateways' fees for disputes.
    dispute_fees: SignedMoney,
    /// The net commission.
    net: SignedMoney,
    /// Clients' money that has not been passed on yet. It is negative for what the platform paid for refunds and disputes, or
    /// advanced until experts return it. It includes the fee of each charge whose dispute was won: the fee is returned when the
    /// dispute is opened, and the gateway charges none on the transfer that compensates the expert.
    passing_through: SignedMoney,
}

impl From<report::Commission> for Commission {
    fn from(commission: report::Commission) -> Self {
        Self {
            currency: commission.currency,
            platform_fee: commission.fee.into(),
            platform_fee_refunded: commission.fee_refunded.into(),
            refund_processing_costs: commission.refund_processing_costs.into(),
            processing_fees: commission.processing_fees.into(),
            dispute_fees: commission.dispute_fees.into(),
            net: commission.net.into(),
            passing_through: commission.passing_through.into(),
        }
    }
}

/// One row for each expert and currency. There are no rows of totals, because the sum of a column would count them twice.
const COLUMNS: [&str; 11] = [
    "from",
    "to",
    "expert_id",
    "currency",
    "platform_fee",
    "platform_fee_refunded",
    "refund_processing_costs",
    "processing_fees",
    "dispute_fees",
    "net",
    "passing_through",
];

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let query: ReportQuery = request.query()?;
    let wants_csv = query.wants_csv(request)?;
    let ReportQuery { from, to, .. } = query;
    let CommissionTotals { total, by_expert } = reports::commission(app, request.actor(), from, to).await?;
    if wants_csv {
        let rows = by_expert.into_iter().map(|(expert, commission)| row(from, to, expert, &commission));
        return Ok(csv::response(&format!("commission-{from}-{to}.csv"), COLUMNS, rows));
    }
    let of_expert = |(expert_id, commission): (_, report::Commission)| ExpertCommission {
        expert_id,
        commission: commission.into(),
    };
    let experts = by_expert.into_iter().map(of_expert).collect();
    Ok(Response::json(StatusCode::OK, &CommissionReport { from, to, total: each(total), experts }))
}

fn row(from: Date, to: Date, expert: ExpertId, commission: &report::Commission) -> [Cell; 11] {
    [
        Cell::text(from),
        Cell::text(to),
        Cell::text(expert),
        Cell::text(commission.currency.code()),
        commission.fee.into(),
        commission.fee_refunded.into(),
        commission.refund_processing_costs.into(),
        commission.processing_fees.into(),
        commission.dispute_fees.into(),
        commission.net.into(),
        commission.passing_through.into(),
    ]
}
