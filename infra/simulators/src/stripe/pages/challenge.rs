//! The bank's 3-D Secure page: `/3ds/{intent}?client_secret=…`.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::{Shown, Simulator, Visit, back};
use crate::pages::{self, not_found};
use crate::stripe::confirm;
use crate::stripe::state::IntentStatus;
use crate::stripe::work::Caller;

/// The button that was pressed: `approve` or `fail`.
#[derive(serde::Deserialize)]
pub struct Pressed {
    answer: String,
}

/// Asks the cardholder to approve.
pub async fn show(
    State(simulator): Simulator,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
) -> Response {
    let Some(intent) = visit.intent(&simulator.lock().state, &id) else { return not_found() };
    if intent.core.status != IntentStatus::RequiresAction {
        return back(&intent, intent.core.return_url.as_deref(), intent.done());
    }
    let body = html! {
        p {
            "Your bank asks: "
            @match &intent.amount {
                Some(amount) => { "do you want to pay " strong { (amount) } "?" }
                None => "may this card be charged later, when you are not present?",
            }
        }
        (pages::choices("", "answer", [("approve", "Approve", ""), ("fail", "Fail", "")]))
    };
    pages::page(StatusCode::OK, "3-D Secure", body)
}

/// Passes or fails the challenge and returns to the shop.
pub async fn submit(
    State(simulator): Simulator,
    Path(id): Path<String>,
    Query(visit): Query<Visit>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let mut shared = simulator.lock();
    if visit.intent(&shared.state, &id).is_none() {
        return not_found();
    }
    let approve = pressed.answer == "approve";
    let outcome =
        simulator.write(&mut shared, Caller::default(), |work| confirm::authenticate(work, &id, approve));
    match Shown::find(&shared.state, &id) {
        Some(intent) => back(&intent, intent.core.return_url.as_deref(), outcome.is_ok()),
        None => not_found(),
    }
}
