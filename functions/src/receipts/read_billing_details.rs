//! Reads the billing details of the signed-in expert.

use app::App;
use app::receipts::billing;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::BillingDetails;

/// `GET /v1/experts/{expert_id}/billing`
pub const ROUTE: Route = Route {
    function: "read_billing_details",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/billing",
    audience: Audience::SignedIn,
    summary: "Read my billing details",
    operation: |schemas| Operation::responds_with::<BillingDetails>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let billing = billing::read(app, actor, expert).await?;
    Ok(Response::json(StatusCode::OK, &BillingDetails::from(billing.details)).version(billing.version))
}
