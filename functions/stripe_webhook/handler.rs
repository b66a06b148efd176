//! Takes Stripe's messages: checks the signature over the bytes as they came, and owes a look at what they are about.

use app::App;
use app::payments::webhooks;
use domain::payments::gateway::Gateway;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

/// `POST /v1/webhooks/stripe`
pub const ROUTE: Route = Route {
    function: "stripe_webhook",
    method: Method::Post,
    path: "/v1/webhooks/stripe",
    audience: Audience::Provider,
    summary: "For Stripe: something happened to a payment or an account",
    operation: |schemas| {
        Operation::answers_nothing(StatusCode::NO_CONTENT).takes::<serde_json::Value>(schemas)
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let header = |name: &str| call.header(name).map(str::to_owned);
    webhooks::take_webhook(app, Gateway::Stripe, &header, call.raw_body()?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
