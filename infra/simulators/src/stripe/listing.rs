//! Lists, newest first, in pages. Source: <https://docs.stripe.com/api/pagination>.

use super::prelude::*;
use crate::table::{Row, Table};

const PAGING: &str = "created[*] created ending_before expand[] limit starting_after";

/// `GET` of a collection such as `payment_intents`; `None` when there is no such collection.
pub(super) fn list(work: &Work, collection: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    if collection == "balance_transactions" {
        return Some(balance_transactions(work, form));
    }
    let (filters, items) = match &work.caller.account {
        Some(account) => on_account(state, account, collection)?,
        None => on_platform(state, collection)?,
    };
    Some(page(&format!("/v1/{collection}"), items, filters, "", form))
}

/// The filters and the items of a list.
type List = (&'static str, Vec<Value>);

fn on_platform(state: &State, collection: &str) -> Option<List> {
    fn all<T: Row>(table: &Table<T>, render: impl Fn(&T) -> Value) -> Vec<Value> {
        table.newest_first().map(render).collect()
    }
    Some(match collection {
        "accounts" => {
            let accounts = state.accounts.newest_first().filter(|account| !account.deauthorized);
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
            let sent = state.transfers.newest_first().filter(|row| row.destination == account);
            ("transfer_group", sent.map(|row| render::destination_payment(state, row)).collect())
        }
        "payouts" => {
            let payouts = state.payouts.newest_first().filter(|row| row.account == account);
            ("destination status", payouts.map(render::payout).collect())
        }
        _ => return None,
    })
}

fn balance_transactions(work: &Work, form: &Form) -> Outcome {
    let account = &work.caller.account;
    let payout = form.filled("payout");
    if let Some(id) = payout {
        let paid = work.state.payouts.get(id).filter(|payout| Some(&payout.account) == account.as_ref());
        if !paid.ok_or_else(|| ApiError::missing("payout", id, "payout"))?.automatic {
            let message =
                "Balance transaction history can only be filtered on automatic transfers, not manual.";
            return Err(ApiError::invalid(message).param("payout"));
        }
    }
    let rows = work.state.transactions.newest_first().filter(|row| row.account == *account);
    let rows = rows.filter(|row| payout.is_none() || row.payout.as_deref() == payout);
    let items = rows.map(render::transaction).collect();
    page("/v1/balance_transactions", items, "currency source type", "payout", form)
}

/// `GET` of the list within an object, such as a transfer's reversals; `None` when there is no such list.
pub(super) fn inner(work: &Work, collection: &str, id: &str, list: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    let (known, items): (bool, Vec<Value>) = match (collection, list) {
        ("transfers", "reversals") => {
            let rows = state.reversals.newest_first().filter(|row| row.transfer == id);
            (state.transfers.get(id).is_some(), rows.map(render::reversal).collect())
        }
        ("application_fees", "refunds") => {
            let rows = state.fee_refunds.newest_first().filter(|row| row.fee == id);
            (state.fees.get(id).is_some(), rows.map(render::fee_refund).collect())
        }
        _ => return None,
    };
    if !known || work.caller.account.is_some() {
        let kind = if collection == "transfers" { "transfer" } else { "application fee" };
        return Some(Err(ApiError::missing(kind, id, "id")));
    }
    Some(page(&format!("/v1/{collection}/{id}/{list}"), items, "", "", form))
}

/// A page of the items that match the filters of the form. Parameters that were `applied` already are allowed.
fn page(url: &str, mut items: Vec<Value>, filters: &str, applied: &str, form: &Form) -> Outcome {
    form.allow_only(&[PAGING, filters, applied])?;
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
    let position = |name: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = form.filled(name) else { return Ok(None) };
        let position = items.iter().position(|item| item["id"] == id);
        position.map(Some).ok_or_else(|| ApiError::missing("object", id, name))
    };
    let (after, before) = (position("starting_after")?, position("ending_before")?);
    let (range, has_more) = match (after, before) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "You may only specify one of these parameters: starting_after, ending_before.",
            ));
        }
        (None, Some(end)) => (end.saturating_sub(limit)..end, end > limit),
        (after, None) => {
            let start = after.map_or(0, |position| position + 1);
            let end = (start + limit).min(items.len());
            (start..end, end < items.len())
        }
    };
    let data: Vec<Value> = items.drain(range).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}

fn keep_created(items: &mut Vec<Value>, form: &Form) -> Result<(), ApiError> {
    let created = |item: &Value| item["created"].as_i64().unwrap_or(0);
    if let Some(at) = form.integer("created")? {
        items.retain(|item| created(item) == at);
    }
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
