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
            (&[], state.accounts.newest_first().filter(|_| at_platform).map(render::account).collect())
        }
        "payment_intents" => {
            let rows = state.intents.newest_first().filter(|row| own(&row.account));
            (&["customer"], rows.map(|row| render::intent(state, row)).collect())
        }
        "charges" => {
            let rows = state.charges.newest_first().filter(|row| own(&row.account));
            (&["payment_intent", "transfer_group"], rows.map(|row| render::charge(state, row)).collect())
        }
        "refunds" => {
            let rows = state.refunds.newest_first().filter(|row| own(&row.account));
            (&["charge", "payment_intent"], rows.map(render::refund).collect())
        }
        "transfers" => {
            let rows = state.transfers.newest_first().filter(|_| at_platform);
            (&["destination", "transfer_group"], rows.map(|row| render::transfer(state, row)).collect())
        }
        "application_fees" => {
            let rows = state.fees.newest_first().filter(|_| at_platform);
            (&["charge"], rows.map(|row| render::fee(state, row)).collect())
        }
        "balance_transactions" => {
            let rows = state.transactions.newest_first().filter(|row| own(&row.account));
            (&["currency", "source", "type"], rows.map(render::transaction).collect())
        }
        "events" => {
            let rows = state.events.newest_first().filter(|row| at_platform || own(&row.account));
            (&["type"], rows.map(|row| render::event(state, row)).collect())
        }
        _ => return None,
    };
    Some(page(&format!("/v1/{collection}"), items, filters, form))
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
