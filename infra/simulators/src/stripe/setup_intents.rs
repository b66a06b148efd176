//! Setup intents: consent to off-session payments. Source: <https://docs.stripe.com/payments/setup-intents>.

use super::api_error::ApiError;
use super::cards::{Occasion, Verdict, ask_bank, decline};
use super::events::about;
use super::form::Form;
use super::state::{Failure, IntentStatus, SetupIntent, name};
use super::work::{Outcome, Work};
use super::{auth, customers, payment_methods, render, validate};
use crate::random;

const CREATE: &str = "allowed_payment_method_types[] automatic_payment_methods[allow_redirects] \
    automatic_payment_methods[enabled] confirm customer description expand[] metadata metadata[*] return_url usage";

const CONFIRM: &str = "client_secret expand[] key return_url use_stripe_sdk";

/// `POST /v1/setup_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS])?;
    let return_url = validate::optional_url(form, "return_url")?;
    let confirm_now = form.flag("confirm")?;
    if !confirm_now && return_url.is_some() {
        let message = "The parameter `return_url` may be set only when confirm=true.";
        return Err(ApiError::invalid(message).param("return_url"));
    }
    let id = format!("seti_{}", random::letters(24));
    let mut intent = SetupIntent {
        client_secret: format!("{id}_secret_{}", random::letters(32)),
        id: id.clone(),
        customer: customers::named(work, form)?,
        status: IntentStatus::RequiresPaymentMethod,
        usage: form
            .word("usage", &["off_session", "on_session"])?
            .unwrap_or_else(|| "off_session".to_owned()),
        automatic: payment_methods::automatic(form)?,
        allowed_payment_method_types: payment_methods::allowed_types(form)?,
        description: form.owned("description"),
        metadata: validate::metadata(form)?,
        payment_method: None,
        last_setup_error: None,
        return_url: None,
        challenge_url: None,
        created: work.now,
        cancellation_reason: None,
    };
    intent.payment_method = payment_methods::given(work, form, intent.customer.as_deref())?;
    if intent.payment_method.is_some() {
        intent.status = IntentStatus::RequiresConfirmation;
    } else if confirm_now {
        return Err(needs_payment_method());
    }
    work.state.setup_intents.add(intent);
    about(work, "setup_intent.created", &id);
    if confirm_now { attempt(work, &id, return_url) } else { respond(work, &id) }
}

fn needs_payment_method() -> ApiError {
    let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the \
                   SetupIntent with a payment method and then confirm it again.";
    ApiError::invalid(message).code("setup_intent_unexpected_state")
}

fn find<'a>(work: &'a Work, id: &str) -> Result<&'a SetupIntent, ApiError> {
    work.state.setup_intents.get(id).ok_or_else(|| ApiError::missing("setup_intent", id, "intent"))
}

fn check_secret(work: &Work, id: &str, form: &Form) -> Result<(), ApiError> {
    let code = "setup_intent_invalid_parameter";
    auth::check_client_secret(&find(work, id)?.client_secret, form, "SetupIntent", code)
}

/// `GET /v1/setup_intents/{id}`. A browser needs the client secret.
pub(super) fn retrieve(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["client_secret expand[]", if work.caller.browser { "key" } else { "" }])?;
    if work.caller.browser {
        check_secret(work, id, form)?;
    }
    respond(work, id)
}

/// `POST /v1/setup_intents/{id}/confirm`, by the platform or by a browser with the client secret.
pub(super) fn confirm(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CONFIRM, payment_methods::PARAMETERS])?;
    form.flag("use_stripe_sdk")?;
    let intent = find(work, id)?.clone();
    if work.caller.browser {
        check_secret(work, id, form)?;
    }
    let return_url = validate::optional_url(form, "return_url")?;
    if !intent.status.open() {
        return Err(unexpected(work, &intent, "confirm"));
    }
    let method = payment_methods::given(work, form, intent.customer.as_deref())?;
    if method.is_none() && intent.payment_method.is_none() {
        return Err(needs_payment_method());
    }
    work.state.setup_intents.change(id, |intent| {
        intent.payment_method = method.or(intent.payment_method.take());
    });
    attempt(work, id, return_url)
}

fn unexpected(work: &Work, intent: &SetupIntent, verb: &str) -> ApiError {
    let message = format!(
        "You cannot {verb} this SetupIntent because it has a status of {}. Only a SetupIntent with one of the \
         following statuses may be {verb}ed: requires_payment_method, requires_confirmation, requires_action.",
        name(intent.status)
    );
    let object = respond(work, &intent.id).unwrap_or_default();
    ApiError::unexpected_state(message, "setup_intent", object)
}

/// Asks the bank of the setup intent's payment method. The owner is present.
fn attempt(work: &mut Work, id: &str, return_url: Option<String>) -> Outcome {
    match verdict(work, id)? {
        Verdict::Approved => succeed(work, id),
        Verdict::Declined(failure) => Err(refuse(work, id, &failure, 402)),
        Verdict::Challenge(_) => {
            let url = work.address(&format!("3ds/{id}?client_secret={}", find(work, id)?.client_secret));
            work.state.setup_intents.change(id, |intent| {
                intent.status = IntentStatus::RequiresAction;
                intent.challenge_url = Some(url);
                intent.return_url = return_url;
                intent.last_setup_error = None;
            });
            about(work, "setup_intent.requires_action", id);
            respond(work, id)
        }
    }
}

fn verdict(work: &Work, id: &str) -> Result<Verdict, ApiError> {
    let method = find(work, id)?.payment_method.as_deref().ok_or_else(needs_payment_method)?;
    let method = work.state.payment_methods.get(method);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
    Ok(ask_bank(&method.card_number, Occasion::SettingUp))
}

fn succeed(work: &mut Work, id: &str) -> Outcome {
    let intent = find(work, id)?.clone();
    let method = intent.payment_method.as_deref().unwrap_or_default();
    match intent.customer.as_deref() {
        Some(customer) => payment_methods::attach(work, method, customer, intent.usage == "off_session"),
        None => payment_methods::spend(work, method),
    }
    work.state.setup_intents.change(id, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.last_setup_error = None;
    });
    about(work, "setup_intent.succeeded", id);
    respond(work, id)
}

/// Records a refusal, after which the setup intent needs another payment method.
fn refuse(work: &mut Work, id: &str, failure: &Failure, status: u16) -> ApiError {
    let method = work.state.setup_intents.get(id).and_then(|intent| intent.payment_method.clone());
    let mut error = ApiError::card(failure);
    error.status = status;
    if let Some(method) = method.and_then(|method| render::any(work.state, &method)) {
        error = error.with("payment_method", method);
    }
    let members = error.members();
    work.state.setup_intents.change(id, |intent| {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_setup_error = Some(members);
    });
    about(work, "setup_intent.setup_failed", id);
    match respond(work, id) {
        Ok(object) => error.with("setup_intent", object),
        Err(_) => error,
    }
}

/// Passes or fails the challenge that a setup intent waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approve: bool) -> Outcome {
    let intent = find(work, id)?;
    if intent.status != IntentStatus::RequiresAction {
        let status = name(intent.status);
        let message = format!("This SetupIntent waits for no authentication: its status is {status}.");
        return Err(ApiError::invalid(message).code("setup_intent_unexpected_state"));
    }
    if !approve {
        return Err(refuse(work, id, &decline("setup_intent_authentication_failure"), 400));
    }
    match verdict(work, id)? {
        Verdict::Challenge(Some(failure)) => Err(refuse(work, id, &failure, 402)),
        _ => succeed(work, id),
    }
}

/// `POST /v1/setup_intents/{id}/cancel`.
pub(super) fn cancel(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["cancellation_reason expand[]"])?;
    let reason = form.word("cancellation_reason", &["abandoned", "duplicate", "requested_by_customer"])?;
    let intent = find(work, id)?;
    if !intent.status.open() {
        return Err(unexpected(work, intent, "cancel"));
    }
    work.state.setup_intents.change(id, |intent| {
        intent.status = IntentStatus::Canceled;
        intent.cancellation_reason = reason;
    });
    about(work, "setup_intent.canceled", id);
    respond(work, id)
}

/// The setup intent as the caller may see it.
fn respond(work: &Work, id: &str) -> Outcome {
    let object = render::setup_intent(find(work, id)?);
    Ok(if work.caller.browser { render::for_client(object) } else { object })
}
