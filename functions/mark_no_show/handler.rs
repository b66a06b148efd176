//! Say that the client did not come.

use app::{App, appointments};
use domain::appointment::Outcome;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use crate::answers::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "mark_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::Only(app::people::Role::Expert),
    summary: "Say that the client did not come",
    operation: |schemas| Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK).may_fail(&[409]),
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    appointments::end(app, person, id, Outcome::NoShow).await?;
    let (appointment, payment, party) = appointments::read(app, person, id).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(appointment, payment, party)))
}
