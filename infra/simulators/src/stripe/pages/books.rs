//! The books: who has how much, and what happened. `/`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;

use crate::books_page::{ROWS, attempts, latest, page, switches, yes_no};
use crate::html::{escape, table};
use crate::stripe::state::State as Books;
use crate::stripe::{PLATFORM, StripeSimulator, TEST_CARDS, books, in_words};

/// Shows the latest of everything.
pub(in crate::stripe) async fn show(State(simulator): State<Arc<StripeSimulator>>) -> Response {
    let shared = simulator.up_to_date();
    let state = &shared.state;
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
        ("Webhook attempts", attempts(&state.webhooks, moment)),
        ("Switches", switches(&shared.switches)),
        ("Test cards", test_cards()),
    ];
    page("Stripe", "guests", &sections)
}

fn moment(unix_seconds: i64) -> String {
    match DateTime::from_timestamp(unix_seconds, 0) {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => unix_seconds.to_string(),
    }
}

fn balances(state: &Books) -> String {
    let row = |balance: crate::stripe::Balance| {
        let amount = in_words(balance.amount, &balance.currency);
        vec![balance.owner, amount]
    };
    table(&["Owner", "#Balance"], &books::balances(state).into_iter().map(row).collect::<Vec<_>>())
}

fn accounts(state: &Books) -> String {
    latest(&["Account", "E-mail", "Country", "Charges", "Payouts", "Due"], state.accounts.iter(), |account| {
        vec![
            account.id.clone(),
            account.email.clone().unwrap_or_default(),
            account.country.clone(),
            yes_no(account.charges_enabled),
            yes_no(account.payouts_enabled),
            account.currently_due.join(", "),
        ]
    })
}

fn intents(state: &Books) -> String {
    let mut html = latest(
        &["Created", "Intent", "#Amount", "#Fee", "Status", "For", "Description"],
        state.intents.iter(),
        |intent| {
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
        },
    );
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
    let mut html = latest(
        &["Created", "Setup", "Customer", "Status", "Payment method", "Description"],
        state.setup_intents.iter(),
        |intent| {
            vec![
                moment(intent.created),
                intent.id.clone(),
                intent.customer.clone().unwrap_or_default(),
                intent.status.name().to_owned(),
                intent.payment_method.clone().unwrap_or_default(),
                intent.description.clone().unwrap_or_default(),
            ]
        },
    );
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
    latest(
        &["Opened", "Dispute", "Charge", "#Amount", "Reason", "Status"],
        state.disputes.iter(),
        |dispute| {
            vec![
                moment(dispute.created),
                dispute.id.clone(),
                dispute.charge.clone(),
                in_words(dispute.amount, &dispute.currency),
                dispute.reason.clone(),
                dispute.status.name().to_owned(),
            ]
        },
    )
}

fn transfers(state: &Books) -> String {
    latest(
        &["Sent", "Transfer", "To", "#Amount", "#Taken back", "Group"],
        state.transfers.iter(),
        |transfer| {
            vec![
                moment(transfer.created),
                transfer.id.clone(),
                transfer.destination.clone(),
                in_words(transfer.amount, &transfer.currency),
                in_words(transfer.reversed, &transfer.currency),
                transfer.group.clone().unwrap_or_default(),
            ]
        },
    )
}

fn payouts(state: &Books) -> String {
    latest(&["Created", "Payout", "Account", "#Amount", "Status"], state.payouts.iter(), |payout| {
        vec![
            moment(payout.created),
            payout.id.clone(),
            payout.account.clone(),
            in_words(payout.amount, &payout.currency),
            payout.status.name().to_owned(),
        ]
    })
}

fn test_cards() -> String {
    let rows: Vec<_> =
        TEST_CARDS.iter().map(|card| vec![card.number.to_owned(), card.effect.to_owned()]).collect();
    table(&["Card number", "Effect"], &rows)
}

fn refunds(state: &Books) -> String {
    let headings =
        ["Created", "Refund", "Intent", "#Amount", "#Taken back from the account", "Status", "Reason"];
    latest(&headings, state.refunds.iter(), |refund| {
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
}

fn transactions(state: &Books) -> String {
    latest(
        &["Booked", "Owner", "Kind", "#Amount", "#Fees", "#Net", "Source"],
        state.transactions.iter(),
        |line| {
            vec![
                moment(line.created),
                line.account.clone().unwrap_or_else(|| PLATFORM.to_owned()),
                line.line.category().to_owned(),
                in_words(line.amount, &line.currency),
                in_words(line.stripe_fee + line.application_fee, &line.currency),
                in_words(line.net(), &line.currency),
                line.source.clone(),
            ]
        },
    )
}

fn events(state: &Books) -> String {
    latest(&["Happened", "Type", "Event", "Object", "Webhook due"], state.events.iter(), |event| {
        vec![
            moment(event.created),
            event.kind.clone(),
            event.id.clone(),
            event.object.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
            state.webhooks.due(&event.id).map(moment).unwrap_or_default(),
        ]
    })
}
