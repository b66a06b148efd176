//! Checks of parameters that several calls have.

use super::prelude::*;

/// An existing currency in lower case.
pub(super) fn currency(text: &str) -> Result<String, ApiError> {
    let currency = text.to_ascii_lowercase();
    if currencies::exists(&currency) {
        return Ok(currency);
    }
    Err(ApiError::invalid(format!("Invalid currency: {text}.")).param("currency"))
}

/// An amount that can be charged.
pub(super) fn amount(amount: i64, currency: &str) -> Result<i64, ApiError> {
    if amount < 0 {
        return Err(negative("amount"));
    }
    let minimum = currencies::minimum(currency);
    if amount < minimum {
        let message = format!("Amount must be at least {}", display(minimum, currency));
        return Err(ApiError::invalid(message).code("amount_too_small").param("amount"));
    }
    if amount > currencies::MAXIMUM {
        let message = format!("Amount must be no more than {}", display(currencies::MAXIMUM, currency));
        return Err(ApiError::invalid(message).code("amount_too_large").param("amount"));
    }
    whole("amount", amount, currency)?;
    Ok(amount)
}

/// Refuses an amount with decimals that the currency does not have.
pub(super) fn whole(name: &str, amount: i64, currency: &str) -> Result<(), ApiError> {
    let step = currencies::step(currency);
    if amount % step == 0 {
        return Ok(());
    }
    let message = format!(
        "Invalid {name} ({amount}): amounts in {} must be divisible by {step}.",
        currency.to_ascii_uppercase()
    );
    Err(ApiError::invalid(message).code("invalid_charge_amount").param(name))
}

/// The error for an amount that is not positive.
pub(super) fn not_positive(name: &str) -> ApiError {
    ApiError::invalid("Invalid positive integer").code("parameter_invalid_integer").param(name)
}

fn negative(name: &str) -> ApiError {
    ApiError::invalid("Invalid non-negative integer").code("parameter_invalid_integer").param(name)
}

/// Refuses a part of `amount` that is negative, or more than `amount`.
pub(super) fn part(name: &str, part: Option<i64>, amount: i64, currency: &str) -> Result<(), ApiError> {
    let Some(part) = part else { return Ok(()) };
    if part < 0 {
        return Err(negative(name));
    }
    if part > amount {
        let message = format!("Amount of {name} ({part}) may not be greater than the amount ({amount}).");
        return Err(ApiError::invalid(message).param(name));
    }
    whole(name, part, currency)
}

/// The amount of a partial operation: a positive amount of the currency that is at most what is `left`, or else all
/// that is left. `too_much` is the message for more, from both amounts as people write them.
pub(super) fn amount_up_to(
    form: &Form,
    left: i64,
    currency: &str,
    too_much: impl FnOnce(String, String) -> String,
) -> Result<i64, ApiError> {
    let Some(amount) = form.integer("amount")? else { return Ok(left) };
    if amount < 1 {
        return Err(not_positive("amount"));
    }
    whole("amount", amount, currency)?;
    if amount > left {
        let message = too_much(display(amount, currency), display(left, currency));
        return Err(ApiError::invalid(message).param("amount").after_work_began());
    }
    Ok(amount)
}

/// The `metadata[…]` of a new object.
pub(super) fn metadata(form: &Form) -> Result<Metadata, ApiError> {
    merged_metadata(form, &Metadata::new())
}

/// Merges `metadata[…]` into the metadata of an object: an empty value removes a key, an empty `metadata` all keys.
pub(super) fn merged_metadata(form: &Form, before: &Metadata) -> Result<Metadata, ApiError> {
    let mut metadata = if form.text("metadata") == Some("") { Metadata::new() } else { before.clone() };
    for (key, value) in form.map("metadata") {
        for (what, text, most) in [("keys", &key, 40), ("values", &value, 500)] {
            if text.chars().count() > most {
                let message = format!("Metadata {what} can have up to {most} characters.");
                return Err(ApiError::invalid(message).param(format!("metadata[{key}]")));
            }
        }
        if value.is_empty() {
            metadata.remove(&key);
        } else {
            metadata.insert(key, value);
        }
    }
    if metadata.len() > 50 {
        return Err(ApiError::invalid("Metadata can have up to 50 keys.").param("metadata"));
    }
    Ok(metadata)
}

/// An e-mail address, as far as its form tells.
pub(super) fn email(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
    let valid = |email: &str| {
        email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    };
    match form.filled(name) {
        Some(email) if !valid(email) => {
            let error = ApiError::invalid(format!("Invalid email address: {email}"));
            Err(error.code("email_invalid").param(name))
        }
        email => Ok(email.map(str::to_owned)),
    }
}

/// An address of the web.
pub(super) fn url(name: &str, text: &str) -> Result<String, ApiError> {
    let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web {
        return Ok(text.to_owned());
    }
    Err(ApiError::invalid("Not a valid URL").code("url_invalid").param(name))
}

/// An address of the web, when the parameter is given.
pub(super) fn optional_url(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
    form.filled(name).map(|text| url(name, text)).transpose()
}
