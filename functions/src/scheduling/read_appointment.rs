//! Reads an appointment.

use app::App;
use app::scheduling::appointments;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};

use super::documents::Appointment;

/// `GET /v1/appointments/{appointment_id}`
pub const ROUTE: Route = Route {
    function: "read_appointment",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}",
    audience: Audience::SignedIn,
    summary: "Read one of my appointments",
    operation: |schemas| Operation::responds_with::<Appointment>(schemas, StatusCode::OK).versioned(),
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let (record, party) = appointments::read(app, request.actor(), id).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
