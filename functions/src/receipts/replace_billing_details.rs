//! Replaces the billing details of the signed-in expert.

use app::App;
use app::receipts::billing;
use domain::receipts::billing::BillingDetails;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `PUT /v1/experts/{expert_id}/billing`
pub const ROUTE: Route = Route {
    function: "replace_billing_details",
    method: Method::Put,
    path: "/v1/experts/{expert_id}/billing",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Replace my billing details for future receipts; the first time with If-Match: \"0\"",
    operation: |schemas| {
        Operation::returns::<BillingDetails>(schemas, StatusCode::OK)
            .accepts_body::<BillingDetails>(schemas)
            .conditional()
            .may_fail(&[409, 503])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let billing = billing::replace(app, owner, call.if_match()?, call.json()?).await?;
    Ok(Answer::json(StatusCode::OK, &billing.details).version(billing.version))
}
