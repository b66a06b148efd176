//! A person decides how a payment goes on.

use app::App;
use app::payments::escalations::{self, Decision};
use domain::Money;
use domain::scheduling::party::Party;
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answers::AppointmentDocument;

/// `POST /v1/appointments/{appointment_id}/payment/decision`
pub const ROUTE: Route = Route {
    function: "decide_payment",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/payment/decision",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "Decide how a payment goes on that needs a person, such as one whose refund no bank takes",
    operation: |schemas| {
        Operation::answers::<AppointmentDocument>(schemas, StatusCode::OK)
            .takes::<DecisionBody>(schemas)
            .may_fail(&[409])
    },
    handler: |app, call| Box::pin(handle(app, call)),
};

/// What was decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    /// How.
    decision: How,
    /// With `settled_by_hand`: how much, as `needs_person` showed it.
    amount: Option<Money>,
}

/// How it goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// The gateway is asked once more.
    TryAgain,
    /// It was settled another way: the client got a refund, as the ledger then says, or the expert and the platform are even;
    /// what cannot be taken of a client is given up.
    SettledByHand,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let id = call.parameter("appointment_id", "appointment")?;
    let person = call.signed_in()?;
    let DecisionBody { decision, amount } = call.json()?;
    let decision = match (decision, amount) {
        (How::TryAgain, None) => Decision::TryAgain,
        (How::SettledByHand, Some(amount)) => Decision::SettledByHand(amount),
        (How::TryAgain, Some(_)) => {
            return Err(Problem::invalid("amount", "must be left out: all of it is tried again"));
        }
        (How::SettledByHand, None) => {
            return Err(Problem::invalid("amount", "must be there: the amount that needs_person shows"));
        }
    };
    let record = escalations::decide(app, person, id, decision).await?;
    Ok(Answer::json(StatusCode::OK, &AppointmentDocument::new(record, Party::Platform)))
}
