//! `/_simulator`: what Stripe does not offer and tests and developers need.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{DisputeOutcome, Onboarding, PayoutOutcome, StripeSimulator};
use crate::simulator_routes::{End, Nothing, action, common};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    card_number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    approve: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dispute {
    /// In minor units; all that was not refunded when it is absent.
    amount: Option<i64>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayOut {
    /// In minor units; the whole balance when it is absent.
    amount: Option<i64>,
    currency: Option<String>,
    outcome: PayoutOutcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUpTax {
    active: bool,
    #[serde(default)]
    registrations: Vec<String>,
}

/// The routes, with the methods of [`StripeSimulator`] that they call. `onboard` returns the account.
pub(super) fn routes() -> Router<Arc<StripeSimulator>> {
    common()
        .route(
            "/_simulator/pay/{intent}",
            action(|stripe: &StripeSimulator, id, asked: Pay| stripe.pay(id, &asked.card_number)),
        )
        .route(
            "/_simulator/authenticate/{intent}",
            action(|stripe: &StripeSimulator, id, asked: Authenticate| {
                stripe.authenticate(id, asked.approve)
            }),
        )
        .route(
            "/_simulator/onboard/{account}",
            action(|stripe: &StripeSimulator, id, asked: End<Onboarding>| {
                stripe.onboard(id, asked.outcome)?;
                Ok(stripe.object(id).unwrap_or_default())
            }),
        )
        .route(
            "/_simulator/deauthorize/{account}",
            action(|stripe: &StripeSimulator, id, _: Nothing| stripe.deauthorize(id).map(|()| json!({}))),
        )
        .route(
            "/_simulator/dispute/{payment}",
            action(|stripe: &StripeSimulator, id, asked: Dispute| {
                stripe.dispute(id, asked.amount, &asked.reason)
            }),
        )
        .route(
            "/_simulator/close_dispute/{dispute}",
            action(|stripe: &StripeSimulator, id, asked: End<DisputeOutcome>| {
                stripe.close_dispute(id, asked.outcome)
            }),
        )
        .route(
            "/_simulator/payout/{account}",
            action(|stripe: &StripeSimulator, id, asked: PayOut| {
                stripe.pay_out(id, asked.amount, asked.currency.as_deref(), asked.outcome)
            }),
        )
        .route(
            "/_simulator/tax/{account}",
            action(|stripe: &StripeSimulator, id, asked: SetUpTax| {
                let registrations: Vec<&str> = asked.registrations.iter().map(String::as_str).collect();
                stripe.set_up_tax(id, asked.active, &registrations)
            }),
        )
        .route(
            "/_simulator/violations",
            get(async |State(stripe): State<Arc<StripeSimulator>>| Json(stripe.violations())),
        )
}
