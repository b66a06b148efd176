//! Reads an appointment.

use app::App;
use app::scheduling::appointments;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use super::documents::AppointmentDocument;

/// `GET /v1/appointments/{appointment_id}`
pub const ROUTE: Route = Route {
    function: "read_appointment",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}",
    audience: Audience::SignedIn,
    summary: "Read one of my appointments",
    operation: |schemas| Operation::returns::<AppointmentDocument>(schemas, StatusCode::OK),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let (record, party) = appointments::read(app, call.signed_in()?, id).await?;
    let version = record.appointment.version;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)).version(version))
}
