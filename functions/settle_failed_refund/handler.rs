//! A person settles a refund that the client's bank did not take.

use app::App;
use app::appointments::{self, FailedRefund};
use domain::appointment::Party;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answers::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/failed-refund`
pub const ROUTE: Route = Route {
    function: "settle_failed_refund",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/failed-refund",
    audience: Audience::Only(app::people::Role::Admin),
    summary: "Settle a refund that the client's bank did not take",
    operation: |schemas| {
        Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK)
            .takes::<Decision>(schemas)
            .may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// What was decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// How.
    decision: How,
}

/// How a failed refund is settled.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// The gateway is asked once more.
    TryAgain,
    /// The client got the money another way; the ledger says so.
    SettledByHand,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let decision = match call.json::<Decision>()?.decision {
        How::TryAgain => FailedRefund::TryAgain,
        How::SettledByHand => FailedRefund::SettledByHand,
    };
    let record = appointments::settle_failed_refund(app, person, id, decision).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, Party::Platform)))
}
