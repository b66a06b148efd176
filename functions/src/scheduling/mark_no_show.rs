//! Reports that the expert or the client missed a session.

use app::App;
use app::scheduling::session_reports::{self, SessionReport};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::{Absent, Appointment};

/// `POST /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "mark_no_show",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::SignedIn,
    summary: "Report that the expert or the client missed a session",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::OK)
            .accepts_or_none::<NoShowRequest>(schemas)
            .conditional()
            .problems(&[problem::INVALID_STATUS, problem::PAYMENT_STATE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Who missed the session.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NoShowRequest {
    /// The party that missed the session; by default the other party, and the client if an administrator reports it. If the session
    /// has a price, the report that another party missed it takes effect after that party was notified and did not object for a day.
    /// A report that the client did not attend refunds the `no_show_refund_percent` of the cancellation policy; assistants of the expert may send
    /// it too. Clients may report their own absence, which takes effect at once; if the cancellation policy gives back a part of the
    /// price for it, only to agree to a report of the expert. If the session has a price, only the expert and managers may report for the expert's side that the expert did not
    /// attend, which refunds everything at once.
    missed_by: Option<Absent>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let if_match = request.if_match()?;
    let missed_by = request.json_or_default::<NoShowRequest>()?.missed_by.map(Into::into);
    let (record, party) =
        session_reports::end(app, request.actor(), id, if_match, SessionReport::NoShow { missed_by }).await?;
    let version = record.appointment.version;
    Ok(Response::json(StatusCode::OK, &Appointment::new(record, party, app.now())).version(version))
}
