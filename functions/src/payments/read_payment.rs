//! Reads the payment of an appointment, and how its client completes it.

use app::App;
use app::payments::checkout;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};

use super::documents::Payment;

/// `GET /v1/appointments/{appointment_id}/payment`
pub const ROUTE: Route = Route {
    function: "read_payment",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/payment",
    audience: Audience::SignedIn,
    summary: "Read the payment of an appointment and how to complete it",
    operation: |schemas| {
        Operation::responds_with::<Payment>(schemas, StatusCode::OK).problems(&[problem::PAYMENT_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let (record, party, pay_with) = checkout::pay_with(app, request.actor(), id).await?;
    let document = Payment::of(record, party)?.paid_with(pay_with);
    Ok(Response::json(StatusCode::OK, &document))
}
