//! The payments that wait for a person.

use app::App;
use app::payments::escalations;
use domain::payments::gateway::Gateway;
use domain::payments::payment::{Concern, Payment};
use domain::{AppointmentId, Money};
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging;

/// `GET /v1/payment-concerns`
pub const ROUTE: Route = Route {
    function: "list_concerns",
    method: Method::Get,
    path: "/v1/payment-concerns",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "The payments that wait for a person's decision; the oldest booking comes first",
    operation: |schemas| Operation::answers::<Concerns>(schemas, StatusCode::OK).asks::<Wanted>(),
    handler: |app, call| Box::pin(handle(app, call)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `next_after` of the page before.
    after: Option<AppointmentId>,
    /// Most payments of the page, 1 to 100; 25 by default.
    #[serde(default = "paging::page")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of payments that wait for a person. Those of the last moments may be missing yet.
#[derive(Serialize, JsonSchema)]
struct Concerns {
    /// The page.
    concerns: Vec<ConcernDocument>,
    /// `after` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<AppointmentId>,
}

/// What a person must decide about a payment.
#[derive(Serialize, JsonSchema)]
struct ConcernDocument {
    /// Whose payment. `GET /v1/appointments/{id}` tells the rest, and `POST …/payment/decision` takes the answer.
    appointment_id: AppointmentId,
    /// Who moves the money.
    gateway: Gateway,
    /// What the client agreed to pay.
    amount: Money,
    /// Why, and how much it is about.
    needs_person: Concern,
    /// The intent or order at the gateway.
    intent: Option<String>,
}

impl ConcernDocument {
    fn of(payment: Payment) -> Option<Self> {
        Some(Self {
            appointment_id: payment.appointment,
            gateway: payment.gateway,
            amount: payment.amount,
            needs_person: payment.concern?,
            intent: payment.references.intent,
        })
    }
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let Wanted { after, limit } = call.query()?;
    paging::check_limit(limit, escalations::LARGEST_PAGE)?;
    let page = escalations::concerns(app, call.signed_in()?, after, limit).await?;
    let concerns = page.payments.into_iter().filter_map(ConcernDocument::of).collect();
    Ok(Answer::json(StatusCode::OK, &Concerns { concerns, next_after: page.next }))
}
