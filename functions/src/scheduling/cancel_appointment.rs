//! Cancels an appointment. The cancellation policy agreed at the time of booking determines the refund.

use app::App;
use app::scheduling::appointments;
use domain::Money;
use domain::kernel::text::LongText;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/cancel`
pub const ROUTE: Route = Route {
    function: "cancel_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/cancel",
    audience: Audience::SignedIn,
    summary: "Cancel an appointment, with the refund that its policy grants",
    operation: |schemas| {
        Operation::returns::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts_body::<CancellationRequest>(schemas)
            .may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// How to cancel the appointment.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CancellationRequest {
    /// The reason, shown to the other party.
    reason: LongText,
    /// The refund that was shown before. If the refund is different now, the appointment is not cancelled and the response
    /// is 409.
    expected_refund: Option<Money>,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let CancellationRequest { reason, expected_refund } = call.json_or_default()?;
    let (record, party) = appointments::cancel(app, person, id, reason, expected_refund).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
