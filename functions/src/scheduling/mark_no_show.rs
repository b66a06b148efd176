//! Reports that the expert or the client missed a session.

use app::App;
use app::scheduling::appointments;
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "mark_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::SignedIn,
    summary: "Report that the expert or the client missed a session",
    operation: |schemas| {
        Operation::returns::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts_body::<NoShowReport>(schemas)
            .may_fail(&[403, 409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// Who missed the session.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NoShowReport {
    /// The party that missed the session; by default the other party than the one who reports it.
    missed_by: Option<Absent>,
}

/// A party of an appointment.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Absent {
    /// The expert who gives the session.
    Expert,
    /// The client who booked the session.
    Client,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let missed_by = match call.json_or_default::<NoShowReport>()?.missed_by {
        Some(Absent::Expert) => Party::Expert,
        Some(Absent::Client) => Party::Client,
        None => match appointments::read(app, person, id).await? {
            (_, Party::Client) => Party::Expert,
            (_, Party::Expert | Party::Platform) => Party::Client,
        },
    };
    let (record, party) = appointments::end(app, person, id, Outcome::NoShow { missed_by }, None).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
