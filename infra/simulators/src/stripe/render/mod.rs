//! The state as Stripe's JSON. Source: <https://docs.stripe.com/api>.

mod accounts;
mod books;
mod expand;
mod payers;
mod payments;
mod telling;
mod transfers;

use serde_json::{Value, json};

pub(super) use accounts::account;
pub(super) use books::{balance, transaction};
pub(super) use expand::{check_expansions, expand};
pub(super) use payers::{customer, payment_method, setup_intent};
pub(super) use payments::{charge, dispute, for_client, intent, refund};
pub(super) use telling::event;
pub(super) use transfers::{
    destination_payment, fee, fee_refund, payment_refund, payout, reversal, transfer,
};

use super::state::{IntentStatus, State};
use super::tax;

/// The id of the platform's Connect application.
const APPLICATION: &str = "ca_simulator";

/// How many items a list within an object shows.
const INNER_ITEMS: usize = 10;

/// Any object by its id.
pub(super) fn any(state: &State, id: &str) -> Option<Value> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        "acct" => state.accounts.get(id).map(account),
        "cus" => state.customers.get(id).map(customer),
        "pm" => state.payment_methods.get(id).map(payment_method),
        "seti" => state.setup_intents.get(id).map(setup_intent),
        "pi" => state.intents.get(id).map(intent),
        "ch" => state.charges.get(id).map(|found| charge(state, found)),
        "re" => state.refunds.get(id).map(refund),
        "dp" => state.disputes.get(id).map(|found| dispute(state, found)),
        "tr" => state.transfers.get(id).map(|found| transfer(state, found)),
        "trr" => state.reversals.get(id).map(reversal),
        "py" => {
            let sent = state.transfers.iter().find(|transfer| transfer.destination_payment == id);
            sent.map(|transfer| destination_payment(state, transfer))
        }
        "pyr" => {
            let back = state.reversals.iter().find(|reversal| reversal.payment_refund == id);
            back.map(|reversal| payment_refund(state, reversal))
        }
        "fee" => state.fees.get(id).map(|found| fee(state, found)),
        "fr" => state.fee_refunds.get(id).map(fee_refund),
        "po" => state.payouts.get(id).map(payout),
        "txn" => state.transactions.get(id).map(transaction),
        "taxcalc" => state.tax_calculations.get(id).map(tax::calculation),
        "tax" => state.tax_transactions.get(id).map(|found| tax::transaction(state, found)),
        "evt" => state.events.get(id).map(|found| event(state, found)),
        _ => None,
    }
}

/// The connected account an object is on; `Some(None)` for the platform, `None` when there is no such object.
pub(super) fn owner<'a>(state: &'a State, id: &str) -> Option<Option<&'a str>> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        "cus" => state.customers.get(id).map(|row| row.account.as_deref()),
        "pm" => state.payment_methods.get(id).map(|row| row.account.as_deref()),
        "ch" => state.charges.get(id).map(|row| row.account.as_deref()),
        "re" => state.refunds.get(id).map(|row| row.account.as_deref()),
        "dp" => state.disputes.get(id).map(|row| row.account.as_deref()),
        "txn" => state.transactions.get(id).map(|row| row.account.as_deref()),
        "po" => state.payouts.get(id).map(|row| Some(row.account.as_str())),
        "py" => {
            let sent = state.transfers.iter().find(|transfer| transfer.destination_payment == id);
            sent.map(|transfer| Some(transfer.destination.as_str()))
        }
        "pyr" => {
            let back = state.reversals.iter().find(|reversal| reversal.payment_refund == id)?;
            state.transfers.get(&back.transfer).map(|transfer| Some(transfer.destination.as_str()))
        }
        "taxcalc" => state.tax_calculations.get(id).map(|row| row.account.as_deref()),
        "tax" => state.tax_transactions.get(id).map(|row| row.account.as_deref()),
        _ => any(state, id).map(|_| None),
    }
}

/// The platform's Connect application.
pub(super) fn application() -> Value {
    json!({ "id": APPLICATION, "object": "application", "name": "Simulator" })
}

/// The start of a list within an object.
fn inner_list<T>(url: String, rows: impl Iterator<Item = T>, render: impl Fn(T) -> Value) -> Value {
    let mut rows = rows.peekable();
    let data: Vec<Value> = rows.by_ref().take(INNER_ITEMS).map(render).collect();
    json!({ "object": "list", "url": url, "has_more": rows.peek().is_some(), "data": data })
}

/// What an intent says about the payment methods it offers.
fn automatic(enabled: bool, allow_redirects: &str) -> Option<Value> {
    enabled.then(|| json!({ "enabled": true, "allow_redirects": allow_redirects }))
}

/// Where the guest has to go, when an intent waits for that.
fn next_action(status: IntentStatus, return_url: Option<&str>, url: Option<&str>) -> Option<Value> {
    (status == IntentStatus::RequiresAction).then(|| {
        json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "return_url": return_url, "url": url },
        })
    })
}
