//! The routes of the API.

use axum::http::Method;

use super::prelude::*;
use super::state::IntentKind::{Payment as PAYMENT, Setup as SETUP};
use super::{expand, listing, refunds, tax};

const INTENTS: &str = "payment_intents";
const SETUPS: &str = "setup_intents";

/// Refuses expansions that are not possible, before anything is done.
pub(super) fn check_expansions(
    work: &Work,
    method: &Method,
    path: &str,
    paths: &[String],
) -> Result<(), ApiError> {
    if let Some(path) = paths.iter().find(|path| work.caller.browser && *path != "payment_method") {
        return Err(ApiError::invalid(format!("This property cannot be expanded ({path}).")));
    }
    let parts: Vec<&str> = path.split('/').collect();
    let collection = match parts.as_slice() {
        ["transfers", _, "reversals", ..] => "transfer_reversals",
        ["application_fees", _, "refunds", ..] => "fee_refunds",
        ["tax", "calculations", ..] => "tax.calculations",
        ["tax", ..] => "tax.transactions",
        [collection, ..] => collection,
        [] => return Ok(()),
    };
    let kind = collection.strip_suffix('s').unwrap_or(collection);
    let is_list = *method == Method::GET && matches!(parts.len(), 1 | 3) && !collection.starts_with("tax.");
    let kind = if is_list { format!("{kind}[]") } else { kind.to_owned() };
    expand::check_expansions(&kind, paths)
}

/// Executes a call.
pub(super) fn dispatch(work: &mut Work, method: &Method, path: &str, form: &Form) -> Outcome {
    let parts: Vec<&str> = path.split('/').collect();
    let parts = parts.as_slice();
    if work.caller.browser {
        return match (method, parts) {
            (&Method::GET, [INTENTS, id]) => confirm::retrieve(work, PAYMENT, id, form),
            (&Method::POST, [INTENTS, id, "confirm"]) => confirm::confirm(work, PAYMENT, id, form),
            (&Method::GET, [SETUPS, id]) => confirm::retrieve(work, SETUP, id, form),
            (&Method::POST, [SETUPS, id, "confirm"]) => confirm::confirm(work, SETUP, id, form),
            _ => Err(ApiError::unauthorized("This API call cannot be made with a publishable API key.")),
        };
    }
    let unknown = || ApiError::unknown_address(method.as_str(), &format!("/v1/{path}"));
    if let ["tax", rest @ ..] = parts {
        return tax::call(work, method, rest, form).unwrap_or_else(|| Err(unknown()));
    }
    match *method {
        Method::POST if work.caller.account.is_some() => {
            let message =
                "This simulator takes payments on the platform: leave out the Stripe-Account header.";
            Err(ApiError::invalid(message))
        }
        Method::POST => post_object(work, parts, form).unwrap_or_else(|| Err(unknown())),
        Method::GET => match parts {
            ["accounts", id] => accounts::retrieve(work, id, form),
            [INTENTS, id] => confirm::retrieve(work, PAYMENT, id, form),
            [SETUPS, id] => confirm::retrieve(work, SETUP, id, form),
            [collection] => listing::list(work, collection, form).unwrap_or_else(|| Err(unknown())),
            [collection, id] => retrieve(work, collection, id, form).unwrap_or_else(|| Err(unknown())),
            [collection, id, list] => {
                listing::inner(work, collection, id, list, form).unwrap_or_else(|| Err(unknown()))
            }
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// Creates or changes an object; `None` when there is no such call.
fn post_object(work: &mut Work, parts: &[&str], form: &Form) -> Option<Outcome> {
    Some(match parts {
        ["accounts"] => accounts::create(work, form),
        ["account_links"] => accounts::create_link(work, form),
        ["customers"] => customers::create(work, form),
        ["payment_methods", id, "detach"] => payment_methods::detach(work, id, form),
        [SETUPS] => setup_intents::create(work, form),
        [SETUPS, id, "confirm"] => confirm::confirm(work, SETUP, id, form),
        [SETUPS, id, "cancel"] => confirm::cancel(work, SETUP, id, form),
        [INTENTS] => intents::create(work, form),
        [INTENTS, id, "confirm"] => confirm::confirm(work, PAYMENT, id, form),
        [INTENTS, id, "capture"] => intents::capture(work, id, form),
        [INTENTS, id, "cancel"] => confirm::cancel(work, PAYMENT, id, form),
        ["refunds"] => refunds::create(work, form),
        ["transfers"] => transfers::create(work, form),
        ["transfers", id, "reversals"] => transfers::create_reversal(work, id, form),
        ["application_fees", id, "refunds"] => fees::create_refund(work, id, form),
        _ => return None,
    })
}

/// `GET` of any other object; `None` when there is no such collection.
fn retrieve(work: &Work, collection: &str, id: &str, form: &Form) -> Option<Outcome> {
    let (kind, prefixes): (&str, &[&str]) = match collection {
        "application_fees" => ("application fee", &["fee"]),
        "balance_transactions" => ("balance transaction", &["txn"]),
        "charges" => ("charge", &["ch", "py"]),
        "customers" => ("customer", &["cus"]),
        "disputes" => ("dispute", &["dp"]),
        "events" => ("event", &["evt"]),
        "payment_methods" => ("PaymentMethod", &["pm"]),
        "payouts" => ("payout", &["po"]),
        "refunds" => ("refund", &["re", "pyr"]),
        "transfers" => ("transfer", &["tr"]),
        _ => return None,
    };
    if let Err(error) = form.allow_only(&["expand[]"]) {
        return Some(Err(error));
    }
    let known = id.split_once('_').is_some_and(|(prefix, _)| prefixes.contains(&prefix));
    let own = render::owner(work.state, id) == work.caller.account.as_deref();
    let object = if known && own { render::any(work.state, id) } else { None };
    Some(object.ok_or_else(|| ApiError::missing(kind, id, "id")))
}
