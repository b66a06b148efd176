//! Proposes other times for an appointment to the other side.

use app::App;
use app::scheduling::proposals;
use domain::Timestamp;
use domain::kernel::text::LongText;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Appointment;

/// `POST /v1/appointments/{appointment_id}/proposal`
pub const ROUTE: Route = Route {
    function: "propose_times",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/proposal",
    audience: Audience::SignedIn,
    summary: "Propose other times for an appointment to the other side, and hold them",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts::<ProposalRequest>(schemas)
            .conditional()
            .problems(problem::SLOT_REFUSALS)
            .problems(&[
                problem::INVALID_STATUS,
                problem::OVERLAPPING_SESSION,
                problem::TOO_FAR_AHEAD,
                problem::TOO_MANY_PROPOSALS,
            ])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// When the session could take place instead.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProposalRequest {
    /// The start times of free slots of the same session type, each once: 1 to 5 for the expert, 1 or 2 for
    /// the client. The sessions of a group must not overlap.
    #[schemars(length(min = 1, max = 5))]
    starts: Vec<Timestamp>,
    /// A message to the other side.
    #[serde(default)]
    message: LongText,
    /// Whether the session may overlap another session that you have booked. It makes no difference for the expert.
    #[serde(default)]
    allow_overlap: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let ProposalRequest { starts, message, allow_overlap } = request.json()?;
    let (record, party) =
        proposals::propose(app, request.actor(), id, if_match, &starts, &message, allow_overlap).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
