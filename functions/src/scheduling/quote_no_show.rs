//! Tells what the report of a no-show would have as its consequence.

use app::App;
use app::scheduling::session_reports;
use domain::Money;
use domain::scheduling::appointment::OBJECTION_HOURS;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{Absent, Party, RefundBasis};
use crate::mirror::mirror;

/// `GET /v1/appointments/{appointment_id}/no-show`
pub const ROUTE: Route = Route {
    function: "quote_no_show",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/no-show",
    audience: Audience::SignedIn,
    summary: "Read what my report of a no-show would refund, and when it would take effect",
    operation: |schemas| {
        Operation::responds_with::<NoShowQuote>(schemas, StatusCode::OK)
            .query::<NoShowQuery>()
            .problems(&[problem::INVALID_STATUS])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoShowQuery {
    /// The party that missed the session; by default the other party, and the client if an administrator asks.
    missed_by: Option<Absent>,
}

/// What reporting a no-show now would refund, and when it would take effect.
#[derive(Serialize, JsonSchema)]
struct NoShowQuote {
    /// The party that missed the session according to the report.
    missed_by: Party,
    /// The amount that the client would get back or would not have to pay.
    refund: Money,
    /// The amount that the client would pay in the end.
    final_charge: Money,
    /// What the expert will owe the platform for the processing of the refund, once the report has taken effect, and what is withheld
    /// of their next payouts. Present only if the expert or a member asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    expert_owes: Option<Money>,
    /// Whether the no-show counts for the party that missed the session, once the report has taken effect. No-shows of free sessions
    /// do not count. Those that count lead to a warning, and can lead to a suspension.
    counts_as_no_show: bool,
    /// The rule that determines the refund.
    #[serde(flatten)]
    basis: RefundBasis,
    /// When the report would take effect.
    takes_effect: TakesEffect,
    /// For how many hours that party, or each party in the case of a decision by an administrator, can object after it was notified.
    /// Absent unless the report takes effect after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    objection_hours: Option<i64>,
}

/// When the report of a no-show takes effect.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TakesEffect {
    /// At once.
    AtOnce,
    /// If nobody objects within `objection_hours`.
    AfterObjections,
    /// If an administrator decides so, because the report contradicts the other side's.
    ByDecision,
}

mirror!(enum TakesEffect <= session_reports::TakesEffect { AtOnce, AfterObjections, ByDecision });

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let NoShowQuery { missed_by } = request.query()?;
    let quoted = session_reports::quote(app, request.actor(), id, missed_by.map(Into::into)).await?;
    let document = NoShowQuote {
        missed_by: quoted.missed_by.into(),
        refund: quoted.quote.refund,
        final_charge: quoted.quote.final_charge,
        expert_owes: quoted.expert_owes,
        counts_as_no_show: quoted.counts_as_no_show,
        basis: quoted.quote.basis.into(),
        objection_hours: (quoted.takes_effect == session_reports::TakesEffect::AfterObjections)
            .then_some(OBJECTION_HOURS),
        takes_effect: quoted.takes_effect.into(),
    };
    Ok(Response::json(StatusCode::OK, &document))
}
