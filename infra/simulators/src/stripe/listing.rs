//! Lists, newest first, in pages. Source: <https://docs.stripe.com/api/pagination>.

use super::prelude::*;
use crate::table::{Row, Table};

const PAGING: &str = "created[*] expand[] limit starting_after";

/// `GET` of a collection such as `payment_intents`; `None` when there is no such collection.
pub(super) fn list(work: &Work, collection: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    let account = &work.caller.account;
    let (filters, items) = match (account, collection) {
        (_, "balance_transactions") => {
            let own = state.transactions.iter().rev().filter(|row| row.account == *account);
            ("currency source type", own.map(render::transaction).collect())
        }
        (Some(account), _) => on_account(state, account, collection)?,
        (None, _) => on_platform(state, collection)?,
    };
    Some(page(&format!("/v1/{collection}"), items, filters, form))
}

/// The filters and the items of a list.
type List = (&'static str, Vec<Value>);

fn on_platform(state: &State, collection: &str) -> Option<List> {
    fn all<T: Row>(table: &Table<T>, render: impl Fn(&T) -> Value) -> Vec<Value> {
        table.iter().rev().map(render).collect()
    }
    Some(match collection {
        "accounts" => {
            let accounts = state.accounts.iter().rev().filter(|account| !account.deauthorized);
            ("", accounts.map(render::account).collect())
        }
        "customers" => ("email", all(&state.customers, render::customer)),
        "setup_intents" => ("customer payment_method", all(&state.setup_intents, render::setup_intent)),
        "payment_intents" => ("customer", all(&state.intents, render::intent)),
        "charges" => {
            let filters = "customer payment_intent transfer_group";
            (filters, all(&state.charges, |row| render::charge(state, row)))
        }
        "refunds" => ("charge payment_intent", all(&state.refunds, render::refund)),
        "disputes" => ("charge payment_intent", all(&state.disputes, |row| render::dispute(state, row))),
        "transfers" => {
            ("destination transfer_group", all(&state.transfers, |row| render::transfer(state, row)))
        }
        "application_fees" => ("charge", all(&state.fees, |row| render::fee(state, row))),
        "payouts" => ("destination status", Vec::new()),
        "events" => ("type", all(&state.events, |row| render::event(state, row))),
        _ => return None,
    })
}

fn on_account(state: &State, account: &str, collection: &str) -> Option<List> {
    Some(match collection {
        "charges" => {
            let sent = state.transfers.iter().rev().filter(|row| row.destination == account);
            ("transfer_group", sent.map(|row| render::destination_payment(state, row)).collect())
        }
        "payouts" => {
            let payouts = state.payouts.iter().rev().filter(|row| row.account == account);
            ("destination status", payouts.map(render::payout).collect())
        }
        _ => return None,
    })
}

/// `GET` of the list within an object, such as a transfer's reversals; `None` when there is no such list.
pub(super) fn inner(work: &Work, collection: &str, id: &str, list: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    let (known, items): (bool, Vec<Value>) = match (collection, list) {
        ("transfers", "reversals") => {
            let rows = state.reversals.iter().rev().filter(|row| row.transfer == id);
            (state.transfers.get(id).is_some(), rows.map(render::reversal).collect())
        }
        ("application_fees", "refunds") => {
            let rows = state.fee_refunds.iter().rev().filter(|row| row.fee == id);
            (state.fees.get(id).is_some(), rows.map(render::fee_refund).collect())
        }
        _ => return None,
    };
    if !known || work.caller.account.is_some() {
        let kind = if collection == "transfers" { "transfer" } else { "application fee" };
        return Some(Err(ApiError::missing(kind, id, "id")));
    }
    Some(page(&format!("/v1/{collection}/{id}/{list}"), items, "", form))
}

/// A page of the items that match the filters of the form.
fn page(url: &str, mut items: Vec<Value>, filters: &str, form: &Form) -> Outcome {
    form.allow_only(&[PAGING, filters])?;
    for name in filters.split_ascii_whitespace() {
        if let Some(wanted) = form.filled(name) {
            items.retain(|item| item[name] == wanted);
        }
    }
    keep_created(&mut items, form)?;
    let limit = form.integer("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
        let error = ApiError::invalid("The limit must be between 1 and 100.");
        error.code("parameter_invalid_integer").param("limit")
    })?;
    let start = match form.filled("starting_after") {
        None => 0,
        Some(id) => {
            let last = items.iter().position(|item| item["id"] == id);
            last.ok_or_else(|| ApiError::missing("object", id, "starting_after"))? + 1
        }
    };
    let end = (start + limit).min(items.len());
    let has_more = end < items.len();
    let data: Vec<Value> = items.drain(start..end).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}

fn keep_created(items: &mut Vec<Value>, form: &Form) -> Result<(), ApiError> {
    let created = |item: &Value| item["created"].as_i64().unwrap_or(0);
    for name in form.map("created").keys() {
        let param = format!("created[{name}]");
        let limit = form.integer(&param)?.unwrap_or(0);
        match name.as_str() {
            "gt" => items.retain(|item| created(item) > limit),
            "gte" => items.retain(|item| created(item) >= limit),
            "lt" => items.retain(|item| created(item) < limit),
            "lte" => items.retain(|item| created(item) <= limit),
            _ => return Err(ApiError::parameter_unknown(&param)),
        }
    }
    Ok(())
}
