//! Moves an appointment to another slot.

use app::App;
use app::scheduling::appointments;
use domain::Timestamp;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/reschedule`
pub const ROUTE: Route = Route {
    function: "reschedule_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/reschedule",
    audience: Audience::SignedIn,
    summary: "Move an appointment to another slot",
    operation: |schemas| {
        Operation::returns::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts_body::<RescheduleRequest>(schemas)
            .may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// When the session takes place instead.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RescheduleRequest {
    /// The start time of a free slot of the same session type.
    start: Timestamp,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let RescheduleRequest { start } = call.json()?;
    let (record, party) = appointments::reschedule(app, person, id, start).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
