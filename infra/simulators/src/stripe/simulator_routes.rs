//! `/_simulator`: what Stripe does not offer and tests and developers need.

use std::sync::Arc;

use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, Onboarding, PayoutOutcome, Refused, StripeSimulator};
use crate::simulator_routes::{actions, common};

/// What can be done to an object. Amounts are in minor units; without one it is all that is left.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Pay { card_number: String },
    Authenticate { approve: bool },
    Onboard { outcome: Onboarding },
    Deauthorize {},
    Dispute { amount: Option<i64>, reason: String },
    CloseDispute { outcome: DisputeOutcome },
    Payout { amount: Option<i64>, currency: Option<String>, outcome: PayoutOutcome },
    Tax { active: bool, registrations: Option<Vec<String>> },
}

/// The routes, with the methods of [`StripeSimulator`] that they call. `onboard` returns the account.
pub(super) fn routes() -> Router<Arc<StripeSimulator>> {
    common().route("/_simulator/{action}/{id}", actions(act))
}

fn act(stripe: &StripeSimulator, id: &str, action: Action) -> Result<Value, Refused> {
    match action {
        Action::Pay { card_number } => stripe.pay(id, &card_number),
        Action::Authenticate { approve } => stripe.authenticate(id, approve),
        Action::Onboard { outcome } => {
            stripe.onboard(id, outcome).map(|()| stripe.object(id).unwrap_or_default())
        }
        Action::Deauthorize {} => stripe.deauthorize(id).map(|()| json!({})),
        Action::Dispute { amount, reason } => stripe.dispute(id, amount, &reason),
        Action::CloseDispute { outcome } => stripe.close_dispute(id, outcome),
        Action::Payout { amount, currency, outcome } => {
            stripe.pay_out(id, amount, currency.as_deref(), outcome)
        }
        Action::Tax { active, registrations } => {
            let registrations = registrations.unwrap_or_default();
            stripe.set_up_tax(id, active, &registrations.iter().map(String::as_str).collect::<Vec<_>>())
        }
    }
}
