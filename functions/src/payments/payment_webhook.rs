//! Accepts a payment gateway's event: verifies its origin over the received bytes, and enqueues a job that reads the object
//! of the event back from the gateway.

use app::App;
use app::payments::webhooks;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `POST /v1/webhooks/{gateway}`
pub const ROUTE: Route = Route {
    function: "payment_webhook",
    method: Method::Post,
    path: "/v1/webhooks/{gateway}",
    audience: Audience::Provider,
    summary: "Deliver a payment gateway's event subject a payment or an account",
    operation: |schemas| {
        Operation::returns_nothing(StatusCode::NO_CONTENT).accepts_body::<serde_json::Value>(schemas)
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let header = |name: &str| call.header(name).map(str::to_owned);
    webhooks::receive_webhook(app, super::gateway(call)?, &header, call.raw_body()?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
