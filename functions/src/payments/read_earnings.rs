//! Reports an expert's earnings as JSON or CSV.

use app::App;
use app::payments::reports::{self, EarningsStatement};
use domain::kernel::time::Date;
use domain::payments::report;
use domain::{Currency, ExpertId, Zone};
use http::StatusCode;
use http_api::csv::{self, Cell};
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::{ReportQuery, SignedMoney};
use crate::mirror::each;

/// `GET /v1/experts/{expert_id}/earnings`
pub const ROUTE: Route = Route {
    function: "read_earnings",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/earnings",
    audience: Audience::SignedIn,
    summary: "Read my earnings over a period as JSON or CSV",
    operation: |schemas| {
        let operation = Operation::responds_with::<EarningsReport>(schemas, StatusCode::OK);
        operation.query::<ReportQuery>().also_as(&[csv::MEDIA_TYPE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// An expert's earnings over a period, by the time of recording. The report of a past period changes only if the time zone of the
/// availability rules does.
#[derive(Serialize, JsonSchema)]
struct EarningsReport {
    /// The expert.
    expert_id: ExpertId,
    /// The first day of the report.
    from: Date,
    /// The last day of the report.
    to: Date,
    /// The time zone in which days begin and end: the one of the expert's availability rules.
    time_zone: Zone,
    /// The earnings in each currency. Currencies without movements and without a balance are left out.
    earnings: Vec<Earnings>,
}

/// An expert's earnings in one currency in a period.
///
/// `gross_paid − refunded − disputed − refund_processing_costs − platform_fee − processing_fees + carried_by_platform = net_earned`,
/// and `opening_balance + net_earned − paid_out = closing_balance`.
#[derive(Serialize, JsonSchema)]
struct Earnings {
    /// The currency of all figures.
    currency: Currency,
    /// The expert's balance at the gateways before the period.
    opening_balance: SignedMoney,
    /// The total that clients paid.
    gross_paid: SignedMoney,
    /// The total that was refunded to clients, without refunds that failed.
    refunded: SignedMoney,
    /// The total that clients' banks withdrew because of disputes, without what they returned.
    disputed: SignedMoney,
    /// What clients paid the platform for the processing of their refunds. The expert has no share of it.
    refund_processing_costs: SignedMoney,
    /// The platform's fee, without fee refunds.
    platform_fee: SignedMoney,
    /// The gateway fees that the expert paid directly, as with PayPal.
    processing_fees: SignedMoney,
    /// What the platform paid for refunds and disputes, or has not passed on yet. It is negative if the platform collects it in
    /// a later period, or by what it holds for the expert until after the session. It includes the fee of each charge whose dispute was won.
    carried_by_platform: SignedMoney,
    /// The total that the expert earned.
    net_earned: SignedMoney,
    /// The total that was paid out to the expert's bank, without payouts that failed.
    paid_out: SignedMoney,
    /// The expert's balance at the gateways after the period. PayPal reports no payouts, so this includes everything that PayPal
    /// ever paid.
    closing_balance: SignedMoney,
}

impl From<report::Earnings> for Earnings {
    fn from(earnings: report::Earnings) -> Self {
        Self {
            currency: earnings.currency,
            opening_balance: earnings.opening_balance.into(),
            gross_paid: earnings.gross_paid.into(),
            refunded: earnings.refunded.into(),
            disputed: earnings.disputed.into(),
            refund_processing_costs: earnings.refund_processing_costs.into(),
            platform_fee: earnings.fee.into(),
            processing_fees: earnings.processing_fees.into(),
            carried_by_platform: earnings.carried_by_platform.into(),
            net_earned: earnings.net_earned.into(),
            paid_out: earnings.paid_out.into(),
            closing_balance: earnings.closing_balance.into(),
        }
    }
}

const COLUMNS: [&str; 15] = [
    "from",
    "to",
    "time_zone",
    "currency",
    "opening_balance",
    "gross_paid",
    "refunded",
    "disputed",
    "refund_processing_costs",
    "platform_fee",
    "processing_fees",
    "carried_by_platform",
    "net_earned",
    "paid_out",
    "closing_balance",
];

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let query: ReportQuery = request.query()?;
    let wants_csv = query.wants_csv(request)?;
    let ReportQuery { from, to, .. } = query;
    let EarningsStatement { time_zone, earnings } = reports::earnings(app, actor, expert, from, to).await?;
    if wants_csv {
        let rows = earnings.into_iter().map(|one| row(from, to, time_zone, one));
        return Ok(csv::response(&format!("earnings-{from}-{to}.csv"), COLUMNS, rows));
    }
    let document = EarningsReport { expert_id: expert, from, to, time_zone, earnings: each(earnings) };
    Ok(Response::json(StatusCode::OK, &document))
}

fn row(from: Date, to: Date, time_zone: Zone, earnings: report::Earnings) -> [Cell; 15] {
    [
        Cell::text(from),
        Cell::text(to),
        Cell::text(time_zone.name()),
        Cell::text(earnings.currency.code()),
        earnings.opening_balance.into(),
        earnings.gross_paid.into(),
        earnings.refunded.into(),
        earnings.disputed.into(),
        earnings.refund_processing_costs.into(),
        earnings.fee.into(),
        earnings.processing_fees.into(),
        earnings.carried_by_platform.into(),
        earnings.net_earned.into(),
        earnings.paid_out.into(),
        earnings.closing_balance.into(),
    ]
}
