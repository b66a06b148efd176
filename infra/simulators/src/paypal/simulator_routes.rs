//! `/_simulator`: what PayPal does not offer and tests and developers need.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, DisputeReason, Onboarding, PayPalSimulator, TEST_PAYERS};
use crate::simulator::Refused;
use crate::simulator_routes::{actions, common};

/// What can be done to an object. A dispute without an amount, in minor units, is about all that is left.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Onboard { outcome: Onboarding },
    Revoke {},
    Approve { payer: String },
    Dispute { reason: DisputeReason, amount: Option<i64> },
    Resolve { outcome: DisputeOutcome },
}

/// The routes, with the methods of [`PayPalSimulator`] that they call.
pub(super) fn routes() -> Router<Arc<PayPalSimulator>> {
    common().route("/_simulator/payers", get(payers)).route("/_simulator/{action}/{id}", actions(act))
}

fn act(paypal: &PayPalSimulator, id: &str, action: Action) -> Result<Value, Refused> {
    match action {
        Action::Onboard { outcome } => paypal.onboard(id, outcome),
        Action::Revoke {} => paypal.revoke(id),
        Action::Approve { payer } => paypal.approve(id, &payer),
        Action::Dispute { reason, amount } => paypal.dispute(id, reason, amount),
        Action::Resolve { outcome } => paypal.resolve_dispute(id, outcome),
    }
}

/// The test payers, as `{"name":…,"payer_id":…,"effect":…}`.
async fn payers() -> Json<Value> {
    let shown = TEST_PAYERS.iter();
    let shown =
        shown.map(|payer| json!({ "name": payer.name, "payer_id": payer.payer_id, "effect": payer.effect }));
    Json(shown.collect())
}
