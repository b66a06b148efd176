//! Reads the payment of an appointment back from the gateway, and how the client completes it.

use app::App;
use app::payments::checkout;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::PaymentDocument;

/// `GET /v1/appointments/{appointment_id}/payment`
pub const ROUTE: Route = Route {
    function: "read_payment",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/payment",
    audience: Audience::SignedIn,
    summary: "Read the payment of an appointment and how to complete it",
    operation: |schemas| Operation::returns::<PaymentDocument>(schemas, StatusCode::OK).may_fail(&[409]),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let (record, pay_with) = checkout::way_to_pay(app, person, id).await?;
    let party = person.party_of(&record.appointment)?;
    let document = PaymentDocument::of(record, party)?.paid_with(pay_with);
    Ok(Answer::json(StatusCode::OK, &document))
}
