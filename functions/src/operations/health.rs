//! Says that the function runs. It asks nothing of any service, so that it fails only when it itself does.

use app::App;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

/// `GET /health`
pub const ROUTE: Route = Route {
    function: "health",
    method: Method::Get,
    path: "/health",
    audience: Audience::Public,
    summary: "Whether the API runs",
    operation: |schemas| Operation::responds_with::<Health>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// That it runs, and which version.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Of the code.
    version: &'static str,
}

async fn handle(_: &App, _: &Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
