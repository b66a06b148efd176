//! Reports an expert's earnings as JSON or CSV.

use app::App;
use app::payments::reports::{self, EarningsStatement};
use domain::kernel::time::Date;
use domain::payments::report::Earnings;
use domain::{ExpertId, Zone};
use http::StatusCode;
use http_api::csv::{self, Cell};
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::ReportQuery;

/// `GET /v1/experts/{expert_id}/earnings`
pub const ROUTE: Route = Route {
    function: "read_earnings",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/earnings",
    audience: Audience::SignedIn,
    summary: "Read my earnings over a period as JSON or CSV",
    operation: |schemas| {
        let operation = Operation::responds_with::<EarningsDocument>(schemas, StatusCode::OK);
        operation.query::<ReportQuery>().also_as(&[csv::MEDIA_TYPE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// An expert's earnings over a period, by the time of recording. The report of a past period never changes.
#[derive(Serialize, JsonSchema)]
struct EarningsDocument {
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

const COLUMNS: [&str; 14] = [
    "from",
    "to",
    "time_zone",
    "currency",
    "opening_balance",
    "gross_paid",
    "refunded",
    "disputed",
    "fee",
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
    let document = EarningsDocument { expert_id: expert, from, to, time_zone, earnings };
    Ok(Response::json(StatusCode::OK, &document))
}

fn row(from: Date, to: Date, time_zone: Zone, earnings: Earnings) -> [Cell; 14] {
    [
        Cell::text(from),
        Cell::text(to),
        Cell::text(time_zone.name()),
        Cell::text(earnings.currency.code()),
        earnings.opening_balance.into(),
        earnings.gross_paid.into(),
        earnings.refunded.into(),
        earnings.disputed.into(),
        earnings.fee.into(),
        earnings.processing_fees.into(),
        earnings.carried_by_platform.into(),
        earnings.net_earned.into(),
        earnings.paid_out.into(),
        earnings.closing_balance.into(),
    ]
}
