//! The pages of Stripe that people see, and the books.

pub(super) mod books;
pub(super) mod challenge;
pub(super) mod onboarding;
pub(super) mod pay;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::auth::same;
use super::state::{self, IntentCore, IntentKind, IntentStatus, name};
use super::{StripeSimulator, display};
use crate::pages;

type Simulator = State<Arc<StripeSimulator>>;

/// The query of the address of a hosted page.
#[derive(Debug, serde::Deserialize)]
pub struct Visit {
    client_secret: Option<String>,
    return_url: Option<String>,
}

/// A payment or setup intent, as the cardholder sees it.
struct Shown {
    id: String,
    core: IntentCore,
    /// `None` for a setup intent.
    amount: Option<String>,
}

impl Shown {
    fn find(state: &state::State, id: &str) -> Option<Self> {
        let core = state.intent(IntentKind::of(id), id)?.clone();
        let amount = state.intents.get(id).map(|intent| display(intent.amount, &intent.currency));
        Some(Self { id: id.to_owned(), core, amount })
    }

    /// Whether the cardholder has paid, or saved a card.
    fn done(&self) -> bool {
        matches!(self.core.status, IntentStatus::Succeeded | IntentStatus::RequiresCapture)
    }
}

impl Visit {
    /// The intent, when the visitor has its client secret.
    fn intent(&self, state: &state::State, id: &str) -> Option<Shown> {
        let secret = self.client_secret.as_deref().unwrap_or_default();
        Shown::find(state, id).filter(|intent| same(&intent.core.client_secret, secret))
    }
}

/// Returns to the shop, or says how it ended when there is none.
fn back(intent: &Shown, return_url: Option<&str>, done: bool) -> Response {
    let (kind, secret) = match intent.amount {
        Some(_) => ("payment_intent", "payment_intent_client_secret"),
        None => ("setup_intent", "setup_intent_client_secret"),
    };
    let status = if done { "succeeded" } else { "failed" };
    let members = [(kind, &*intent.id), (secret, &*intent.core.client_secret), ("redirect_status", status)];
    pages::back(return_url, &members).unwrap_or_else(|| {
        let (title, sentence) = match (&intent.amount, done) {
            (Some(amount), true) => ("Paid", format!("The payment of {amount} is paid.")),
            (Some(amount), false) => ("Not paid", format!("The payment of {amount} is not paid.")),
            (None, true) => ("Saved", "The card is saved.".to_owned()),
            (None, false) => ("Not saved", "The card is not saved.".to_owned()),
        };
        let body = html! { p { (sentence) } p.note { "Status: " (name(intent.core.status)) } };
        pages::page(StatusCode::OK, title, body)
    })
}
