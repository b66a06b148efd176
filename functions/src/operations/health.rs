//! Reports that the function runs. It calls no service, so it fails only if the function itself does.

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
    summary: "Check that the API runs",
    operation: |schemas| Operation::responds_with::<Health>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The state of the API.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of the code.
    version: &'static str,
}

async fn handle(_: &App, _: &Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
