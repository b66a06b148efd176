//! Calls an appointment off. What goes back to the client is what its policy says, and what was shown.

use app::App;
use app::scheduling::appointments;
use domain::Money;
use domain::kernel::text::LongText;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/cancel`
pub const ROUTE: Route = Route {
    function: "cancel_appointment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/cancel",
    audience: Audience::SignedIn,
    summary: "Call an appointment off; its policy says what goes back",
    operation: |schemas| {
        Operation::responds_with::<AppointmentDocument>(schemas, StatusCode::OK)
            .accepts::<Cancellation>(schemas)
            .problems(&[409])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Why.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Cancellation {
    /// For the other one to read.
    reason: LongText,
    /// The refund that was shown; when calling off gives another by now, nothing happens and the answer is 409.
    expected_refund: Option<Money>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.parameter("appointment_id", "appointment")?;
    let person = request.signed_in()?;
    let Cancellation { reason, expected_refund } = request.json_or_default()?;
    let (record, party) = appointments::cancel(app, person, id, reason, expected_refund).await?;
    Ok(Response::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
