//! Takes PayPal's messages: has PayPal check the bytes as they came, and owes a look at what they are about.

use app::App;
use app::payments::webhooks;
use domain::payments::gateway::Gateway;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `POST /v1/webhooks/paypal`
pub const ROUTE: Route = Route {
    function: "paypal_webhook",
    method: Method::Post,
    path: "/v1/webhooks/paypal",
    audience: Audience::Provider,
    summary: "For PayPal: something happened to a payment or an account",
    operation: |schemas| {
        Operation::answers_nothing(StatusCode::NO_CONTENT).takes::<serde_json::Value>(schemas)
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let header = |name: &str| call.header(name).map(str::to_owned);
    webhooks::take_webhook(app, Gateway::Paypal, &header, call.raw_body()?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
