//! Reads the expert's account from the payment gateway.

use app::App;
use app::payments::accounts;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::PaymentAccount;

/// `GET /v1/experts/{expert_id}/payment-accounts/{gateway}`
pub const ROUTE: Route = Route {
    function: "read_payment_account",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}",
    audience: Audience::SignedIn,
    summary: "Read the state of my account at a payment gateway",
    operation: |schemas| {
        Operation::responds_with::<PaymentAccount>(schemas, StatusCode::OK)
            .problems(&[problem::PAYMENT_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let account = accounts::read_account(app, actor, expert, super::gateway(request)?).await?;
    Ok(Response::json(StatusCode::OK, &PaymentAccount::from(account)))
}
