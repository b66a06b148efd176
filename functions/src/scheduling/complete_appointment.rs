//! Say that a session took place.

use app::App;
use app::scheduling::appointments;
use domain::Money;
use domain::scheduling::appointment::Outcome;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
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
        Operation::responds_with::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts::<Completion>(schemas)
            .problems(&[403, 409])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// How it ended.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Completion {
    /// What is taken for it when that is less than the price; the rest goes back to the client, or is never taken.
    charge: Option<Money>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.parameter("appointment_id", "appointment")?;
    let person = request.signed_in()?;
    let Completion { charge } = request.json_or_default()?;
    let (record, party) = appointments::end(app, person, id, Outcome::Completed, charge).await?;
    Ok(Response::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
