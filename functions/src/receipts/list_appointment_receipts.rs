//! The receipts, credit notes and corrections of an appointment, for its two people.

use app::App;
use app::receipts::receipt;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::ReceiptDocument;

/// `GET /v1/appointments/{appointment_id}/receipts`
pub const ROUTE: Route = Route {
    function: "list_appointment_receipts",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/receipts",
    audience: Audience::SignedIn,
    summary: "What was issued for one of my appointments",
    operation: |schemas| Operation::answers::<Receipts>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

/// The documents of an appointment in the order of their numbers.
#[derive(Serialize, JsonSchema)]
struct Receipts {
    /// All of them: one for each movement of its money.
    receipts: Vec<ReceiptDocument>,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let receipts = receipt::list_of_appointment(app, call.signed_in()?, id).await?;
    let receipts = receipts.into_iter().map(ReceiptDocument::from).collect();
    Ok(Answer::json(StatusCode::OK, &Receipts { receipts }))
}
