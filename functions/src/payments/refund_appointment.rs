//! Refunds a part of a payment, regardless of the cancellation policy.

use app::App;
use app::idempotency::{Creation, complete};
use app::payments::refunds;
use domain::Money;
use domain::scheduling::party::Party;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::PaymentDocument;

/// `POST /v1/appointments/{appointment_id}/refunds`
pub const ROUTE: Route = Route {
    function: "refund_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/refunds",
    audience: Audience::SignedIn,
    summary: "Refund a part of a payment; for its expert and for administrators",
    operation: |schemas| {
        Operation::responds_with::<PaymentDocument>(schemas, StatusCode::CREATED)
            .accepts::<RefundRequest>(schemas)
            .idempotent()
            .problems(&[problem::PAYMENT_STATE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The refund to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RefundRequest {
    /// The amount to refund, in the currency of the payment. The expert and the platform each bear their share of it.
    amount: Money,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let RefundRequest { amount } = request.json()?;
    let key = request.idempotent_request()?;
    let body = match refunds::refund(app, request.actor(), &key, id, amount).await? {
        Creation::Replayed(body) => body,
        Creation::Created(record, idempotency) => {
            let document = PaymentDocument::of(record, Party::Expert)?;
            let body = Response::json(StatusCode::CREATED, &document).into_text();
            complete(app, request.actor(), idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::json_text(StatusCode::CREATED, body))
}
