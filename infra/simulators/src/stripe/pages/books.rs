//! The books: `/`.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::Simulator;
use crate::books_page::{Books, ROWS};
use crate::stripe::{PLATFORM, TEST_CARDS, books, display, render};

/// Shows the newest of everything.
pub async fn show(State(simulator): Simulator) -> Response {
    let shared = simulator.up_to_date();
    let state = &shared.state;
    let mut page = Books::new(display, &books::balances(state));

    let columns = "id email country charges_enabled payouts_enabled requirements/currently_due";
    page.section("Connected accounts", columns, state.accounts.iter().map(render::account));
    let intents = || state.intents.iter().map(render::intent);
    let columns = "created id amount application_fee_amount status transfer_data/destination description";
    page.section_with("Payment intents", columns, intents(), links(intents()));
    let setups = || state.setup_intents.iter().map(render::setup_intent);
    let columns = "created id customer status payment_method description";
    page.section_with("Setup intents", columns, setups(), links(setups()));
    let columns = "created id payment_intent amount status reason";
    page.section("Refunds", columns, state.refunds.iter().map(render::refund));
    let disputes = state.disputes.iter().map(|dispute| render::dispute(state, dispute));
    page.section("Disputes", "created id charge amount reason status", disputes);
    let transfers = state.transfers.iter().map(|transfer| render::transfer(state, transfer));
    let columns = "created id destination amount amount_reversed transfer_group";
    page.section("Transfers", columns, transfers);
    let payouts = state.payouts.iter().map(|payout| {
        let mut shown = render::payout(payout);
        shown["account"] = json!(payout.account);
        shown
    });
    page.section("Payouts", "created id account amount status", payouts);
    let lines = state.transactions.iter().map(|line| {
        let mut shown = render::transaction(line);
        shown["owner"] = json!(line.account.as_deref().unwrap_or(PLATFORM));
        shown
    });
    let columns = "created owner reporting_category amount fee net source";
    page.section("Balance transactions", columns, lines);
    let events = state.events.iter().map(|event| {
        let mut shown = render::event(state, event);
        shown["webhook_due"] = json!(state.deliveries.due(&event.id));
        shown
    });
    page.section("Events", "created type id data/object/id webhook_due", events);
    let cards = TEST_CARDS.iter().map(|card| json!({ "number": card.number, "effect": card.effect() }));
    page.section("Test cards", "number effect", cards.rev());
    page.page("Stripe", "clients", &state.deliveries, &shared.faults)
}

/// Links to the pages on which the newest intents are paid. At Stripe a cardholder has the client secret from the shop;
/// here everybody may pay.
fn links(intents: impl DoubleEndedIterator<Item = Value>) -> Markup {
    let open = ["requires_payment_method", "requires_confirmation"];
    let open = |intent: &Value| open.contains(&intent["status"].as_str().unwrap_or_default());
    let text = |intent: &Value, name: &str| intent[name].as_str().unwrap_or_default().to_owned();
    html! {
        @for intent in intents.rev().take(ROWS).filter(open) {
            p {
                a href={ "/pay/" (text(&intent, "id")) "?client_secret=" (text(&intent, "client_secret")) } {
                    @match intent["amount"].as_i64() {
                        Some(amount) => { "Pay " (display(amount, &text(&intent, "currency"))) },
                        None => "Save a card",
                    }
                    " for " (intent["description"].as_str().unwrap_or(&text(&intent, "id")))
                }
            }
        }
    }
}
