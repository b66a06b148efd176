//! Confirming a payment intent: the bank's response and the 3-D Secure challenge.
//! Source: <https://docs.stripe.com/api/payment_intents/confirm>.

use super::api_error::ApiError;
use super::cards::{Occasion, Verdict, ask_bank, decline};
use super::events::about;
use super::form::Form;
use super::settle::Circumstances;
use super::state::{Failure, Intent, IntentStatus, name};
use super::work::{Outcome, Work};
use super::{auth, intents, payment_methods, render, settle, setup_intents, validate};

const CONFIRM: &str = "client_secret expand[] key off_session return_url use_stripe_sdk";

/// How an intent is confirmed.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt {
    return_url: Option<String>,
    /// The platform charges a saved card whose owner is not present.
    pub(super) off_session: bool,
}

impl Attempt {
    pub(super) fn read(form: &Form) -> Result<Self, ApiError> {
        let off_session = match form.filled("off_session") {
            // These words say why the owner is not present.
            Some("one_off" | "recurring") => true,
            _ => form.flag("off_session")?,
        };
        Ok(Self { return_url: validate::optional_url(form, "return_url")?, off_session })
    }

    /// Refuses a confirmation without an address to return to from the redirect that a payment method may need,
    /// whatever the payment method.
    /// Source: <https://docs.stripe.com/api/payment_intents/create#create_payment_intent-return_url>.
    pub(super) fn check_return(&self) -> Result<(), ApiError> {
        if self.return_url.is_some() {
            return Ok(());
        }
        let message = "This PaymentIntent accepts payment methods that redirect. Provide a return_url, or set \
                       automatic_payment_methods[allow_redirects]=never.";
        Err(ApiError::invalid(message).param("return_url"))
    }
}

/// `POST /v1/payment_intents/{id}/confirm`, by the platform or by a browser with the client secret.
pub(super) fn confirm(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CONFIRM, payment_methods::PARAMETERS])?;
    form.flag("use_stripe_sdk")?;
    let intent = work.intent(id)?.clone();
    if work.caller.browser {
        let code = "payment_intent_invalid_parameter";
        auth::check_client_secret(&intent.client_secret, form, "PaymentIntent", code)?;
    }
    let attempt = Attempt::read(form)?;
    if !intent.status.open() {
        let message = format!(
            "You cannot confirm this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be confirmed: requires_confirmation, requires_action, \
             requires_payment_method.",
            name(intent.status)
        );
        return Err(ApiError::unexpected_state(message, "payment_intent", intents::respond(work, id)?));
    }
    intents::check_destination(work.state, &intent)?;
    let method = payment_methods::given(work, form, intent.customer.as_deref())?;
    if method.is_none() && intent.payment_method.is_none() {
        return Err(needs_payment_method());
    }
    work.state.intents.change(id, |intent| intent.payment_method = method.or(intent.payment_method.take()));
    self::attempt(work, id, attempt)
}

pub(super) fn needs_payment_method() -> ApiError {
    let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can \
                   either update the PaymentIntent with a payment method and then confirm it again, or \
                   confirm it again directly with a payment method.";
    ApiError::invalid(message).code("payment_intent_unexpected_state")
}

/// The bank's response about the intent's payment method, and the id of the method.
fn verdict(work: &Work, intent: &Intent, present: bool) -> Result<(String, Verdict), ApiError> {
    let id = intent.payment_method.as_deref().ok_or_else(needs_payment_method)?;
    let method = work.state.payment_methods.get(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
    payment_methods::usable(method, intent.customer.as_deref())?;
    let occasion = Occasion::Payment { present, set_up: method.set_up };
    Ok((method.id.clone(), ask_bank(&method.card_number, occasion)))
}

/// Asks the bank of the intent's payment method.
pub(super) fn attempt(work: &mut Work, id: &str, attempt: Attempt) -> Outcome {
    let intent = work.intent(id)?.clone();
    let (method, verdict) = verdict(work, &intent, !attempt.off_session)?;
    let circumstances = Circumstances { authenticated: false, off_session: attempt.off_session };
    match verdict {
        Verdict::Approved => settle::approve(work, &intent, &method, circumstances),
        Verdict::Declined(failure) => return Err(refuse(work, id, &failure, Some(circumstances))),
        Verdict::Challenge(_) if attempt.off_session => {
            return Err(refuse(work, id, &decline("authentication_required"), Some(circumstances)));
        }
        Verdict::Challenge(_) => {
            let url = work.address(&format!("3ds/{id}?client_secret={}", intent.client_secret));
            work.state.intents.change(id, |intent| {
                intent.status = IntentStatus::RequiresAction;
                intent.challenge_url = Some(url);
                intent.return_url = attempt.return_url;
                intent.last_payment_error = None;
            });
            about(work, "payment_intent.requires_action", id);
        }
    }
    intents::respond(work, id)
}

/// Records a refusal, after which the intent needs another payment method. There is a charge only when the bank
/// was asked, under these `circumstances`, and not when the guest failed a challenge.
fn refuse(work: &mut Work, id: &str, failure: &Failure, circumstances: Option<Circumstances>) -> ApiError {
    let Ok(intent) = work.intent(id).cloned() else { return ApiError::internal("The intent is gone.") };
    let method = intent.payment_method.clone().unwrap_or_default();
    let charge = circumstances.map(|how| settle::refuse(work, &intent, &method, how, failure));
    let mut error = ApiError::card(failure);
    if let Some(charge) = &charge {
        error = error.with("charge", charge.as_str());
    } else {
        error.status = 400;
    }
    if let Some(method) = work.state.payment_methods.get(&method) {
        error = error.with("payment_method", render::payment_method(method));
    }
    let members = error.members();
    work.state.intents.change(id, |intent| {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_payment_error = Some(members);
        intent.latest_charge = charge.or(intent.latest_charge.take());
    });
    about(work, "payment_intent.payment_failed", id);
    match intents::respond(work, id) {
        Ok(object) => error.with("payment_intent", object),
        Err(_) => error,
    }
}

/// Passes or fails the challenge that a payment or setup intent waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approve: bool) -> Outcome {
    if id.starts_with("seti_") {
        return setup_intents::authenticate(work, id, approve);
    }
    let intent = work.intent(id)?.clone();
    if intent.status != IntentStatus::RequiresAction {
        let status = name(intent.status);
        let message = format!("This PaymentIntent waits for no authentication: its status is {status}.");
        return Err(ApiError::unexpected_state(message, "payment_intent", render::intent(&intent)));
    }
    if !approve {
        return Err(refuse(work, id, &decline("payment_intent_authentication_failure"), None));
    }
    let circumstances = Circumstances { authenticated: true, off_session: false };
    match verdict(work, &intent, true)? {
        (_, Verdict::Challenge(Some(failure)) | Verdict::Declined(failure)) => {
            Err(refuse(work, id, &failure, Some(circumstances)))
        }
        (method, _) => {
            settle::approve(work, &intent, &method, circumstances);
            intents::respond(work, id)
        }
    }
}

/// Pays, or saves a card, as a guest on the hosted page does.
pub(super) fn use_card(work: &mut Work, id: &str, number: &str, return_url: Option<&str>) -> Outcome {
    let form = Form::of(
        [("payment_method_data[type]", "card"), ("payment_method_data[card][number]", number)]
            .into_iter()
            .chain(return_url.map(|url| ("return_url", url))),
    );
    if id.starts_with("seti_") { setup_intents::confirm(work, id, &form) } else { confirm(work, id, &form) }
}
