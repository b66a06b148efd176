//! Means of payment: read from forms, kept, attached to customers and detached.
//! Source: <https://docs.stripe.com/api/payment_methods>.

use super::api_error::ApiError;
use super::cards::{TEST_IBANS, TestCard, could_be_card, decline, last_four};
use super::events::{emit, emit_change};
use super::form::Form;
use super::render;
use super::state::{Address, Kinds, Means, PaymentMethod};
use super::work::{Outcome, Work};
use crate::random;

/// What can be said about a means of payment, wherever one is taken.
pub(super) const PARAMETERS: &[&str] = &[
    "payment_method",
    "payment_method_data[type]",
    "payment_method_data[card][number]",
    "payment_method_data[card][exp_month]",
    "payment_method_data[card][exp_year]",
    "payment_method_data[card][cvc]",
    "payment_method_data[sepa_debit][iban]",
    "payment_method_data[billing_details][name]",
    "payment_method_data[billing_details][email]",
    "payment_method_data[billing_details][address][*]",
];

/// The parts of an address.
const ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

const ALLOWED: &str = "allowed_payment_method_types";
const EXCLUDED: &str = "excluded_payment_method_types";
const AUTOMATIC: &str = "automatic_payment_methods";

/// `POST /v1/payment_methods`, as browsers do to keep card numbers away from servers.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[
        "billing_details[address][*]",
        "billing_details[email]",
        "billing_details[name]",
        "card[cvc]",
        "card[exp_month]",
        "card[exp_year]",
        "card[number]",
        "expand[]",
        "key",
        "sepa_debit[iban]",
        "type",
    ])?;
    let means = read(form, "")?;
    let id = keep(work, means, form.map("billing_details[address]"));
    let method = work.state.payment_methods.get(&id).ok_or_else(|| ApiError::internal("It was not kept."))?;
    Ok(render::payment_method(method))
}

/// `POST /v1/payment_methods/{id}/detach`.
pub(super) fn detach(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    let owner = work.origin.account.clone();
    let method = work.state.payment_methods.get_mut(id).filter(|method| method.account == owner);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "id"))?;
    let Some(customer) = method.customer.take() else {
        let message = "The payment method you provided is not attached to a customer so detachment is \
                       impossible.";
        return Err(ApiError::invalid(message));
    };
    method.spent = true;
    let answer = render::payment_method(method);
    let previous = serde_json::json!({ "customer": customer });
    emit_change(work, "payment_method.detached", answer.clone(), Some(previous), owner.as_deref());
    Ok(answer)
}

/// The kinds that can pay with a capture method: bank debits cannot be authorised first and captured later.
pub(super) fn payable_by(capture_method: &str) -> &'static [&'static str] {
    match capture_method {
        "manual" => &["card"],
        _ => Means::KINDS,
    }
}

/// Which kinds an intent is to take, of those that are `possible` for it. One that is not possible is passed
/// over, as Stripe does; one that nobody here knows is refused.
/// Source: <https://docs.stripe.com/changelog/dahlia/2026-07-29/allowed-payment-method-types-parameter>.
pub(super) fn kinds(form: &Form, possible: &[&str]) -> Result<Kinds, ApiError> {
    let kinds = Kinds { allowed: form.list(ALLOWED), excluded: form.list(EXCLUDED) };
    for (name, list) in [(ALLOWED, &kinds.allowed), (EXCLUDED, &kinds.excluded)] {
        let unknown = list.iter().flatten().find(|kind| !Means::KINDS.contains(&kind.as_str()));
        if let Some(kind) = unknown {
            return Err(unknown_kind(kind, name));
        }
    }
    let automatic = !form.map(AUTOMATIC).is_empty();
    for (name, given) in [(EXCLUDED, kinds.excluded.is_some()), (AUTOMATIC, automatic)] {
        if given && kinds.allowed.is_some() {
            let message = format!("You may only specify one of these parameters: {ALLOWED}, {name}.");
            return Err(ApiError::invalid(message).param(ALLOWED));
        }
    }
    if kinds.of(possible).is_empty() {
        let name = if kinds.allowed.is_some() { ALLOWED } else { EXCLUDED };
        let message = format!("No payment method type is left: possible here is {}.", possible.join(", "));
        return Err(ApiError::invalid(message).param(name));
    }
    Ok(kinds)
}

fn unknown_kind(kind: &str, param: &str) -> ApiError {
    let known = Means::KINDS.join(" and ");
    ApiError::invalid(format!("This simulator knows the payment method types {known}, not {kind}."))
        .param(param)
}

/// The payment method the form names or describes, for `customer`; `None` when it does neither. It must be of
/// one of the `kinds`.
pub(super) fn given(
    work: &mut Work,
    form: &Form,
    customer: Option<&str>,
    kinds: &Kinds,
) -> Result<Option<String>, ApiError> {
    if let Some(id) = form.filled("payment_method") {
        let own = work.state.payment_methods.get(id).filter(|method| method.account == work.origin.account);
        if let Some(method) = own {
            usable(method, customer)?;
            allowed(&method.means, kinds)?;
            return Ok(Some(id.to_owned()));
        }
        let means = match TestCard::by_token(id) {
            Some(card) => Means::Card(card.number.to_owned()),
            None => return Err(ApiError::missing("PaymentMethod", id, "payment_method")),
        };
        allowed(&means, kinds)?;
        return Ok(Some(keep(work, means, Address::new())));
    }
    if form.filled("payment_method_data[type]").is_none() {
        return Ok(None);
    }
    let means = read(form, "payment_method_data")?;
    allowed(&means, kinds)?;
    let address = form.map("payment_method_data[billing_details][address]");
    Ok(Some(keep(work, means, address)))
}

fn allowed(means: &Means, kinds: &Kinds) -> Result<(), ApiError> {
    if kinds.take(means.kind()) {
        return Ok(());
    }
    let message = format!(
        "The PaymentMethod provided ({}) is not allowed. Provide one of the following types: {}.",
        means.kind(),
        kinds.of(Means::KINDS).join(", ")
    );
    Err(ApiError::invalid(message).param("payment_method"))
}

/// Refuses a method that is somebody else's, or of no more use.
pub(super) fn usable(method: &PaymentMethod, customer: Option<&str>) -> Result<(), ApiError> {
    match (method.customer.as_deref(), customer) {
        (Some(owner), Some(customer)) if owner == customer => Ok(()),
        (Some(_), Some(_)) => {
            let message = format!(
                "The customer does not have a payment method with the ID {}. The payment method must be \
                 attached to the customer.",
                method.id
            );
            Err(ApiError::invalid(message).code("resource_missing").param("payment_method"))
        }
        (Some(_), None) => {
            let message = "The payment method you provided is attached to a customer so for security purposes \
                           you must provide the customer in the request.";
            Err(ApiError::invalid(message).param("customer"))
        }
        (None, _) if method.spent => {
            let message = "The provided PaymentMethod was previously used with a PaymentIntent without \
                           Customer attachment, shared with a connected account without Customer attachment, \
                           or was detached from a Customer. It may not be used again. To use a PaymentMethod \
                           multiple times, you must attach it to a Customer first.";
            Err(ApiError::invalid(message).param("payment_method"))
        }
        (None, _) => Ok(()),
    }
}

/// Keeps what was used: for the customer when that was asked for, and else for no second use.
pub(super) fn after_use(work: &mut Work, id: &str, usage: Option<&str>, customer: Option<&str>) {
    match (usage, customer) {
        (Some(usage), Some(customer)) => attach(work, id, customer, usage == "off_session"),
        _ => {
            if let Some(method) = work.state.payment_methods.get_mut(id) {
                method.spent = method.customer.is_none();
            }
        }
    }
}

/// Makes a method the customer's, good for payments without them when it was `set_up` so.
pub(super) fn attach(work: &mut Work, id: &str, customer: &str, set_up: bool) {
    let Some(method) = work.state.payment_methods.get_mut(id) else { return };
    method.set_up |= set_up;
    if method.customer.is_some() {
        return;
    }
    method.customer = Some(customer.to_owned());
    let (object, account) = (render::payment_method(method), method.account.clone());
    emit(work, "payment_method.attached", object, account.as_deref());
}

fn keep(work: &mut Work, means: Means, mut address: Address) -> String {
    address.retain(|name, value| ADDRESS.contains(&name.as_str()) && !value.is_empty());
    let id = format!("pm_{}", random::letters(24));
    work.state.payment_methods.add(PaymentMethod {
        id: id.clone(),
        created: work.now,
        account: work.origin.account.clone(),
        means,
        address,
        customer: None,
        set_up: false,
        spent: false,
    });
    id
}

fn read(form: &Form, within: &str) -> Result<Means, ApiError> {
    let name = |part: &str, rest: &str| match within {
        "" => format!("{part}{rest}"),
        within => format!("{within}[{part}]{rest}"),
    };
    let kind = name("type", "");
    match form.required(&kind)? {
        "card" => {
            let number = name("card", "[number]");
            let digits: String =
                form.required(&number)?.chars().filter(|letter| !letter.is_whitespace()).collect();
            if !could_be_card(&digits) {
                return Err(ApiError::card(&decline("incorrect_number")).param(number));
            }
            // A number that is not for testing might be somebody's: it is declined, and only its end is kept.
            let known = TestCard::find(&digits).map(|card| card.number);
            Ok(Means::Card(known.unwrap_or(last_four(&digits)).to_owned()))
        }
        "sepa_debit" => {
            let iban = name("sepa_debit", "[iban]");
            let text: String =
                form.required(&iban)?.chars().filter(|letter| !letter.is_whitespace()).collect();
            let text = text.to_ascii_uppercase();
            if !TEST_IBANS.contains(&text.as_str()) {
                let message = "The IBAN you entered is invalid: it is not one of those for testing.";
                return Err(ApiError::invalid(message).code("invalid_bank_account_iban").param(iban));
            }
            Ok(Means::SepaDebit(text))
        }
        other => Err(unknown_kind(other, &kind)),
    }
}
