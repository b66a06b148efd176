//! Lists, newest first, a page at a time. Source: <https://docs.stripe.com/api/pagination>.

use serde_json::{Value, json};

use super::api_error::ApiError;
use super::form::Form;
use super::render;
use super::work::{Outcome, Work};

const PAGING: &[&str] = &["created[*]", "created", "ending_before", "expand[]", "limit", "starting_after"];

/// `GET` of a collection such as `payment_intents`; `None` when there is no such collection.
pub(super) fn list(work: &Work, collection: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    let own = |account: &Option<String>| *account == work.origin.account;
    let at_platform = work.origin.account.is_none();
    let (filters, items): (&[&str], Vec<Value>) = match collection {
        "accounts" => {
            let rows = state.accounts.newest_first().filter(|row| at_platform && !row.deauthorized);
            (&[], rows.map(render::account).collect())
        }
        "customers" => {
            let rows = state.customers.newest_first().filter(|row| own(&row.account));
            (&["email"], rows.map(render::customer).collect())
        }
        "setup_intents" => {
            let rows = state.setup_intents.newest_first().filter(|row| own(&row.account));
            (&["customer", "payment_method"], rows.map(render::setup_intent).collect())
        }
        "payment_intents" => {
            let rows = state.intents.newest_first().filter(|row| own(&row.account));
            (&["customer"], rows.map(render::intent).collect())
        }
        "charges" => {
            let filters = &["customer", "payment_intent", "transfer_group"];
            let rows = state.charges.newest_first().filter(|row| own(&row.account));
            let mut items: Vec<Value> = rows.map(|row| render::charge(state, row)).collect();
            // An account's own payments are charges too.
            let sent = state.transfers.newest_first();
            let sent = sent.filter(|row| work.origin.account.as_ref() == Some(&row.destination));
            items.extend(sent.map(|row| render::destination_payment(state, row)));
            items.sort_by_key(|item| std::cmp::Reverse(item.get("created").and_then(Value::as_i64)));
            (filters, items)
        }
        "refunds" => {
            let rows = state.refunds.newest_first().filter(|row| own(&row.account));
            (&["charge", "payment_intent"], rows.map(render::refund).collect())
        }
        "disputes" => {
            let rows = state.disputes.newest_first().filter(|row| own(&row.account));
            (&["charge", "payment_intent"], rows.map(|row| render::dispute(state, row)).collect())
        }
        "transfers" => {
            let rows = state.transfers.newest_first().filter(|_| at_platform);
            (&["destination", "transfer_group"], rows.map(|row| render::transfer(state, row)).collect())
        }
        "application_fees" => {
            let rows = state.fees.newest_first().filter(|_| at_platform);
            (&["charge"], rows.map(|row| render::fee(state, row)).collect())
        }
        "payouts" => {
            let rows = state.payouts.newest_first();
            let rows = rows.filter(|row| work.origin.account.as_ref() == Some(&row.account));
            (&["destination", "status"], rows.map(render::payout).collect())
        }
        "balance_transactions" => return Some(balance_transactions(work, form)),
        "events" => {
            let rows = state.events.newest_first().filter(|row| at_platform || own(&row.account));
            (&["type"], rows.map(|row| render::event(state, row)).collect())
        }
        _ => return None,
    };
    Some(page(&format!("/v1/{collection}"), items, filters, form))
}

fn balance_transactions(work: &Work, form: &Form) -> Outcome {
    let filters = &["currency", "payout", "source", "type"];
    form.allow_only(&[PAGING, filters].concat())?;
    let mut form = form.clone();
    let payout = form.take("payout").filter(|id| !id.is_empty());
    if let Some(id) = &payout {
        let own = |account: &String| work.origin.account.as_ref() == Some(account);
        let paid = work.state.payouts.get(id).filter(|payout| own(&payout.account));
        let paid = paid.ok_or_else(|| ApiError::missing("payout", id, "payout"))?;
        if !paid.automatic {
            let message =
                "Balance transaction history can only be filtered on automatic transfers, not manual.";
            return Err(ApiError::invalid(message).param("payout"));
        }
    }
    let rows = work.state.transactions.newest_first().filter(|row| row.account == work.origin.account);
    let rows = rows.filter(|row| payout.is_none() || row.payout == payout);
    page("/v1/balance_transactions", rows.map(render::transaction).collect(), filters, &form)
}

/// `GET` of the list within an object, such as a transfer's reversals; `None` when there is no such list.
pub(super) fn inner(work: &Work, collection: &str, id: &str, list: &str, form: &Form) -> Option<Outcome> {
    let state = &*work.state;
    let at_platform = work.origin.account.is_none();
    let items: Result<Vec<Value>, ApiError> = match (collection, list) {
        ("transfers", "reversals") => match state.transfers.get(id).filter(|_| at_platform) {
            Some(_) => Ok(state
                .reversals
                .newest_first()
                .filter(|row| row.transfer == id)
                .map(render::reversal)
                .collect()),
            None => Err(ApiError::missing("transfer", id, "id")),
        },
        ("application_fees", "refunds") => match state.fees.get(id).filter(|_| at_platform) {
            Some(_) => Ok(state
                .fee_refunds
                .newest_first()
                .filter(|row| row.fee == id)
                .map(render::fee_refund)
                .collect()),
            None => Err(ApiError::missing("application fee", id, "id")),
        },
        _ => return None,
    };
    Some(items.and_then(|items| page(&format!("/v1/{collection}/{id}/{list}"), items, &[], form)))
}

fn page(url: &str, mut items: Vec<Value>, filters: &[&str], form: &Form) -> Outcome {
    form.allow_only(&[PAGING, filters].concat())?;
    for name in filters {
        if let Some(wanted) = form.filled(name) {
            items.retain(|item| item.get(*name).and_then(Value::as_str) == Some(wanted));
        }
    }
    keep_created(&mut items, form)?;
    let limit = form.integer("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
        ApiError::invalid("The limit must be between 1 and 100.")
            .code("parameter_invalid_integer")
            .param("limit")
    })?;
    let place = |name: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = form.filled(name) else { return Ok(None) };
        let place = items.iter().position(|item| item.get("id").and_then(Value::as_str) == Some(id));
        place.map(Some).ok_or_else(|| ApiError::missing("object", id, name))
    };
    let (after, before) = (place("starting_after")?, place("ending_before")?);
    let (range, has_more) = match (after, before) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "You may only specify one of these parameters: starting_after, ending_before.",
            ));
        }
        (None, Some(end)) => (end.saturating_sub(limit)..end, end > limit),
        (after, None) => {
            let start = after.map_or(0, |place| place + 1);
            let end = (start + limit).min(items.len());
            (start..end, end < items.len())
        }
    };
    let data: Vec<Value> = items.drain(range).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}

fn keep_created(items: &mut Vec<Value>, form: &Form) -> Result<(), ApiError> {
    let created = |item: &Value| item.get("created").and_then(Value::as_i64).unwrap_or(0);
    if let Some(at) = form.integer("created")? {
        items.retain(|item| created(item) == at);
    }
    for name in form.map("created").keys() {
        let limit = form.integer(&format!("created[{name}]"))?.unwrap_or(0);
        match name.as_str() {
            "gt" => items.retain(|item| created(item) > limit),
            "gte" => items.retain(|item| created(item) >= limit),
            "lt" => items.retain(|item| created(item) < limit),
            "lte" => items.retain(|item| created(item) <= limit),
            _ => {
                let name = format!("created[{name}]");
                let error = ApiError::invalid(format!("Received unknown parameter: {name}"));
                return Err(error.code("parameter_unknown").param(name));
            }
        }
    }
    Ok(())
}
