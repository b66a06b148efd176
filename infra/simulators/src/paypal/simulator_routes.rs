//! `/_simulator`: what PayPal does not offer and tests and developers need.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, DisputeReason, Onboarding, PayPalSimulator, TEST_PAYERS};
use crate::simulator_routes::{End, Nothing, action, common};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    payer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dispute {
    reason: DisputeReason,
    /// In minor units; all that is left when it is absent.
    amount: Option<i64>,
}

/// The routes, with the methods of [`PayPalSimulator`] that they call.
pub(super) fn routes() -> Router<Arc<PayPalSimulator>> {
    common()
        .route("/_simulator/payers", get(payers))
        .route(
            "/_simulator/onboard/{tracking_id}",
            action(|paypal: &PayPalSimulator, id, asked: End<Onboarding>| paypal.onboard(id, asked.outcome)),
        )
        .route(
            "/_simulator/revoke/{merchant_id}",
            action(|paypal: &PayPalSimulator, id, _: Nothing| paypal.revoke(id)),
        )
        .route(
            "/_simulator/approve/{order}",
            action(|paypal: &PayPalSimulator, id, asked: Approve| paypal.approve(id, &asked.payer)),
        )
        .route(
            "/_simulator/dispute/{capture}",
            action(|paypal: &PayPalSimulator, id, asked: Dispute| {
                paypal.dispute(id, asked.reason, asked.amount)
            }),
        )
        .route(
            "/_simulator/resolve/{dispute}",
            action(|paypal: &PayPalSimulator, id, asked: End<DisputeOutcome>| {
                paypal.resolve_dispute(id, asked.outcome)
            }),
        )
}

/// The test payers, as `{"name":…,"payer_id":…,"effect":…}`.
async fn payers() -> Json<Value> {
    let shown = TEST_PAYERS.iter();
    let shown =
        shown.map(|payer| json!({ "name": payer.name, "payer_id": payer.payer_id, "effect": payer.effect }));
    Json(shown.collect())
}
