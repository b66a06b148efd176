//! Reads the expert's account from the payment gateway.

use app::App;
use app::payments::accounts;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::PaymentAccountDocument;

/// `GET /v1/experts/{expert_id}/payment-accounts/{gateway}`
pub const ROUTE: Route = Route {
    function: "read_payment_account",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}",
    audience: Audience::Only(app::identity::people::Role::Expert),
    summary: "Read the state of my account at a payment gateway",
    operation: |schemas| {
        Operation::returns::<PaymentAccountDocument>(schemas, StatusCode::OK).may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let owner = call.signed_in()?.owner_of(call.parameter("expert_id", "expert")?)?;
    let account = accounts::read_account(app, owner, super::gateway(call)?).await?;
    Ok(Answer::json(StatusCode::OK, &PaymentAccountDocument::from(account)))
}
