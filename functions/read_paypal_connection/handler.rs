//! What PayPal says of an expert's account now.

use app::App;
use app::payments::accounts;
use domain::payments::gateway::Gateway;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use crate::answers::PaymentAccountDocument;

/// `GET /v1/experts/{expert_id}/paypal-connection`
pub const ROUTE: Route = Route {
    function: "read_paypal_connection",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/paypal-connection",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "The state of my PayPal account",
    operation: |schemas| {
        Operation::answers::<PaymentAccountDocument>(schemas, StatusCode::OK).may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let account = accounts::read_connection(app, owner, Gateway::Paypal).await?;
    Ok(Answer::json(StatusCode::OK, &PaymentAccountDocument::from(account)))
}
