//! Refunds a part of a payment, regardless of the cancellation policy.

use app::App;
use app::payments::refunds;
use domain::{AppointmentId, Money};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Refund;

/// `POST /v1/appointments/{appointment_id}/refunds`
pub const ROUTE: Route = Route {
    function: "refund_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/refunds",
    audience: Audience::SignedIn,
    summary: "Refund a part of a payment, as its expert",
    operation: |schemas| {
        Operation::responds_with::<Refund>(schemas, StatusCode::CREATED)
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
    let id: AppointmentId = request.path_parameter("appointment_id", "appointment")?;
    let RefundRequest { amount } = request.json()?;
    let idempotency = request.idempotent_request()?;
    let created = refunds::refund(app, request.actor(), &idempotency, id, amount).await?;
    let body = request.idempotent_body(app, created, Refund::from).await;
    let payment = format!("/v1/appointments/{id}/payment");
    Ok(Response::json_text(StatusCode::CREATED, body).location(&payment))
}
