//! The page where a seller agrees, or does not: `/bizsignup/partner/entry?referralToken=…`.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::Simulator;
use super::approve::back;
use crate::pages::{self, not_found};
use crate::paypal::state::Referral;
use crate::paypal::{Onboarding, PayPalSimulator};

const OUTCOMES: [(&str, &str, &str); 4] = [
    ("complete", "Agree", "the seller can be paid"),
    ("email_unconfirmed", "Agree, e-mail address not confirmed", "the seller cannot be paid yet"),
    ("not_receivable", "Agree, account limited", "the seller cannot be paid yet"),
    ("incomplete", "Leave", "nothing is granted"),
];

/// The query of the address.
#[derive(serde::Deserialize)]
pub struct Visit {
    #[serde(rename = "referralToken")]
    token: String,
}

/// The button that was pressed.
#[derive(serde::Deserialize)]
pub struct Pressed {
    outcome: Onboarding,
}

/// Shows what the platform asks for.
pub async fn show(State(simulator): Simulator, Query(visit): Query<Visit>) -> Response {
    let Some(referral) = simulator.referral(&visit.token) else { return not_found() };
    let body = html! {
        p {
            "Here the seller " code { (referral.tracking_id) } " would sign in to PayPal and grant the platform: "
            (referral.features.join(", ")) ". Choose how that ends."
        }
        (pages::choices("", "outcome", OUTCOMES))
    };
    pages::page(StatusCode::OK, "Connect your PayPal account, simulated", body)
}

/// Ends the visit and returns to the platform.
pub async fn submit(
    State(simulator): Simulator,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let Some(referral) = simulator.referral(&visit.token) else { return not_found() };
    let seller = match simulator.onboard(&referral.tracking_id, pressed.outcome) {
        Ok(seller) => seller,
        Err(refused) => return pages::refused(refused),
    };
    let address = referral.return_url.as_deref();
    if pressed.outcome == Onboarding::Incomplete {
        let members = [("permissionsGranted", "false"), ("consentStatus", "false")];
        return back(address, &members, "Not connected");
    }
    let confirmed = if pressed.outcome == Onboarding::EmailUnconfirmed { "false" } else { "true" };
    let members = [
        ("merchantId", referral.tracking_id.as_str()),
        ("merchantIdInPayPal", seller["merchant_id"].as_str().unwrap_or_default()),
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
