//! Reads the OpenAPI document of the whole API.

use app::App;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

/// `GET /openapi.json`
pub const ROUTE: Route = Route {
    function: "read_openapi",
    method: Method::Get,
    path: "/openapi.json",
    audience: Audience::Public,
    summary: "Read this OpenAPI document",
    operation: |schemas| Operation::responds_with::<serde_json::Value>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(_: &App, _: &Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &crate::openapi()))
}
