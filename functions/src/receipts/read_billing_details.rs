//! Reads the billing details of the signed-in expert.

use app::App;
use app::receipts::billing;
use domain::receipts::billing::BillingDetails;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `GET /v1/experts/{expert_id}/billing`
pub const ROUTE: Route = Route {
    function: "read_billing_details",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/billing",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Read my billing details",
    operation: |schemas| Operation::returns::<BillingDetails>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let billing = billing::read(app, owner).await?;
    Ok(Answer::json(StatusCode::OK, &billing.details).version(billing.version))
}
