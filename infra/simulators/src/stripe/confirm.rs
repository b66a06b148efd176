//! Paying an intent: the means, the bank's answer, the 3-D Secure challenge, and what happens later by
//! itself. Source: <https://docs.stripe.com/api/payment_intents/confirm>.

use super::api_error::ApiError;
use super::cards::{Course, TEST_IBANS, TestCard, could_be_card, course, decline, last_four};
use super::events::{about_charge, about_intent};
use super::form::Form;
use super::state::{ChargeStatus, Failure, IntentStatus, Means, PaymentMethod, State};
use super::work::{Outcome, Work};
use super::{intents, render, settle, validate};
use crate::random;

const CONFIRM: &[&str] = &[
    "client_secret",
    "error_on_requires_action",
    "expand[]",
    "key",
    "off_session",
    "receipt_email",
    "return_url",
    "use_stripe_sdk",
];

/// How an intent is paid.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt {
    return_url: Option<String>,
    /// Nobody is there to pass a challenge.
    nobody_there: bool,
}

impl Attempt {
    pub(super) fn read(form: &Form) -> Result<Self, ApiError> {
        let return_url =
            form.filled("return_url").map(|text| validate::url("return_url", text)).transpose()?;
        let off_session = match form.filled("off_session") {
            // The two words say why nobody is there.
            Some("one_off" | "recurring") => true,
            _ => form.boolean("off_session")?.unwrap_or(false),
        };
        let nobody_there = off_session || form.boolean("error_on_requires_action")?.unwrap_or(false);
        Ok(Self { return_url, nobody_there })
    }
}

/// `POST /v1/payment_intents/{id}/confirm`, by the platform or by a client with the intent's secret.
pub(super) fn confirm(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CONFIRM, intents::MEANS].concat())?;
    form.boolean("use_stripe_sdk")?;
    let intent = work.intent(id)?;
    let (status, object) = (intent.status, render::intent(work.state, intent));
    if work.origin.from_client {
        intents::check_secret(work, id, form)?;
    }
    let how = Attempt::read(form)?;
    let receipt_email = validate::email(form, "receipt_email")?;
    let open = matches!(
        status,
        IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
    );
    if !open {
        let message = format!(
            "You cannot confirm this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be confirmed: requires_confirmation, requires_action, \
             requires_payment_method.",
            status.name()
        );
        let object = if work.origin.from_client { render::for_client(object) } else { object };
        return Err(ApiError::unexpected_state(message, object));
    }
    let method = payment_method(work, form)?;
    if method.is_none() && work.intent(id)?.payment_method.is_none() {
        return Err(needs_payment_method());
    }
    work.change_intent(id, |intent| {
        intent.payment_method = method.or(intent.payment_method.take());
        intent.receipt_email = receipt_email.or(intent.receipt_email.take());
    });
    attempt(work, id, how)
}

pub(super) fn needs_payment_method() -> ApiError {
    let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can \
                   either update the PaymentIntent with a payment method and then confirm it again, or \
                   confirm it again directly with a payment method.";
    ApiError::invalid(message).code("payment_intent_unexpected_state")
}

/// `POST /v1/payment_methods`, as browsers do to keep card numbers away from servers.
pub(super) fn create_payment_method(work: &mut Work, form: &Form) -> Outcome {
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
    let means = read_means(form, "")?;
    let id = keep(work, means);
    let method = work.state.payment_methods.get(&id).ok_or_else(|| ApiError::internal("It was not kept."))?;
    Ok(render::payment_method(method))
}

/// The payment method the form names or describes; `None` when it does neither.
pub(super) fn payment_method(work: &mut Work, form: &Form) -> Result<Option<String>, ApiError> {
    if let Some(id) = form.filled("payment_method") {
        let own = work.state.payment_methods.get(id).filter(|method| method.account == work.origin.account);
        if own.is_some() {
            return Ok(Some(id.to_owned()));
        }
        let means = match TestCard::by_token(id) {
            Some(card) => Means::Card(card.number.to_owned()),
            None => return Err(ApiError::missing("PaymentMethod", id, "payment_method")),
        };
        return Ok(Some(keep(work, means)));
    }
    if form.filled("payment_method_data[type]").is_none() {
        return Ok(None);
    }
    let means = read_means(form, "payment_method_data")?;
    Ok(Some(keep(work, means)))
}

fn keep(work: &mut Work, means: Means) -> String {
    let id = format!("pm_{}", random::letters(24));
    let (created, account) = (work.now, work.origin.account.clone());
    work.state.payment_methods.add(PaymentMethod { id: id.clone(), created, account, means });
    id
}

fn read_means(form: &Form, within: &str) -> Result<Means, ApiError> {
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
        other => {
            let message =
                format!("This simulator knows the payment method types card and sepa_debit, not {other}.");
            Err(ApiError::invalid(message).param(kind))
        }
    }
}

/// Asks the bank of the intent's payment method.
pub(super) fn attempt(work: &mut Work, id: &str, how: Attempt) -> Outcome {
    let intent = work.intent(id)?.clone();
    let method = intent.payment_method.clone().ok_or_else(needs_payment_method)?;
    let means = work.state.payment_methods.get(&method).map(|method| method.means.clone());
    let means = means.ok_or_else(|| ApiError::missing("PaymentMethod", &method, "payment_method"))?;
    match course(&means) {
        Course::Approved => {
            let charge = settle::new_charge(work, &intent, &method, false);
            settle::approve(work, charge);
        }
        Course::Declined(failure) => return Err(refuse(work, id, &failure, true)),
        Course::Challenge(_) if how.nobody_there => {
            return Err(refuse(work, id, &decline("authentication_required"), true));
        }
        Course::Challenge(_) => {
            let url = work.page(&format!("3ds/{id}?client_secret={}", intent.client_secret));
            work.change_intent(id, |intent| {
                intent.status = IntentStatus::RequiresAction;
                intent.challenge_url = Some(url);
                intent.return_url = how.return_url;
                intent.last_payment_error = None;
            });
            about_intent(work, "payment_intent.requires_action", id);
        }
        Course::Later(..) if intent.capture_method == "manual" => {
            let message =
                "This payment method cannot be authorised first and captured later (capture_method=manual).";
            return Err(ApiError::invalid(message).param("payment_method"));
        }
        Course::Later(seconds, _) => {
            let charge = settle::new_charge(work, &intent, &method, false);
            let (charge_id, settles_at) = (charge.id.clone(), work.now + seconds);
            settle::keep(work, charge);
            work.change_intent(id, |intent| {
                intent.status = IntentStatus::Processing;
                intent.latest_charge = Some(charge_id.clone());
                intent.last_payment_error = None;
                intent.settles_at = Some(settles_at);
            });
            about_charge(work, "charge.pending", &charge_id);
            about_intent(work, "payment_intent.processing", id);
        }
    }
    intents::answer(work, id)
}

/// Records a refusal: the intent needs another means of payment. `by_bank` tells a decline from a challenge
/// that was not passed, for which no charge is made.
fn refuse(work: &mut Work, id: &str, failure: &Failure, by_bank: bool) -> ApiError {
    let Ok(intent) = work.intent(id).cloned() else { return ApiError::internal("The intent is gone.") };
    let method = intent.payment_method.clone().unwrap_or_default();
    let mut charge_id = None;
    if by_bank {
        let pending = intent.latest_charge.as_deref().and_then(|charge| work.state.charges.get(charge));
        let pending = pending.filter(|charge| charge.status == ChargeStatus::Pending).cloned();
        let charge = pending.unwrap_or_else(|| settle::new_charge(work, &intent, &method, false));
        charge_id = Some(charge.id.clone());
        settle::refuse(work, charge, failure);
    }
    let rendered = work.state.payment_methods.get(&method).map(render::payment_method);
    let mut error = ApiError::card(failure).charge(charge_id.as_deref()).payment_method(rendered);
    if !by_bank {
        error.status = 400;
    }
    let members = error.members();
    work.change_intent(id, |intent| {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.settles_at = None;
        intent.last_payment_error = Some(members);
        intent.latest_charge = charge_id.or(intent.latest_charge.take());
    });
    about_intent(work, "payment_intent.payment_failed", id);
    match intents::answer(work, id) {
        Ok(object) => error.payment_intent(object),
        Err(_) => error,
    }
}

/// Passes or fails the challenge an intent waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approve: bool) -> Outcome {
    act_for_owner(work, id)?;
    let intent = work.intent(id)?.clone();
    let (IntentStatus::RequiresAction, Some(method)) = (intent.status, intent.payment_method.clone()) else {
        let message = format!(
            "This PaymentIntent waits for no authentication: its status is {}.",
            intent.status.name()
        );
        return Err(ApiError::unexpected_state(message, render::intent(work.state, &intent)));
    };
    if !approve {
        return Err(refuse(work, id, &decline("authentication_failure"), false));
    }
    let means = work.state.payment_methods.get(&method).map(|method| method.means.clone());
    if let Some(Course::Challenge(Some(failure))) = means.as_ref().map(course) {
        return Err(refuse(work, id, &failure, true));
    }
    let charge = settle::new_charge(work, &intent, &method, true);
    settle::approve(work, charge);
    intents::answer(work, id)
}

/// Pays as a guest on the checkout page does.
pub(super) fn pay_with_card(work: &mut Work, id: &str, number: &str, return_url: Option<&str>) -> Outcome {
    act_for_owner(work, id)?;
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("payment_method_data[type]", "card")
        .append_pair("payment_method_data[card][number]", number);
    if let Some(url) = return_url {
        body.append_pair("return_url", url);
    }
    confirm(work, id, &Form::parse(body.finish().as_bytes())?)
}

/// Lets a page act on the account the intent is on.
fn act_for_owner(work: &mut Work, id: &str) -> Result<(), ApiError> {
    let intent =
        work.state.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))?;
    work.origin.account = intent.account.clone();
    Ok(())
}

/// Whether something comes to its end by itself now.
pub(super) fn anything_due(state: &State, now: i64) -> bool {
    next_due(state, now).is_some()
}

/// An intent whose time has come, and what it is time for.
fn next_due(state: &State, now: i64) -> Option<String> {
    let due = state.intents.iter().find(|intent| match intent.status {
        IntentStatus::Processing => intent.settles_at.is_some_and(|at| at <= now),
        IntentStatus::RequiresCapture => {
            let charge = intent.latest_charge.as_deref().and_then(|id| state.charges.get(id));
            charge.and_then(|charge| charge.capture_before).is_some_and(|at| at <= now)
        }
        _ => false,
    });
    due.map(|intent| intent.id.clone())
}

/// Ends the payments whose time has come: debits settle or bounce, authorisations run out.
pub(super) fn pass_time(work: &mut Work) {
    while let Some(id) = next_due(work.state, work.now) {
        if act_for_owner(work, &id).is_err() {
            return;
        }
        let Some(intent) = work.state.intents.get(&id).cloned() else { return };
        let charge =
            intent.latest_charge.as_deref().and_then(|charge| work.state.charges.get(charge)).cloned();
        let Some(charge) = charge else { return };
        if intent.status == IntentStatus::RequiresCapture {
            about_charge(work, "charge.expired", &charge.id);
            intents::end(work, &id, Some("automatic".to_owned()));
            continue;
        }
        let means = work.state.payment_methods.get(&charge.payment_method).map(|method| method.means.clone());
        match means.as_ref().map(course) {
            Some(Course::Later(_, Some(failure))) => {
                refuse(work, &id, &failure, true);
            }
            _ => settle::approve(work, charge),
        }
    }
}
