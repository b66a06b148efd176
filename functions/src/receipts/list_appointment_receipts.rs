//! Lists the receipts, credit notes and corrections of an appointment.

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
    summary: "List the receipts of one of my appointments",
    operation: |schemas| Operation::returns::<AppointmentReceipts>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

/// The receipts of an appointment, in order of their numbers.
#[derive(Serialize, JsonSchema)]
struct AppointmentReceipts {
    /// One receipt, credit note or correction for each movement of the appointment's money.
    receipts: Vec<ReceiptDocument>,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let receipts = receipt::list_of_appointment(app, call.signed_in()?, id).await?;
    let receipts = receipts.into_iter().map(ReceiptDocument::from).collect();
    Ok(Answer::json(StatusCode::OK, &AppointmentReceipts { receipts }))
}
