//! Calls an appointment off. What goes back to the client is what its policy says, and what was shown.

use app::App;
use app::scheduling::appointments;
use domain::Money;
use domain::kernel::text::LongText;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
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
        Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK)
            .takes::<Cancellation>(schemas)
            .may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
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

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let Cancellation { reason, expected_refund } = call.json_or_default()?;
    let (record, party) = appointments::cancel(app, person, id, reason, expected_refund).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, party)))
}
