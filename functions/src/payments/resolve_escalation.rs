//! Records an administrator's decision about an escalated payment.

use app::App;
use app::payments::escalations::{self, Resolution};
use domain::scheduling::party::Party;
use domain::{Money, Violations};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::Payment;

/// `POST /v1/appointments/{appointment_id}/payment/resolution`
pub const ROUTE: Route = Route {
    function: "resolve_escalation",
    method: Method::Post,
    path: "/v1/appointments/{appointment_id}/payment/resolution",
    audience: Audience::Only(app::identity::signed_in::Role::Admin),
    summary: "Resolve the escalation of a payment",
    operation: |schemas| {
        Operation::responds_with::<Payment>(schemas, StatusCode::OK)
            .accepts::<ResolutionRequest>(schemas)
            .problems(&[problem::PAYMENT_STATE])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// How to resolve the escalation of a payment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResolutionRequest {
    /// How the escalation is resolved.
    resolution: ResolutionKind,
    /// The amount that was settled. Required with `resolved_manually`, and must equal the amount in `escalation`; otherwise
    /// leave it out.
    amount: Option<Money>,
}

/// How an escalation is resolved.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ResolutionKind {
    /// The payment gateway is asked again.
    TryAgain,
    /// The amount was settled outside the gateway. For a refund, the client got the money another way, and the ledger records
    /// it. For a transfer or a reversal, the expert and the platform are even. A capture is abandoned.
    ResolvedManually,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let ResolutionRequest { resolution, amount } = request.json()?;
    let resolution = match (resolution, amount) {
        (ResolutionKind::TryAgain, None) => Resolution::TryAgain,
        (ResolutionKind::ResolvedManually, Some(amount)) => Resolution::ResolvedManually(amount),
        (ResolutionKind::TryAgain, Some(_)) => {
            return Err(Problem::invalid(Violations::one(
                "/amount",
                "must be left out with try_again, which retries the full amount",
            )));
        }
        (ResolutionKind::ResolvedManually, None) => {
            return Err(Problem::invalid(Violations::one(
                "/amount",
                "is required with resolved_manually: send the amount in escalation",
            )));
        }
    };
    let record = escalations::resolve(app, request.actor(), id, resolution).await?;
    Ok(Response::json(StatusCode::OK, &Payment::of(record, Party::Platform)?))
}
