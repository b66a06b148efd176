//! Say that a session took place.

use app::App;
use app::scheduling::appointments;
use domain::Money;
use domain::scheduling::appointment::Outcome;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/complete`
pub const ROUTE: Route = Route {
    function: "complete_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/complete",
    audience: Audience::SignedIn,
    summary: "Say that a session took place: its expert once it is over, or an administrator",
    operation: |schemas| {
        Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK)
            .takes::<Completion>(schemas)
            .may_fail(&[403, 409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// How it ended.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Completion {
    /// What is taken for it when that is less than the price; the rest goes back to the client, or is never taken.
    charge: Option<Money>,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let Completion { charge } = call.json_or_default()?;
    let (record, party) = appointments::end(app, person, id, Outcome::Completed, charge).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
