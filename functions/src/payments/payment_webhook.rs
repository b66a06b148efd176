//! Accepts a payment gateway's event: verifies its origin over the received bytes, and enqueues a job that reads the object
//! of the event back from the gateway.

use app::App;
use app::identity::Actor;
use app::payments::webhooks;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

/// `POST /v1/webhooks/{gateway}`
pub const ROUTE: Route = Route {
    function: "payment_webhook",
    method: Method::Post,
    path: "/v1/webhooks/{gateway}",
    audience: Audience::Provider,
    summary: "Deliver a payment gateway's event about a payment or an account",
    operation: |schemas| {
        Operation::responds_empty(StatusCode::NO_CONTENT)
            .accepts::<serde_json::Value>(schemas)
            .problems(&[problem::WEBHOOK_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let header = |name: &str| request.header(name).map(str::to_owned);
    webhooks::receive_webhook(app, &Actor::Provider, super::gateway(request)?, &header, request.raw_body()?)
        .await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
