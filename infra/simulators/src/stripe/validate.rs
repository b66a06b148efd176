//! Checks that several calls share.

use std::collections::BTreeMap;

use super::api_error::ApiError;
use super::currencies;
use super::form::Form;
use super::in_words;
use super::state::Metadata;

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
        let message = format!("Amount must be at least {}", in_words(minimum, currency));
        return Err(ApiError::invalid(message).code("amount_too_small").param("amount"));
    }
    if amount > currencies::MAXIMUM {
        let message = format!("Amount must be no more than {}", in_words(currencies::MAXIMUM, currency));
        return Err(ApiError::invalid(message).code("amount_too_large").param("amount"));
    }
    whole("amount", amount, currency)?;
    Ok(amount)
}

/// Refuses an amount with digits that the currency does not have.
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

/// An amount that is not above zero.
pub(super) fn not_positive(name: &str) -> ApiError {
    ApiError::invalid("Invalid positive integer").code("parameter_invalid_integer").param(name)
}

fn negative(name: &str) -> ApiError {
    ApiError::invalid("Invalid non-negative integer").code("parameter_invalid_integer").param(name)
}

/// An application fee, or a transfer, that is part of `amount`.
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

/// Merges `metadata[…]` into what is there: an empty value takes a key away, an empty `metadata` all of them.
pub(super) fn metadata(form: &Form, before: &Metadata) -> Result<Metadata, ApiError> {
    let mut metadata = if form.text("metadata") == Some("") { BTreeMap::new() } else { before.clone() };
    for (key, value) in form.map("metadata") {
        let name = format!("metadata[{key}]");
        if key.chars().count() > 40 {
            return Err(ApiError::invalid("Metadata keys can have up to 40 characters.").param(name));
        }
        if value.chars().count() > 500 {
            return Err(ApiError::invalid("Metadata values can have up to 500 characters.").param(name));
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

/// Something that looks like an e-mail address.
pub(super) fn email(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
    match form.filled(name) {
        Some(email)
            if !email.split_once('@').is_some_and(|(who, place)| !who.is_empty() && place.contains('.')) =>
        {
            Err(ApiError::invalid(format!("Invalid email address: {email}"))
                .code("email_invalid")
                .param(name))
        }
        email => Ok(email.map(str::to_owned)),
    }
}

/// A web address.
pub(super) fn url(name: &str, text: &str) -> Result<String, ApiError> {
    let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web {
        return Ok(text.to_owned());
    }
    Err(ApiError::invalid("Not a valid URL").code("url_invalid").param(name))
}

/// A statement descriptor or its suffix: at most 22 characters, at least one letter, none of `<>\'"*`.
pub(super) fn statement(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = form.filled(name) else { return Ok(None) };
    let fits = text.chars().count() <= 22
        && text.chars().any(|letter| letter.is_ascii_alphabetic())
        && !text.contains(['<', '>', '\\', '\'', '"', '*']);
    if fits {
        return Ok(Some(text.to_owned()));
    }
    let message =
        "The statement descriptor must have up to 22 characters, a letter among them, and none of <>\\'\"*.";
    Err(ApiError::invalid(message).param(name))
}
