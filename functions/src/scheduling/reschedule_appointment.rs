//! Moves an appointment to another slot, as its client can within its terms.

use app::App;
use app::scheduling::moves;
use domain::Timestamp;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/reschedule`
pub const ROUTE: Route = Route {
    function: "reschedule_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/reschedule",
    audience: Audience::SignedIn,
    summary: "Move your appointment as its client at once, within its rescheduling policy",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts::<RescheduleRequest>(schemas)
            .conditional()
            .problems(problem::SLOT_REFUSALS)
            .problems(&[
                problem::INVALID_STATUS,
                problem::OVERLAPPING_SESSION,
                problem::PAYMENT_STATE,
                problem::TOO_MANY_FREE_APPOINTMENTS,
                problem::TOO_MANY_UNPAID_APPOINTMENTS,
                problem::TOO_FAR_AHEAD,
            ])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// When the session takes place instead.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RescheduleRequest {
    /// The start time of a free slot of the same session type.
    start: Timestamp,
    /// Whether the session may overlap another session that you have booked.
    #[serde(default)]
    allow_overlap: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let RescheduleRequest { start, allow_overlap } = request.json()?;
    let (record, party) = moves::reschedule(app, request.actor(), id, if_match, start, allow_overlap).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
