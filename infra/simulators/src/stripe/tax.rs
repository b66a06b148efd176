//! Stripe Tax: settings, calculations, and the entries in an account's tax reports. Sources:
//! <https://docs.stripe.com/api/tax/settings>, <https://docs.stripe.com/api/tax/calculations>,
//! <https://docs.stripe.com/api/tax/transactions>, <https://docs.stripe.com/tax/customer-locations>.
//!
//! A calculation has one line. `rates` is a small table of taxes: enough for one tax, two taxes and none. Stripe does
//! not document the error for a reference that exists; here it is about the parameter `reference` and names the entry.

mod rates;
mod render;

use axum::http::Method;

use super::books::share;
use super::prelude::*;

pub(super) use render::{calculation, transaction};

/// How long an entry can be created from a calculation, in seconds: 90 days.
pub const CALCULATION_LASTS: i64 = 90 * 86_400;

/// How far a calculation's date may be from today, in seconds: 31 days.
const FARTHEST_DATE: i64 = 31 * 86_400;

const CALCULATE: &str = "currency customer_details[address][*] customer_details[address_source] expand[] \
    line_items[][amount] line_items[][reference] line_items[][tax_behavior] line_items[][tax_code] tax_date";
const REPORT: &str = "calculation expand[] metadata metadata[*] posted_at reference";
const REVERSE: &str = "expand[] flat_amount metadata metadata[*] mode original_transaction reference";

/// Executes a call below `/v1/tax`; `None` when there is no such call.
pub(super) fn call(work: &mut Work, method: &Method, parts: &[&str], form: &Form) -> Option<Outcome> {
    let outcome = match (method, parts) {
        (&Method::GET, ["settings"]) => settings(work, form),
        (&Method::POST, ["calculations"]) => calculate(work, form),
        (&Method::GET, ["calculations", id]) => retrieve_calculation(work, id, form),
        (&Method::POST, ["transactions", "create_from_calculation"]) => report(work, form),
        (&Method::POST, ["transactions", "create_reversal"]) => reverse(work, form),
        (&Method::GET, ["transactions", id]) => retrieve_transaction(work, id, form),
        _ => return None,
    };
    let expansions = form.list("expand").unwrap_or_default();
    Some(outcome.map(|object| render::expanded(object, &expansions)))
}

/// Sets up an account, or the platform, for Stripe Tax, as its owner does in the dashboard.
pub(super) fn set_up(work: &mut Work, account: &str, active: bool, registrations: Vec<String>) -> Outcome {
    if account != PLATFORM {
        accounts::find(work.state, account, "account")?;
    }
    let settings = TaxSettings { active, registrations };
    let object = render::settings(&settings);
    work.state.tax_settings.insert(account.to_owned(), settings);
    Ok(object)
}

fn own_settings(work: &Work) -> TaxSettings {
    let account = work.caller.account.as_deref().unwrap_or(PLATFORM);
    work.state.tax_settings.get(account).cloned().unwrap_or_default()
}

/// `GET /v1/tax/settings`.
fn settings(work: &Work, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    Ok(render::settings(&own_settings(work)))
}

/// `POST /v1/tax/calculations`.
fn calculate(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CALCULATE])?;
    let currency = validate::currency(form.required("currency")?)?;
    let amount = form.integer("line_items[0][amount]")?;
    let amount = amount.ok_or_else(|| ApiError::parameter_missing("line_items"))?;
    if amount < 1 {
        return Err(validate::not_positive("line_items[0][amount]"));
    }
    let another = |name: &str| name.starts_with("line_items[") && !name.starts_with("line_items[0]");
    if let Some((name, _)) = form.fields().iter().find(|(name, _)| another(name)) {
        return Err(ApiError::invalid("This simulator knows calculations of one line item.").param(name));
    }
    let behavior = form.word("line_items[0][tax_behavior]", &["exclusive", "inclusive"])?;
    let inclusive = behavior.as_deref() == Some("inclusive");
    let address_source = form.word("customer_details[address_source]", &["billing", "shipping"])?;
    let tax_date = form.integer("tax_date")?.unwrap_or(work.now);
    if (tax_date - work.now).abs() > FARTHEST_DATE {
        let message = "The tax_date must be within 31 days of today.";
        return Err(ApiError::invalid(message).param("tax_date"));
    }
    let address: Address =
        form.map("customer_details[address]").into_iter().filter(|(_, value)| !value.is_empty()).collect();
    if !address.is_empty() && address_source.is_none() {
        return Err(ApiError::parameter_missing("customer_details[address_source]"));
    }
    let settings = own_settings(work);
    if !settings.active {
        let message = "Stripe Tax has not been activated on your account. Please visit \
                       https://dashboard.stripe.com/tax/registrations to get started.";
        return Err(ApiError::invalid(message).code("stripe_tax_inactive").after_work_began());
    }
    let place = rates::place(&address).ok_or_else(|| {
        let message =
            "We could not determine the customer's tax location based on the provided customer address.";
        let error = ApiError::invalid(message).code("customer_tax_location_invalid");
        error.param("customer_details[address]").after_work_began()
    })?;
    let id = format!("taxcalc_1{}", random::letters(23));
    let line = form.owned("line_items[0][reference]").unwrap_or_else(|| "L1".to_owned());
    let calculation = TaxCalculation {
        id,
        account: work.caller.account.clone(),
        currency,
        amount,
        line,
        inclusive,
        address_source,
        taxes: place.taxes(amount, inclusive, &settings.registrations),
        address,
        tax_date,
        expires_at: work.now + CALCULATION_LASTS,
    };
    let object = render::calculation(&calculation);
    work.state.tax_calculations.add(calculation);
    Ok(object)
}

fn retrieve_calculation(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    own_calculation(work, id, "id").map(render::calculation)
}

fn own_calculation<'a>(work: &'a Work, id: &str, param: &str) -> Result<&'a TaxCalculation, ApiError> {
    let found = work.state.tax_calculations.get(id).filter(|one| one.account == work.caller.account);
    found.ok_or_else(|| ApiError::missing("tax calculation", id, param))
}

fn retrieve_transaction(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    own_transaction(work, id, "id").map(|found| render::transaction(work.state, found))
}

fn own_transaction<'a>(work: &'a Work, id: &str, param: &str) -> Result<&'a TaxTransaction, ApiError> {
    let found = work.state.tax_transactions.get(id).filter(|one| one.account == work.caller.account);
    found.ok_or_else(|| ApiError::missing("tax transaction", id, param))
}

/// Reads the reference of a new entry, which no entry of the account may have.
fn fresh_reference(work: &Work, form: &Form) -> Result<String, ApiError> {
    let reference = form.required("reference")?;
    if reference.chars().count() > 500 {
        return Err(ApiError::invalid("A reference has up to 500 characters.").param("reference"));
    }
    let mut own = work.state.tax_transactions.iter().filter(|one| one.account == work.caller.account);
    match own.find(|one| one.reference == reference) {
        Some(taken) => {
            let message = format!("Tax transaction {} with reference {reference} already exists.", taken.id);
            let error = ApiError::invalid(message).code("resource_already_exists").param("reference");
            Err(error.after_work_began())
        }
        None => Ok(reference.to_owned()),
    }
}

/// `POST /v1/tax/transactions/create_from_calculation`.
fn report(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[REPORT])?;
    let metadata = validate::metadata(form)?;
    let posted_at = form.integer("posted_at")?.unwrap_or(work.now);
    let id = form.required("calculation")?;
    let found = own_calculation(work, id, "calculation")?.clone();
    if found.expires_at <= work.now {
        let message = format!("The tax calculation {id} has expired.");
        return Err(ApiError::invalid(message).param("calculation").after_work_began());
    }
    let reference = fresh_reference(work, form)?;
    let entry = TaxTransaction {
        id: format!("tax_1{}", random::letters(23)),
        account: work.caller.account.clone(),
        reference,
        amount: found.amount,
        tax: found.tax(),
        calculation: found.id,
        reverses: None,
        metadata,
        posted_at,
        created: work.now,
    };
    enter(work, entry)
}

/// `POST /v1/tax/transactions/create_reversal`. However an entry is cut up, its reversals add up to its whole tax.
fn reverse(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[REVERSE])?;
    let metadata = validate::metadata(form)?;
    if form.required("mode")? != "partial" {
        return Err(ApiError::invalid("This simulator reverses in mode partial only.").param("mode"));
    }
    let id = form.required("original_transaction")?;
    let original = own_transaction(work, id, "original_transaction")?.clone();
    if original.reverses.is_some() {
        let message = format!("The tax transaction {id} is a reversal, which cannot be reversed.");
        return Err(ApiError::invalid(message).param("original_transaction").after_work_began());
    }
    let reference = fresh_reference(work, form)?;
    let reversals = work.state.tax_transactions.iter().filter(|one| one.reverses.as_deref() == Some(id));
    let done: i64 = -reversals.map(|one| one.amount).sum::<i64>();
    let amount = form.integer("flat_amount")?.ok_or_else(|| ApiError::parameter_missing("flat_amount"))?;
    if amount >= 0 {
        return Err(ApiError::invalid("The flat_amount must be negative.").param("flat_amount"));
    }
    let amount = amount.saturating_neg();
    let left = original.amount - done;
    if amount > left {
        let message =
            format!("The amount to reverse is more than what is left of the tax transaction {id} ({left}).");
        return Err(ApiError::invalid(message).param("flat_amount").after_work_began());
    }
    let so_far = |amount| share(original.tax, amount, original.amount, 1);
    let tax = so_far(done + amount) - so_far(done);
    let entry = TaxTransaction {
        id: format!("tax_1{}", random::letters(23)),
        reference,
        amount: -amount,
        tax: -tax,
        reverses: Some(original.id.clone()),
        metadata,
        posted_at: work.now,
        created: work.now,
        ..original
    };
    enter(work, entry)
}

fn enter(work: &mut Work, entry: TaxTransaction) -> Outcome {
    let object = render::transaction(work.state, &entry);
    work.state.tax_transactions.add(entry);
    Ok(object)
}

/// The entries of an account, oldest first, with their lines.
pub(super) fn entries(state: &State, account: &str) -> Vec<Value> {
    let own = |entry: &&TaxTransaction| entry.account.as_deref().unwrap_or(PLATFORM) == account;
    state.tax_transactions.iter().filter(own).map(|entry| render::transaction(state, entry)).collect()
}
