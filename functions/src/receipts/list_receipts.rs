//! The receipts, credit notes and corrections that an expert issued in a year, by number.

use app::App;
use app::receipts::receipt;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::ReceiptDocument;
use crate::paging;

/// `GET /v1/experts/{expert_id}/receipts`
pub const ROUTE: Route = Route {
    function: "list_receipts",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/receipts",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "What I issued in a year, by number",
    operation: |schemas| Operation::responds_with::<Receipts>(schemas, StatusCode::OK).query::<Wanted>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The year in the numbers.
    #[schemars(range(min = 1970, max = 9999))]
    year: u16,
    /// `next_after` of the page before: only what comes behind this number of the year.
    #[serde(default)]
    after: u32,
    /// Most receipts of the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of receipts in the order of their numbers. Those of the last moments may be missing yet.
#[derive(Serialize, JsonSchema)]
struct Receipts {
    /// The page.
    receipts: Vec<ReceiptDocument>,
    /// `after` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u32>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let owner = request.signed_in()?.owner_of(request.parameter("expert_id", "expert")?)?;
    let Wanted { year, after, limit } = request.query()?;
    if !(1970..=9999).contains(&year) {
        return Err(Problem::invalid("year", "must be from 1970 to 9999"));
    }
    paging::check_limit(limit, receipt::LARGEST_PAGE)?;
    let page = receipt::list_of_expert(app, owner, year, after, limit).await?;
    let receipts = page.receipts.into_iter().map(ReceiptDocument::from).collect();
    Ok(Response::json(StatusCode::OK, &Receipts { receipts, next_after: page.next }))
}
