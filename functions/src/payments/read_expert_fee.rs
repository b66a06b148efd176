//! Reads the platform's terms for an expert.

use app::App;
use app::payments::fees;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::ExpertFee;

/// `GET /v1/experts/{expert_id}/fee`
pub const ROUTE: Route = Route {
    function: "read_expert_fee",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/fee",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Read the platform's terms for an expert",
    operation: |schemas| Operation::responds_with::<ExpertFee>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let fee = fees::read_expert_fee(app, request.actor(), expert).await?;
    Ok(Response::json(StatusCode::OK, &ExpertFee::from(fee)).version(fee.version))
}
