//! Say that a session took place.

use app::{App, appointments};
use domain::appointment::Outcome;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use crate::answers::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/complete`
pub const ROUTE: Route = Route {
    function: "complete_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/complete",
    audience: Audience::Only(app::people::Role::Expert),
    summary: "Say that a session took place",
    operation: |schemas| Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK).may_fail(&[409]),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    appointments::end(app, person, id, Outcome::Completed).await?;
    let (appointment, payment, party) = appointments::read(app, person, id).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(appointment, payment, party)))
}
