//! Makes a failing job due now.

use app::App;
use app::operations::failing_jobs;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::{FailingJob, JobId};

/// `POST /v1/failing-jobs/{job_id}/retry`
pub const ROUTE: Route = Route {
    function: "retry_job",
    method: Method::Post,
    path: "/v1/failing-jobs/{job_id}/retry",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Retry a failing job now",
    operation: |schemas| {
        Operation::responds_with::<FailingJob>(schemas, StatusCode::OK).problems(&[problem::JOB_UNREADABLE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id: JobId = request.path_parameter("job_id", "failing job")?;
    let job = failing_jobs::retry(app, request.actor(), &id.partition, &id.name).await?;
    Ok(Response::json(StatusCode::OK, &FailingJob::from(job)))
}
