//! The checkout page, for payments and for cards to keep: `/pay/{intent}?client_secret=…&return_url=…`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{Asked, Visit, back, not_found};
use crate::html::{self, escape};
use crate::stripe::state::IntentStatus;
use crate::stripe::work::Origin;
use crate::stripe::{StripeSimulator, TEST_CARDS, confirm};

/// What the guest typed. Any date and security code will do, as with every test card.
#[derive(serde::Deserialize)]
pub(in crate::stripe) struct Typed {
    number: String,
}

/// Shows the payment and asks for a card.
pub(in crate::stripe) async fn show(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
) -> Response {
    let shared = simulator.lock();
    match visit.asked(&shared.state, &id) {
        Some(asked) => page(&asked, &visit, None),
        None => not_found(),
    }
}

/// Pays with the card that was typed.
pub(in crate::stripe) async fn submit(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
    Form(typed): Form<Typed>,
) -> Response {
    let mut shared = simulator.lock();
    if visit.asked(&shared.state, &id).is_none() {
        return not_found();
    }
    let outcome = simulator.work(&mut shared, Origin::default(), |work| {
        confirm::use_card(work, &id, &typed.number, visit.return_url.as_deref())
    });
    let Some(asked) = Asked::find(&shared.state, &id) else { return not_found() };
    match outcome {
        Err(error) => page(&asked, &visit, Some(&error.refused().message)),
        Ok(_) => match (asked.status, &asked.challenge_url) {
            (IntentStatus::RequiresAction, Some(url)) => html::see_other(url),
            _ => back(&asked, visit.return_url.as_deref(), true),
        },
    }
}

fn page(asked: &Asked, visit: &Visit, problem: Option<&str>) -> Response {
    let (title, button, mut body) = match &asked.amount {
        Some(amount) => ("Pay", "Pay", format!("<p>Amount: <strong>{}</strong></p>", escape(amount))),
        None => ("Save a card", "Save", "<p>Nothing is charged now.</p>".to_owned()),
    };
    if let Some(description) = &asked.description {
        // Writing to a string cannot fail.
        let _ = write!(body, "<p>{}</p>", escape(description));
    }
    if asked.done() {
        return back(asked, visit.return_url.as_deref(), true);
    }
    if asked.status == IntentStatus::Canceled {
        body.push_str("<p class=\"problem\">This was cancelled.</p>");
        return html::page(StatusCode::GONE, "Cancelled", &body);
    }
    if asked.status == IntentStatus::RequiresAction {
        let url = escape(asked.challenge_url.as_deref().unwrap_or_default());
        let _ =
            write!(body, "<p>Your bank wants to know that it is you.</p><p><a href=\"{url}\">Go on</a></p>");
        return html::page(StatusCode::OK, title, &body);
    }
    if let Some(problem) = problem {
        let _ = write!(body, "<p class=\"problem\" role=\"alert\">{}</p>", escape(problem));
    }
    let _ = write!(
        body,
        "<form method=\"post\">\
         <label>Card number<input name=\"number\" inputmode=\"numeric\" autocomplete=\"off\" required \
         placeholder=\"4242 4242 4242 4242\"></label><button>{button}</button></form>\
         <p class=\"note\">A simulator: no money moves. Use one of these cards, with any date and code.</p>"
    );
    let rows: Vec<_> =
        TEST_CARDS.iter().map(|card| vec![spaced(card.number), card.effect.to_owned()]).collect();
    body.push_str(&html::table(&["Card number", "Effect"], &rows));
    let status = if problem.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    html::page(status, title, &body)
}

/// The number in groups of four, as it stands on a card.
fn spaced(number: &str) -> String {
    let mut spaced = String::new();
    for (place, digit) in number.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}
