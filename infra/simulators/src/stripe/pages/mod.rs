//! What people see. No page needs a script; whatever anybody typed is escaped.

pub(super) mod books;
pub(super) mod challenge;
pub(super) mod onboarding;
pub(super) mod pay;

use axum::http::StatusCode;
use axum::response::Response;
use url::Url;

use super::state::{Intent, State};
use super::{in_words, intents};
use crate::html;

/// What a request to a payment's page carries in its address.
#[derive(Debug, serde::Deserialize)]
pub(in crate::stripe) struct Visit {
    client_secret: Option<String>,
    return_url: Option<String>,
}

impl Visit {
    /// The intent, when the visitor has its secret.
    fn intent<'a>(&self, state: &'a State, id: &str) -> Option<&'a Intent> {
        let secret = self.client_secret.as_deref().unwrap_or_default();
        state.intents.get(id).filter(|intent| intents::secret_matches(intent, secret))
    }
}

fn not_found() -> Response {
    let body = "<p>This page does not exist, or the secret in its address is not right.</p>";
    html::page(StatusCode::NOT_FOUND, "Not found", body)
}

/// Sends the guest back to the shop with what Stripe adds to the address, or says how it ended when there is
/// no shop.
fn back(intent: &Intent, return_url: Option<&str>, paid: bool) -> Response {
    let return_url = return_url.and_then(|text| Url::parse(text).ok());
    if let Some(mut url) = return_url.filter(|url| matches!(url.scheme(), "http" | "https")) {
        url.query_pairs_mut()
            .append_pair("payment_intent", &intent.id)
            .append_pair("payment_intent_client_secret", &intent.client_secret)
            .append_pair("redirect_status", if paid { "succeeded" } else { "failed" });
        return html::see_other(url.as_str());
    }
    let amount = html::escape(&in_words(intent.amount, &intent.currency));
    let status = html::escape(intent.status.name());
    let (title, sentence) = if paid { ("Paid", "is paid") } else { ("Not paid", "is not paid") };
    let body = format!(
        "<p>The payment of <strong>{amount}</strong> {sentence}.</p><p class=\"note\">Status: {status}</p>"
    );
    html::page(StatusCode::OK, title, &body)
}
