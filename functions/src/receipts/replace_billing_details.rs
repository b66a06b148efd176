//! Replaces the billing details of the signed-in expert.

use app::App;
use app::receipts::billing;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::BillingDetails;

/// `PUT /v1/experts/{expert_id}/billing`
pub const ROUTE: Route = Route {
    function: "replace_billing_details",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/billing",
    audience: Audience::SignedIn,
    summary: "Replace my billing details for future receipts; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::responds_with::<BillingDetails>(schemas, StatusCode::OK)
            .accepts::<BillingDetails>(schemas)
            .conditional()
            .problems(&[problem::TAX_NOT_READY])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let details: BillingDetails = request.json()?;
    let billing = billing::replace(app, actor, expert, request.if_match()?, details.try_into()?).await?;
    Ok(Response::json(StatusCode::OK, &BillingDetails::from(billing.details)).version(billing.version))
}
