//! Say that the other one did not come.

use app::{App, appointments};
use domain::appointment::{Outcome, Party, Status};
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};

use crate::answers::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "mark_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::SignedIn,
    summary: "Say that the other one did not come: the expert of the client, the client of the expert",
    operation: |schemas| {
        Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK).may_fail(&[403, 409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let (record, party) = appointments::read(app, person, id).await?;
    let missed_by = match (party, &record.appointment.status) {
        // Said again, it changes nothing.
        (_, Status::NoShow { missed_by }) => *missed_by,
        (Party::Client, _) => Party::Expert,
        _ => Party::Client,
    };
    appointments::end(app, person, id, Outcome::NoShow { missed_by }, None).await?;
    let (record, party) = appointments::read(app, person, id).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
