//! Lists the receipts, credit notes and corrections that an expert issued in a year, by number.

use app::App;
use app::receipts::receipt;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::Receipt;
use crate::paging;

/// `GET /v1/experts/{expert_id}/receipts`
pub const ROUTE: Route = Route {
    function: "list_receipts",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/receipts",
    audience: Audience::SignedIn,
    summary: "List the receipts that I issued in a year, by number",
    operation: |schemas| {
        Operation::responds_with::<Receipts>(schemas, StatusCode::OK).query::<ReceiptsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReceiptsQuery {
    /// The year of issue, as in the receipt numbers.
    #[schemars(range(min = 1970, max = 9999))]
    year: u16,
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of receipts in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of receipts, in order of their numbers. The list is eventually consistent.
#[derive(Serialize, JsonSchema)]
struct Receipts {
    /// The receipts of this page.
    receipts: Vec<Receipt>,
    /// Whether some receipts of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let ReceiptsQuery { year, cursor, limit } = request.query()?;
    let after = cursor.map_or(Ok(0), |cursor| paging::parse_cursor(&cursor))?;
    let page = receipt::list_of_expert(app, actor, expert, year, after, limit).await?;
    let truncated = page.unreadable > 0;
    let receipts = page.receipts.into_iter().map(Receipt::from).collect();
    let next_cursor = page.next.map(|last| last.to_string());
    Ok(Response::json(StatusCode::OK, &Receipts { receipts, truncated, next_cursor }))
}
