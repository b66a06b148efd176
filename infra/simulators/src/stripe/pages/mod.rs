//! What people see. No page needs a script; whatever anybody typed is escaped.

pub(super) mod books;
pub(super) mod challenge;
pub(super) mod onboarding;
pub(super) mod pay;

use axum::http::StatusCode;
use axum::response::Response;
use url::Url;

use super::in_words;
use super::secrets;
use super::state::{IntentStatus, State};
use crate::html;

/// What a request to a hosted page carries in its address.
#[derive(Debug, serde::Deserialize)]
pub(in crate::stripe) struct Visit {
    client_secret: Option<String>,
    return_url: Option<String>,
}

/// What a guest is asked for: to pay, or to leave a card for later.
struct Asked {
    id: String,
    client_secret: String,
    /// `None` when nothing is to be paid.
    amount: Option<String>,
    description: Option<String>,
    status: IntentStatus,
    challenge_url: Option<String>,
    return_url: Option<String>,
}

impl Asked {
    fn find(state: &State, id: &str) -> Option<Self> {
        let setup = state.setup_intents.get(id).map(|intent| Self {
            id: intent.id.clone(),
            client_secret: intent.client_secret.clone(),
            amount: None,
            description: intent.description.clone(),
            status: intent.status,
            challenge_url: intent.challenge_url.clone(),
            return_url: intent.return_url.clone(),
        });
        let payment = || {
            state.intents.get(id).map(|intent| Self {
                id: intent.id.clone(),
                client_secret: intent.client_secret.clone(),
                amount: Some(in_words(intent.amount, &intent.currency)),
                description: intent.description.clone(),
                status: intent.status,
                challenge_url: intent.challenge_url.clone(),
                return_url: intent.return_url.clone(),
            })
        };
        setup.or_else(payment)
    }

    /// Whether the guest has done what they were asked for.
    fn done(&self) -> bool {
        matches!(
            self.status,
            IntentStatus::Succeeded | IntentStatus::RequiresCapture | IntentStatus::Processing
        )
    }
}

impl Visit {
    /// What is asked, when the visitor has its secret.
    fn asked(&self, state: &State, id: &str) -> Option<Asked> {
        let secret = self.client_secret.as_deref().unwrap_or_default();
        Asked::find(state, id).filter(|asked| secrets::same(&asked.client_secret, secret))
    }
}

fn not_found() -> Response {
    let body = "<p>This page does not exist, or the secret in its address is not right.</p>";
    html::page(StatusCode::NOT_FOUND, "Not found", body)
}

/// Sends the guest back to the shop with what Stripe adds to the address, or says how it ended when there is
/// no shop.
fn back(asked: &Asked, return_url: Option<&str>, done: bool) -> Response {
    let return_url = return_url.and_then(|text| Url::parse(text).ok());
    if let Some(mut url) = return_url.filter(|url| matches!(url.scheme(), "http" | "https")) {
        let (id, secret) = match asked.amount {
            Some(_) => ("payment_intent", "payment_intent_client_secret"),
            None => ("setup_intent", "setup_intent_client_secret"),
        };
        url.query_pairs_mut()
            .append_pair(id, &asked.id)
            .append_pair(secret, &asked.client_secret)
            .append_pair("redirect_status", if done { "succeeded" } else { "failed" });
        return html::see_other(url.as_str());
    }
    let (title, sentence) = match (&asked.amount, done) {
        (Some(amount), true) => ("Paid", format!("The payment of {amount} is paid.")),
        (Some(amount), false) => ("Not paid", format!("The payment of {amount} is not paid.")),
        (None, true) => ("Saved", "The card is saved.".to_owned()),
        (None, false) => ("Not saved", "The card is not saved.".to_owned()),
    };
    let (sentence, status) = (html::escape(&sentence), html::escape(asked.status.name()));
    let body = format!("<p>{sentence}</p><p class=\"note\">Status: {status}</p>");
    html::page(StatusCode::OK, title, &body)
}
