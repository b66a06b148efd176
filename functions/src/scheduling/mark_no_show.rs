//! Say that the other one did not come.

use app::App;
use app::scheduling::appointments;
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "mark_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::SignedIn,
    summary: "Say that one of the two did not come; without a word who, the expert speaks of the client and the client of the expert",
    operation: |schemas| {
        Operation::responds_with::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts::<NoShow>(schemas)
            .problems(&[403, 409])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Who did not come.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NoShow {
    /// Which of the two; without it the other one than who says so.
    missed_by: Option<Absent>,
}

/// Who can be absent.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Absent {
    /// Who gives the session.
    Expert,
    /// Who booked it.
    Client,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.parameter("appointment_id", "appointment")?;
    let person = request.signed_in()?;
    let missed_by = match request.json_or_default::<NoShow>()?.missed_by {
        Some(Absent::Expert) => Party::Expert,
        Some(Absent::Client) => Party::Client,
        None => match appointments::read(app, person, id).await? {
            (_, Party::Client) => Party::Expert,
            (_, Party::Expert | Party::Platform) => Party::Client,
        },
    };
    let (record, party) = appointments::end(app, person, id, Outcome::NoShow { missed_by }, None).await?;
    Ok(Response::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
