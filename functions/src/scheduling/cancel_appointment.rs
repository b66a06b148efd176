//! Cancels an appointment. The cancellation policy agreed at the time of booking determines the refund.

use app::App;
use app::scheduling::cancellation;
use domain::Money;
use domain::kernel::text::LongText;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/cancel`
pub const ROUTE: Route = Route {
    function: "cancel_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/cancel",
    audience: Audience::SignedIn,
    summary: "Cancel an appointment, with the refund that its policy grants",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts_or_none::<CancellationRequest>(schemas)
            .conditional()
            .problems(&[problem::INVALID_STATUS, problem::QUOTE_CHANGED, problem::PAYMENT_STATE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// How to cancel the appointment.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CancellationRequest {
    /// The reason, shown to the other party.
    reason: LongText,
    /// The refund that was shown before. If the refund is different now, the appointment is not cancelled and the response
    /// is 409. It is required if the quote has a `processing_cost`.
    expected_refund: Option<Money>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let CancellationRequest { reason, expected_refund } = request.json_or_default()?;
    let (record, party) =
        cancellation::cancel(app, request.actor(), id, if_match, reason, expected_refund).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
