//! Lists the receipts, credit notes and corrections of an appointment.

use app::App;
use app::receipts::receipt;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::Receipt;

/// `GET /v1/appointments/{appointment_id}/receipts`
pub const ROUTE: Route = Route {
    function: "list_appointment_receipts",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/receipts",
    audience: Audience::SignedIn,
    summary: "List the receipts of one of my appointments",
    operation: |schemas| Operation::responds_with::<AppointmentReceipts>(schemas, StatusCode::OK),
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The receipts of an appointment, in order of their numbers.
#[derive(Serialize, JsonSchema)]
struct AppointmentReceipts {
    /// One receipt, credit note or correction for each movement of the appointment's money.
    receipts: Vec<Receipt>,
    /// Whether some receipts are missing, because they cannot be shown at the moment.
    truncated: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let (receipts, truncated) = receipt::list_of_appointment(app, request.actor(), id).await?;
    let receipts = receipts.into_iter().map(Receipt::from).collect();
    Ok(Response::json(StatusCode::OK, &AppointmentReceipts { receipts, truncated }))
}
