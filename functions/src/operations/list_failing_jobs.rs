//! Lists the jobs that fail, and those that cannot be read.

use app::App;
use app::operations::failing_jobs;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{FailingJob, decode, encode};
use crate::paging;

/// `GET /v1/failing-jobs`
pub const ROUTE: Route = Route {
    function: "list_failing_jobs",
    method: Method::Get,
    path: "/v1/failing-jobs",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "List the jobs that fail, the longest failing first",
    operation: |schemas| {
        Operation::responds_with::<FailingJobs>(schemas, StatusCode::OK).query::<FailingJobsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FailingJobsQuery {
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 1_400))]
    cursor: Option<String>,
    /// The maximum number of jobs in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of jobs that fail. The list is eventually consistent.
#[derive(Serialize, JsonSchema)]
struct FailingJobs {
    /// The jobs of this page.
    jobs: Vec<FailingJob>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let FailingJobsQuery { cursor, limit } = request.query()?;
    let cursor = cursor.map(|cursor| from_cursor(&cursor)).transpose()?;
    let page = failing_jobs::list(app, request.actor(), cursor.as_deref(), limit).await?;
    let jobs = page.jobs.into_iter().map(FailingJob::from).collect();
    let next_cursor = page.next.as_deref().map(encode);
    Ok(Response::json(StatusCode::OK, &FailingJobs { jobs, next_cursor }))
}

/// The sort key that a cursor stands for.
fn from_cursor(cursor: &str) -> Result<String, Problem> {
    let is_key = |key: &String| key.len() <= 1_024 && key.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let key = decode(cursor).filter(is_key);
    key.ok_or_else(|| Problem::invalid_parameter("cursor", "must be the next_cursor of a previous page"))
}
