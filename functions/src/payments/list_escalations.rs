//! Lists the payments that wait for an administrator's decision.

use app::App;
use app::payments::escalations;
use domain::payments::payment::Payment;
use domain::{AppointmentId, Money};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{EscalationReason, Gateway};
use crate::paging;

/// `GET /v1/escalations`
pub const ROUTE: Route = Route {
    function: "list_escalations",
    method: Method::Get,
    path: "/v1/escalations",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "List the payments that wait for an administrator, oldest booking first",
    operation: |schemas| {
        Operation::responds_with::<Escalations>(schemas, StatusCode::OK).query::<EscalationsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EscalationsQuery {
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of escalations in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of payments that wait for an administrator. The list is eventually consistent.
#[derive(Serialize, JsonSchema)]
struct Escalations {
    /// The escalations of this page.
    escalations: Vec<Escalation>,
    /// Whether some escalations of this page are missing, because they cannot be shown at the moment: those in `unreadable`.
    truncated: bool,
    /// The appointments of this page whose payment waits for an administrator and cannot be shown; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableEscalation>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A payment that waits for an administrator. Resolve it with `POST /v1/appointments/{appointment_id}/payment/resolution`.
#[derive(Serialize, JsonSchema)]
struct Escalation {
    /// The appointment whose payment was escalated.
    appointment_id: AppointmentId,
    /// The payment gateway.
    gateway: Gateway,
    /// The amount that the client agreed to pay.
    amount: Money,
    /// Why the payment was escalated, and the amount in question.
    escalation: EscalationReason,
    /// The gateway's id of the payment intent or order.
    intent: Option<String>,
}

/// A payment that waits for an administrator and cannot be shown at the moment.
#[derive(Serialize, JsonSchema)]
struct UnreadableEscalation {
    /// The appointment whose payment was escalated.
    appointment_id: AppointmentId,
    /// Why the payment cannot be shown.
    reason: UnreadableReason,
}

/// Why a payment cannot be shown.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum UnreadableReason {
    /// A newer release of the platform has stored it. It can be decided when that release runs again.
    NewerRelease,
    /// Its row is damaged. The log names it.
    Damaged,
}

impl From<store::UnreadableEscalation> for UnreadableEscalation {
    fn from(unreadable: store::UnreadableEscalation) -> Self {
        let store::UnreadableEscalation { appointment, is_newer } = unreadable;
        let reason = if is_newer { UnreadableReason::NewerRelease } else { UnreadableReason::Damaged };
        Self { appointment_id: appointment, reason }
    }
}

impl Escalation {
    fn of(payment: Payment) -> Option<Self> {
        Some(Self {
            appointment_id: payment.appointment,
            gateway: payment.gateway.into(),
            amount: payment.amount,
            escalation: payment.escalation?.into(),
            intent: payment.references.intent,
        })
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let EscalationsQuery { cursor, limit } = request.query()?;
    let after = cursor.map(|cursor| paging::parse_cursor(&cursor)).transpose()?;
    let page = escalations::list(app, request.actor(), after, limit).await?;
    let unreadable: Vec<_> = page.unreadable.into_iter().map(UnreadableEscalation::from).collect();
    let truncated = !unreadable.is_empty();
    let escalations = page.payments.into_iter().filter_map(Escalation::of).collect();
    let next_cursor = page.next.map(|last| last.to_string());
    Ok(Response::json(StatusCode::OK, &Escalations { escalations, truncated, unreadable, next_cursor }))
}
