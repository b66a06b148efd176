//! The books: who has how much, and what happened. `/`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::books_page::{ROWS, attempts, latest, page, switches, yes_no};
use crate::html::{escape, table};
use crate::paypal::render::time;
use crate::paypal::state::State as Books;
use crate::paypal::{Balance, PayPalSimulator, books, in_words};

/// Shows the latest of everything.
pub(in crate::paypal) async fn show(State(simulator): State<Arc<PayPalSimulator>>) -> Response {
    let shared = simulator.lock();
    let state = &shared.state;
    let sections = [
        ("Balances", balances(state)),
        ("Sellers", sellers(state)),
        ("Orders", orders(state)),
        ("Authorizations", authorizations(state)),
        ("Captures", captures(state)),
        ("Refunds", refunds(state)),
        ("Disputes", disputes(state)),
        ("Movements", entries(state)),
        ("Events", events(state)),
        ("Webhook attempts", attempts(&state.webhooks, time)),
        ("Switches", switches(&shared.switches)),
    ];
    page("PayPal", "payers", &sections)
}

fn balances(state: &Books) -> String {
    let row = |balance: Balance| vec![balance.owner, in_words(balance.amount, &balance.currency)];
    table(&["Owner", "#Balance"], &books::balances(state).into_iter().map(row).collect::<Vec<_>>())
}

fn sellers(state: &Books) -> String {
    let headings = ["Merchant", "Tracking id", "Receivable", "E-mail confirmed", "Grants"];
    latest(&headings, state.sellers.iter(), |row| {
        vec![
            row.id.clone(),
            row.tracking_id.clone(),
            yes_no(row.payments_receivable),
            yes_no(row.primary_email_confirmed),
            row.features.join(", "),
        ]
    })
}

fn orders(state: &Books) -> String {
    let headings = ["Created", "Order", "#Amount", "#Fee", "Status", "For", "Payer", "Description"];
    let mut html = latest(&headings, state.orders.iter(), |row| {
        let fee = row.platform_fee.map(|fee| in_words(fee, &row.currency));
        vec![
            time(row.created),
            row.id.clone(),
            in_words(row.amount, &row.currency),
            fee.unwrap_or_default(),
            row.status.name().to_owned(),
            row.payee.clone(),
            row.payer.clone().unwrap_or_default(),
            row.description.clone().unwrap_or_default(),
        ]
    });
    let waiting = |status: &str| matches!(status, "CREATED" | "PAYER_ACTION_REQUIRED");
    for order in state.orders.iter().rev().take(ROWS).filter(|order| waiting(order.status.name())) {
        html.push_str(&format!(
            "<p><a href=\"/checkoutnow?token={}\">Pay {} for {}</a></p>",
            escape(&order.id),
            escape(&in_words(order.amount, &order.currency)),
            escape(order.description.as_deref().unwrap_or(&order.id))
        ));
    }
    html
}

/// The currency of the order that a row belongs to.
fn currency<'a>(state: &'a Books, order: &str) -> &'a str {
    state.orders.get(order).map_or("", |order| &order.currency)
}

fn authorizations(state: &Books) -> String {
    let headings = ["Created", "Authorization", "#Amount", "#Captured", "Status", "Honoured until", "Ends"];
    latest(&headings, state.authorizations.iter(), |row| {
        let currency = currency(state, &row.order);
        vec![
            time(row.created),
            row.id.clone(),
            in_words(row.amount, currency),
            in_words(row.captured, currency),
            row.status.name().to_owned(),
            time(row.honoured_until),
            time(row.expires_at),
        ]
    })
}

fn captures(state: &Books) -> String {
    let headings = ["Created", "Capture", "Order", "#Amount", "#Platform's fee", "#PayPal's fee", "Status"];
    latest(&headings, state.captures.iter(), |row| {
        let currency = currency(state, &row.order);
        vec![
            time(row.created),
            row.id.clone(),
            row.order.clone(),
            in_words(row.amount, currency),
            in_words(row.platform_fee, currency),
            in_words(row.paypal_fee, currency),
            row.status.name().to_owned(),
        ]
    })
}

fn refunds(state: &Books) -> String {
    let headings = ["Created", "Refund", "Capture", "#Amount", "#From the platform", "Status", "Note"];
    latest(&headings, state.refunds.iter(), |row| {
        let order = state.captures.get(&row.capture).map_or("", |capture| &capture.order);
        let currency = currency(state, order);
        vec![
            time(row.created),
            row.id.clone(),
            row.capture.clone(),
            in_words(row.amount, currency),
            in_words(row.platform_fee, currency),
            row.status.name().to_owned(),
            row.note_to_payer.clone().unwrap_or_default(),
        ]
    })
}

fn disputes(state: &Books) -> String {
    let word = |value: Value| value.as_str().unwrap_or("open").to_owned();
    latest(&["Opened", "Dispute", "Capture", "#Amount", "Reason", "Outcome"], state.disputes.iter(), |row| {
        let order = state.captures.get(&row.capture).map_or("", |capture| &capture.order);
        vec![
            time(row.created),
            row.id.clone(),
            row.capture.clone(),
            in_words(row.amount, currency(state, order)),
            word(serde_json::json!(row.reason)),
            word(serde_json::json!(row.outcome)),
        ]
    })
}

fn entries(state: &Books) -> String {
    latest(&["Booked", "Kind", "Source", "Shares"], state.entries.iter(), |row| {
        let share = |(owner, amount): &(String, i64)| format!("{owner} {}", in_words(*amount, &row.currency));
        let shares: Vec<_> = row.shares.iter().map(share).collect();
        vec![time(row.at), row.kind.clone(), row.source.clone(), shares.join("; ")]
    })
}

fn events(state: &Books) -> String {
    latest(&["Happened", "Type", "Event", "Webhook due"], state.events.iter(), |row| {
        let waiting = state.webhooks.due(&row.id);
        vec![time(row.created), row.kind.clone(), row.id.clone(), waiting.map(time).unwrap_or_default()]
    })
}
