//! Lists the payments that wait for an administrator's decision.

use app::App;
use app::payments::escalations;
use domain::payments::gateway::GatewayKind;
use domain::payments::payment::{Escalation, Payment};
use domain::{AppointmentId, Money};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging;

/// `GET /v1/escalations`
pub const ROUTE: Route = Route {
    function: "list_escalations",
    method: Method::Get,
    path: "/v1/escalations",
    audience: Audience::Only(app::identity::people::Role::Admin),
    summary: "List the payments that wait for an administrator, oldest booking first",
    operation: |schemas| {
        Operation::responds_with::<Escalations>(schemas, StatusCode::OK).query::<EscalationsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EscalationsQuery {
    /// The `next_after` of the previous page.
    after: Option<AppointmentId>,
    /// The maximum number of escalations in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of payments that wait for an administrator. A payment appears some moments after it was escalated.
#[derive(Serialize, JsonSchema)]
struct Escalations {
    /// The escalations of this page.
    escalations: Vec<EscalationDocument>,
    /// The `after` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<AppointmentId>,
}

/// A payment that waits for an administrator. Resolve it with `POST /v1/appointments/{appointment_id}/payment/resolution`.
#[derive(Serialize, JsonSchema)]
struct EscalationDocument {
    /// The appointment whose payment was escalated.
    appointment_id: AppointmentId,
    /// The payment gateway.
    gateway: GatewayKind,
    /// The amount that the client agreed to pay.
    amount: Money,
    /// Why the payment was escalated, and the amount in question.
    escalation: Escalation,
    /// The gateway's id of the payment intent or order.
    intent: Option<String>,
}

impl EscalationDocument {
    fn of(payment: Payment) -> Option<Self> {
        Some(Self {
            appointment_id: payment.appointment,
            gateway: payment.gateway,
            amount: payment.amount,
            escalation: payment.escalation?,
            intent: payment.references.intent,
        })
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let EscalationsQuery { after, limit } = request.query()?;
    paging::check_limit(limit, escalations::MAX_PAGE)?;
    let page = escalations::list(app, request.actor(), after, limit).await?;
    let escalations = page.payments.into_iter().filter_map(EscalationDocument::of).collect();
    Ok(Response::json(StatusCode::OK, &Escalations { escalations, next_after: page.next }))
}
