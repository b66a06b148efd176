//! The books: who has how much, and what happened. `/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::DateTime;

use crate::html::{self, escape, table};
use crate::stripe::state::State as Books;
use crate::stripe::{PLATFORM, StripeSimulator, TEST_CARDS, books, in_words};

/// How many rows of each kind are shown.
const ROWS: usize = 50;

/// Shows the latest of everything.
pub(in crate::stripe) async fn show(State(simulator): State<Arc<StripeSimulator>>) -> Response {
    let shared = simulator.up_to_date();
    let state = &shared.state;
    let switches = serde_json::to_string_pretty(&shared.switches).unwrap_or_default();
    let sections = [
        ("Balances", balances(state)),
        ("Connected accounts", accounts(state)),
        ("Payment intents", intents(state)),
        ("Setup intents", setups(state)),
        ("Refunds", refunds(state)),
        ("Disputes", disputes(state)),
        ("Transfers", transfers(state)),
        ("Payouts", payouts(state)),
        ("Balance transactions", transactions(state)),
        ("Events", events(state)),
        ("Webhook attempts", attempts(state)),
        ("Switches", format!("<pre>{}</pre>", html::escape(&switches))),
        ("Test cards", test_cards()),
    ];
    let mut body = String::from(
        "<p class=\"note\">A simulator of Stripe: no money moves. The latest of everything comes first. What \
         guests paid, and what Stripe keeps, are the other side of the books: each currency adds up to \
         zero.</p>",
    );
    for (title, content) in sections {
        body.push_str(&format!("<h2>{}</h2>{content}", html::escape(title)));
    }
    html::page(StatusCode::OK, "Stripe, simulated", &body)
}

fn moment(unix_seconds: i64) -> String {
    match DateTime::from_timestamp(unix_seconds, 0) {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => unix_seconds.to_string(),
    }
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn balances(state: &Books) -> String {
    let row = |balance: crate::stripe::Balance| {
        let amount = in_words(balance.amount, &balance.currency);
        vec![balance.owner, amount]
    };
    table(&["Owner", "#Balance"], &books::balances(state).into_iter().map(row).collect::<Vec<_>>())
}

fn accounts(state: &Books) -> String {
    let rows: Vec<_> = state
        .accounts
        .newest_first()
        .take(ROWS)
        .map(|account| {
            vec![
                account.id.clone(),
                account.email.clone().unwrap_or_default(),
                account.country.clone(),
                yes_no(account.charges_enabled),
                yes_no(account.payouts_enabled),
                account.currently_due.join(", "),
            ]
        })
        .collect();
    table(&["Account", "E-mail", "Country", "Charges", "Payouts", "Due"], &rows)
}

fn intents(state: &Books) -> String {
    let rows: Vec<_> = state
        .intents
        .newest_first()
        .take(ROWS)
        .map(|intent| {
            let owner = intent.account.as_ref().or(intent.destination.as_ref());
            let fee = intent.application_fee_amount.map(|fee| in_words(fee, &intent.currency));
            vec![
                moment(intent.created),
                intent.id.clone(),
                in_words(intent.amount, &intent.currency),
                fee.unwrap_or_default(),
                intent.status.name().to_owned(),
                owner.cloned().unwrap_or_default(),
                intent.description.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let mut html = table(&["Created", "Intent", "#Amount", "#Fee", "Status", "For", "Description"], &rows);
    // A real browser gets the secret from the shop; here anybody may pay anything.
    for intent in state.intents.newest_first().take(ROWS) {
        if matches!(intent.status.name(), "requires_payment_method" | "requires_confirmation") {
            let address = format!("/pay/{}?client_secret={}", intent.id, intent.client_secret);
            html.push_str(&format!(
                "<p><a href=\"{}\">Pay {} for {}</a></p>",
                escape(&address),
                escape(&in_words(intent.amount, &intent.currency)),
                escape(intent.description.as_deref().unwrap_or(&intent.id))
            ));
        }
    }
    html
}

fn setups(state: &Books) -> String {
    let rows: Vec<_> = state
        .setup_intents
        .newest_first()
        .take(ROWS)
        .map(|intent| {
            vec![
                moment(intent.created),
                intent.id.clone(),
                intent.customer.clone().unwrap_or_default(),
                intent.status.name().to_owned(),
                intent.payment_method.clone().unwrap_or_default(),
                intent.description.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let mut html = table(&["Created", "Setup", "Customer", "Status", "Payment method", "Description"], &rows);
    for intent in state.setup_intents.newest_first().take(ROWS) {
        if matches!(intent.status.name(), "requires_payment_method" | "requires_confirmation") {
            let address = format!("/pay/{}?client_secret={}", intent.id, intent.client_secret);
            let text = intent.description.as_deref().unwrap_or(&intent.id);
            html.push_str(&format!(
                "<p><a href=\"{}\">Save a card for {}</a></p>",
                escape(&address),
                escape(text)
            ));
        }
    }
    html
}

fn disputes(state: &Books) -> String {
    let rows: Vec<_> = state
        .disputes
        .newest_first()
        .take(ROWS)
        .map(|dispute| {
            vec![
                moment(dispute.created),
                dispute.id.clone(),
                dispute.charge.clone(),
                in_words(dispute.amount, &dispute.currency),
                dispute.reason.clone(),
                dispute.status.name().to_owned(),
            ]
        })
        .collect();
    table(&["Opened", "Dispute", "Charge", "#Amount", "Reason", "Status"], &rows)
}

fn transfers(state: &Books) -> String {
    let rows: Vec<_> = state
        .transfers
        .newest_first()
        .take(ROWS)
        .map(|transfer| {
            vec![
                moment(transfer.created),
                transfer.id.clone(),
                transfer.destination.clone(),
                in_words(transfer.amount, &transfer.currency),
                in_words(transfer.reversed, &transfer.currency),
                transfer.group.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(&["Sent", "Transfer", "To", "#Amount", "#Taken back", "Group"], &rows)
}

fn payouts(state: &Books) -> String {
    let rows: Vec<_> = state
        .payouts
        .newest_first()
        .take(ROWS)
        .map(|payout| {
            vec![
                moment(payout.created),
                payout.id.clone(),
                payout.account.clone(),
                in_words(payout.amount, &payout.currency),
                payout.status.name().to_owned(),
            ]
        })
        .collect();
    table(&["Created", "Payout", "Account", "#Amount", "Status"], &rows)
}

fn test_cards() -> String {
    let rows: Vec<_> =
        TEST_CARDS.iter().map(|card| vec![card.number.to_owned(), card.effect.to_owned()]).collect();
    table(&["Card number", "Effect"], &rows)
}

fn refunds(state: &Books) -> String {
    let rows: Vec<_> = state
        .refunds
        .newest_first()
        .take(ROWS)
        .map(|refund| {
            let reversal = refund.reversal.as_deref().and_then(|id| state.reversals.get(id));
            vec![
                moment(refund.created),
                refund.id.clone(),
                refund.intent.clone(),
                in_words(refund.amount, &refund.currency),
                reversal.map(|reversal| in_words(reversal.amount, &reversal.currency)).unwrap_or_default(),
                refund.status.name().to_owned(),
                refund.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let headings =
        ["Created", "Refund", "Intent", "#Amount", "#Taken back from the account", "Status", "Reason"];
    table(&headings, &rows)
}

fn transactions(state: &Books) -> String {
    let rows: Vec<_> = state
        .transactions
        .newest_first()
        .take(ROWS)
        .map(|line| {
            vec![
                moment(line.created),
                line.account.clone().unwrap_or_else(|| PLATFORM.to_owned()),
                line.line.category().to_owned(),
                in_words(line.amount, &line.currency),
                in_words(line.stripe_fee + line.application_fee, &line.currency),
                in_words(line.net(), &line.currency),
                line.source.clone(),
            ]
        })
        .collect();
    table(&["Booked", "Owner", "Kind", "#Amount", "#Fees", "#Net", "Source"], &rows)
}

fn events(state: &Books) -> String {
    let rows: Vec<_> = state
        .events
        .newest_first()
        .take(ROWS)
        .map(|event| {
            let due = state.deliveries.iter().filter(|delivery| delivery.event == event.id);
            let waiting = due.map(|delivery| delivery.due_at).min();
            vec![
                moment(event.created),
                event.kind.clone(),
                event.id.clone(),
                event.object.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
                waiting.map(moment).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["Happened", "Type", "Event", "Object", "Webhook due"], &rows)
}

fn attempts(state: &Books) -> String {
    let rows: Vec<_> = state
        .attempts
        .iter()
        .rev()
        .take(ROWS)
        .map(|attempt| {
            vec![
                moment(attempt.at),
                attempt.kind.clone(),
                attempt.event.clone(),
                attempt.status.map_or("no answer".to_owned(), |status| status.to_string()),
                attempt.retry_at.map(moment).unwrap_or_default(),
                attempt.url.clone(),
            ]
        })
        .collect();
    table(&["Sent", "Type", "Event", "Answer", "Again at", "To"], &rows)
}
