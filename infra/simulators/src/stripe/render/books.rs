//! Lines and balances.

use serde_json::{Value, json};

use super::APPLICATION;
use crate::stripe::books::balances;
use crate::stripe::state::{Line, State, Transaction};

pub(in crate::stripe) fn transaction(line: &Transaction) -> Value {
    let mut details = Vec::new();
    let stripe_fee = if line.line == Line::Dispute { "Dispute fee" } else { "Stripe processing fees" };
    for (kind, amount, description) in [
        ("application_fee", line.application_fee, "Application fee"),
        ("stripe_fee", line.stripe_fee, stripe_fee),
    ] {
        if amount != 0 {
            let application = (kind == "application_fee").then_some(APPLICATION);
            details.push(json!({
                "amount": amount,
                "application": application,
                "currency": line.currency,
                "description": description,
                "type": kind,
            }));
        }
    }
    json!({
        "id": line.id,
        "object": "balance_transaction",
        "amount": line.amount,
        "available_on": line.created,
        "balance_type": "payments",
        "created": line.created,
        "currency": line.currency,
        "description": null,
        "exchange_rate": null,
        "fee": line.stripe_fee + line.application_fee,
        "fee_details": details,
        "net": line.net(),
        "reporting_category": line.line.category(),
        "source": line.source,
        "status": "available",
        "type": line.line.kind(),
    })
}

/// The balance of the platform, or of a connected account.
pub(in crate::stripe) fn balance(state: &State, owner: &str) -> Value {
    let own = balances(state).into_iter().filter(|balance| balance.owner == owner);
    let mut available: Vec<Value> = own
        .map(|balance| {
            let amount = balance.amount;
            json!({ "amount": amount, "currency": balance.currency, "source_types": { "card": amount } })
        })
        .collect();
    if available.is_empty() {
        available.push(json!({ "amount": 0, "currency": "eur", "source_types": { "card": 0 } }));
    }
    json!({ "object": "balance", "available": available, "pending": [], "livemode": false })
}
