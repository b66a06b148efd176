//! Gives money back as the expert pleases, whatever the policy says.

use app::App;
use app::idempotency::{Creation, complete};
use app::payments::refunds;
use domain::Money;
use domain::scheduling::party::Party;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::PaymentDocument;

/// `POST /v1/appointments/{appointment_id}/refunds`
pub const ROUTE: Route = Route {
    function: "refund_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/refunds",
    audience: Audience::SignedIn,
    summary: "Give a part of a payment back; for its expert and for administrators",
    operation: |schemas| {
        Operation::answers::<PaymentDocument>(schemas, StatusCode::CREATED)
            .takes::<Refund>(schemas)
            .once()
            .may_fail(&[403, 409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// How much.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Refund {
    /// In the currency of the payment; what goes back of the expert's part and of the platform's fee follows from it.
    amount: Money,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let Refund { amount } = call.json()?;
    let request = call.idempotency()?;
    let body = match refunds::refund(app, person, &request, id, amount).await? {
        Creation::Replayed(body) => body,
        Creation::Created(record, idempotency) => {
            let document = PaymentDocument::of(record, Party::Expert)?;
            let body = Answer::json(StatusCode::CREATED, &document).into_text();
            complete(app, idempotency, body.clone()).await;
            body
        }
    };
    Ok(Answer::json_text(StatusCode::CREATED, body))
}
