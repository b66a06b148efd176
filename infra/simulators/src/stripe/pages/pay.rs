//! The checkout page, for payments and for cards to save: `/pay/{intent}?client_secret=…&return_url=…`.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::{Shown, Simulator, Visit, back};
use crate::pages::{self, not_found};
use crate::simulator::Refused;
use crate::stripe::state::IntentStatus;
use crate::stripe::work::Caller;
use crate::stripe::{TEST_CARDS, confirm};

/// What the cardholder typed. Test cards need no date and security code.
#[derive(serde::Deserialize)]
pub struct Typed {
    number: String,
}

/// Shows the payment and asks for a card.
pub async fn show(
    State(simulator): Simulator,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
) -> Response {
    match visit.intent(&simulator.lock().state, &id) {
        Some(intent) => page(&intent, &visit, None),
        None => not_found(),
    }
}

/// Pays with the card that was typed.
pub async fn submit(
    State(simulator): Simulator,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
    Form(typed): Form<Typed>,
) -> Response {
    let mut shared = simulator.lock();
    if visit.intent(&shared.state, &id).is_none() {
        return not_found();
    }
    let outcome = simulator.write(&mut shared, Caller::default(), |work| {
        confirm::use_card(work, &id, &typed.number, visit.return_url.as_deref())
    });
    let Some(intent) = Shown::find(&shared.state, &id) else { return not_found() };
    match outcome {
        Err(error) => page(&intent, &visit, Some(&Refused::from(error).message)),
        Ok(_) => match (intent.core.status, &intent.core.challenge_url) {
            (IntentStatus::RequiresAction, Some(url)) => pages::see_other(url),
            _ => back(&intent, visit.return_url.as_deref(), true),
        },
    }
}

fn page(intent: &Shown, visit: &Visit, problem: Option<&str>) -> Response {
    if intent.done() {
        return back(intent, visit.return_url.as_deref(), true);
    }
    let (title, button) = if intent.amount.is_some() { ("Pay", "Pay") } else { ("Save a card", "Save") };
    let (status, title) = match (intent.core.status, problem) {
        (IntentStatus::Canceled, _) => (StatusCode::GONE, "Cancelled"),
        (_, Some(_)) => (StatusCode::PAYMENT_REQUIRED, title),
        (_, None) => (StatusCode::OK, title),
    };
    let cards = TEST_CARDS.iter().map(|card| vec![spaced(card.number), card.effect()]);
    let body = html! {
        @match &intent.amount {
            Some(amount) => p { "Amount: " strong { (amount) } },
            None => p { "Nothing is charged now." },
        }
        @if let Some(description) = &intent.core.description { p { (description) } }
        @match intent.core.status {
            IntentStatus::Canceled => p.problem { "This was cancelled." },
            IntentStatus::RequiresAction => {
                p { "Your bank asks you to authenticate." }
                p { a href=(intent.core.challenge_url.as_deref().unwrap_or_default()) { "Go on" } }
            }
            _ => {
                @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
                form method="post" {
                    label {
                        "Card number"
                        input name="number" inputmode="numeric" autocomplete="off" required
                            placeholder="4242 4242 4242 4242";
                    }
                    button { (button) }
                }
                p.note { "A simulator: no money moves. Use one of these cards, with any date and code." }
                (pages::table(&["Card number", "Effect"], cards))
            }
        }
    };
    pages::page(status, title, body)
}

/// The number in groups of four digits.
fn spaced(number: &str) -> String {
    let digits: Vec<char> = number.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
