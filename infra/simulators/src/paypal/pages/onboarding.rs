//! The page where a seller agrees, or does not: `/bizsignup/partner/entry?referralToken=…`.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{back, not_found};
use crate::html::{self, escape};
use crate::paypal::state::Referral;
use crate::paypal::{Onboarding, PayPalSimulator};

/// What the address carries.
#[derive(serde::Deserialize)]
pub(in crate::paypal) struct Visit {
    #[serde(rename = "referralToken")]
    token: String,
}

/// The button that was pressed.
#[derive(serde::Deserialize)]
pub(in crate::paypal) struct Pressed {
    outcome: Onboarding,
}

/// Says what the platform asks for.
pub(in crate::paypal) async fn show(
    State(simulator): State<Arc<PayPalSimulator>>,
    Query(visit): Query<Visit>,
) -> Response {
    let Some(referral) = simulator.referral(&visit.token) else { return not_found() };
    let body = format!(
        "<p>Here the seller <code>{}</code> would sign in to PayPal and grant the platform: {}. Choose how \
         that ends.</p><form method=\"post\">\
         <p><button name=\"outcome\" value=\"complete\">Agree</button> the seller can be paid</p>\
         <p><button name=\"outcome\" value=\"email_unconfirmed\">Agree, e-mail address not confirmed</button> \
         the seller cannot be paid yet</p>\
         <p><button name=\"outcome\" value=\"not_receivable\">Agree, account limited</button> \
         the seller cannot be paid yet</p>\
         <p><button name=\"outcome\" value=\"incomplete\">Leave</button> nothing is granted</p></form>",
        escape(&referral.tracking_id),
        escape(&referral.features.join(", ")),
    );
    html::page(StatusCode::OK, "Connect your PayPal account, simulated", &body)
}

/// Ends the visit and sends the seller back to the platform.
pub(in crate::paypal) async fn submit(
    State(simulator): State<Arc<PayPalSimulator>>,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let Some(referral) = simulator.referral(&visit.token) else { return not_found() };
    let seller = match simulator.onboard(&referral.tracking_id, pressed.outcome) {
        Ok(seller) => seller,
        Err(refused) => {
            let body = format!("<p class=\"problem\">{}</p>", escape(&refused.message));
            return html::page(StatusCode::CONFLICT, "That did not work", &body);
        }
    };
    let address = referral.return_url.as_deref();
    if pressed.outcome == Onboarding::Incomplete {
        return back(
            address,
            &[("permissionsGranted", "false"), ("consentStatus", "false")],
            "Not connected",
        );
    }
    let confirmed = if pressed.outcome == Onboarding::EmailUnconfirmed { "false" } else { "true" };
    let members = [
        ("merchantId", referral.tracking_id.as_str()),
        ("merchantIdInPayPal", seller.get("merchant_id").and_then(|id| id.as_str()).unwrap_or_default()),
        ("permissionsGranted", "true"),
        ("consentStatus", "true"),
        ("accountStatus", "BUSINESS_ACCOUNT"),
        ("isEmailConfirmed", confirmed),
    ];
    back(address, &members, "Connected")
}

impl PayPalSimulator {
    /// The invitation with this secret.
    fn referral(&self, token: &str) -> Option<Referral> {
        self.lock().state.referrals.get(token).cloned()
    }
}
