//! Reads the OpenAPI document of the whole API.

use app::App;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route, openapi};

/// `GET /openapi.json`
pub const ROUTE: Route = Route {
    function: "read_openapi",
    method: Method::Get,
    path: "/openapi.json",
    audience: Audience::Public,
    summary: "Read this OpenAPI document",
    operation: |schemas| Operation::returns::<serde_json::Value>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(_: &App, _: &Call) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &openapi::document(crate::ROUTES)))
}
