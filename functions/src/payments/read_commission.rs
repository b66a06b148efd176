//! Reports the platform's commission as JSON or CSV.

use app::App;
use app::payments::reports;
use domain::ExpertId;
use domain::kernel::time::Date;
use domain::payments::report::{Commission, CommissionTotals};
use http::StatusCode;
use http_api::csv::{self, Cell};
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::ReportQuery;

/// `GET /v1/commission`
pub const ROUTE: Route = Route {
    function: "read_commission",
    method: Method::Get,
    path: "/v1/commission",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "Read the platform's commission over a period of UTC days as JSON or CSV",
    operation: |schemas| {
        let operation = Operation::responds_with::<CommissionDocument>(schemas, StatusCode::OK);
        operation.query::<ReportQuery>().also_as(&[csv::MEDIA_TYPE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The platform's commission over a period of UTC days, by the time of recording. The report of a past period never changes.
#[derive(Serialize, JsonSchema)]
struct CommissionDocument {
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

/// One row for each expert and currency. There are no rows of totals, because the sum of a column would count them twice.
const COLUMNS: [&str; 10] = [
    "from",
    "to",
    "expert_id",
    "currency",
    "fee",
    "fee_refunded",
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
    let of_expert = |(expert_id, commission)| ExpertCommission { expert_id, commission };
    let experts = by_expert.into_iter().map(of_expert).collect();
    Ok(Response::json(StatusCode::OK, &CommissionDocument { from, to, total, experts }))
}

fn row(from: Date, to: Date, expert: ExpertId, commission: &Commission) -> [Cell; 10] {
    [
        Cell::text(from),
        Cell::text(to),
        Cell::text(expert),
        Cell::text(commission.currency.code()),
        commission.fee.into(),
        commission.fee_refunded.into(),
        commission.processing_fees.into(),
        commission.dispute_fees.into(),
        commission.net.into(),
        commission.passing_through.into(),
    ]
}
