//! Paying an intent: the bank's answer and the 3-D Secure challenge.
//! Source: <https://docs.stripe.com/api/payment_intents/confirm>.

use super::api_error::ApiError;
use super::cards::{Course, Occasion, course, decline};
use super::events::{about_charge, about_intent};
use super::form::Form;
use super::settle::Circumstances;
use super::state::{ChargeStatus, Failure, Intent, IntentStatus};
use super::work::{Outcome, Work};
use super::{intents, payment_methods, render, settle, setup_intents, validate};

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
    /// The platform charges a card it kept, and its owner is not there.
    pub(super) off_session: bool,
    /// A challenge counts as a decline.
    error_on_requires_action: bool,
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
        let error_on_requires_action = form.boolean("error_on_requires_action")?.unwrap_or(false);
        Ok(Self { return_url, off_session, error_on_requires_action })
    }

    /// Who may be sent to another page must be able to come back, whatever the payment method.
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

/// `POST /v1/payment_intents/{id}/confirm`, by the platform or by a client with the intent's secret.
pub(super) fn confirm(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CONFIRM, payment_methods::PARAMETERS].concat())?;
    form.boolean("use_stripe_sdk")?;
    let intent = work.intent(id)?;
    let (status, object) = (intent.status, render::intent(intent));
    if work.origin.from_client {
        intents::check_secret(work, id, form)?;
    }
    let how = Attempt::read(form)?;
    let receipt_email = validate::email(form, "receipt_email")?;
    if !status.open() {
        let message = format!(
            "You cannot confirm this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be confirmed: requires_confirmation, requires_action, \
             requires_payment_method.",
            status.name()
        );
        let object = if work.origin.from_client { render::for_client(object) } else { object };
        return Err(ApiError::unexpected_state(message, object));
    }
    intents::check_accounts(work.state, work.intent(id)?)?;
    let (customer, kinds) = (work.intent(id)?.customer.clone(), work.intent(id)?.kinds.clone());
    let method = payment_methods::given(work, form, customer.as_deref(), &kinds)?;
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

/// What the bank says to the intent's payment method.
fn bank_says(work: &Work, intent: &Intent, present: bool) -> Result<(String, Course), ApiError> {
    let id = intent.payment_method.as_deref().ok_or_else(needs_payment_method)?;
    let method = work.state.payment_methods.get(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
    payment_methods::usable(method, intent.customer.as_deref())?;
    let occasion = Occasion::Payment { present, set_up: method.set_up };
    Ok((method.id.clone(), course(&method.means, occasion)))
}

/// Asks the bank of the intent's payment method.
pub(super) fn attempt(work: &mut Work, id: &str, how: Attempt) -> Outcome {
    let intent = work.intent(id)?.clone();
    let (method, course) = bank_says(work, &intent, !how.off_session)?;
    let circumstances = Circumstances { authenticated: false, merchant_initiated: how.off_session };
    match course {
        Course::Approved => {
            let charge = settle::new_charge(work, &intent, &method, circumstances);
            settle::approve(work, charge);
        }
        Course::Declined(failure) => return Err(refuse(work, id, &failure, Some(circumstances))),
        Course::Challenge(_) if how.off_session || how.error_on_requires_action => {
            return Err(refuse(work, id, &decline("authentication_required"), Some(circumstances)));
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
            let charge = settle::new_charge(work, &intent, &method, circumstances);
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

/// Records a refusal: the intent needs another means of payment. `by_bank` tells how the bank was asked;
/// nobody asked it when a challenge was not passed, and then there is no charge.
fn refuse(work: &mut Work, id: &str, failure: &Failure, by_bank: Option<Circumstances>) -> ApiError {
    let Ok(intent) = work.intent(id).cloned() else { return ApiError::internal("The intent is gone.") };
    let method = intent.payment_method.clone().unwrap_or_default();
    let charge_id = by_bank.map(|how| {
        let pending = intent.latest_charge.as_deref().and_then(|charge| work.state.charges.get(charge));
        let pending = pending.filter(|charge| charge.status == ChargeStatus::Pending).cloned();
        let charge = pending.unwrap_or_else(|| settle::new_charge(work, &intent, &method, how));
        let id = charge.id.clone();
        settle::refuse(work, charge, failure);
        id
    });
    let rendered = work.state.payment_methods.get(&method).map(render::payment_method);
    let mut error = ApiError::card(failure).charge(charge_id.as_deref()).payment_method(rendered);
    if by_bank.is_none() {
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

/// Passes or fails the challenge that a payment, or a setup, waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approve: bool) -> Outcome {
    if id.starts_with("seti_") {
        return setup_intents::authenticate(work, id, approve);
    }
    act_for_owner(work, id)?;
    let intent = work.intent(id)?.clone();
    if intent.status != IntentStatus::RequiresAction {
        let message = format!(
            "This PaymentIntent waits for no authentication: its status is {}.",
            intent.status.name()
        );
        return Err(ApiError::unexpected_state(message, render::intent(&intent)));
    }
    if !approve {
        return Err(refuse(work, id, &decline("authentication_failure"), None));
    }
    let circumstances = Circumstances { authenticated: true, merchant_initiated: false };
    match bank_says(work, &intent, true)? {
        (_, Course::Challenge(Some(failure)) | Course::Declined(failure)) => {
            Err(refuse(work, id, &failure, Some(circumstances)))
        }
        (method, _) => {
            let charge = settle::new_charge(work, &intent, &method, circumstances);
            settle::approve(work, charge);
            intents::answer(work, id)
        }
    }
}

/// Pays, or saves a card, as a guest on the hosted page does.
pub(super) fn use_card(work: &mut Work, id: &str, number: &str, return_url: Option<&str>) -> Outcome {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("payment_method_data[type]", "card")
        .append_pair("payment_method_data[card][number]", number);
    if let Some(url) = return_url {
        body.append_pair("return_url", url);
    }
    let form = Form::parse(body.finish().as_bytes())?;
    if id.starts_with("seti_") {
        return setup_intents::save_card(work, id, &form);
    }
    act_for_owner(work, id)?;
    confirm(work, id, &form)
}

/// Lets a page act on the account the intent is on.
fn act_for_owner(work: &mut Work, id: &str) -> Result<(), ApiError> {
    let intent =
        work.state.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))?;
    work.origin.account = intent.account.clone();
    Ok(())
}

/// Ends a bank debit whose time has come: it settles, or bounces.
pub(super) fn settle_debit(work: &mut Work, id: &str) {
    if act_for_owner(work, id).is_err() {
        return;
    }
    let Some(intent) = work.state.intents.get(id).cloned() else { return };
    work.change_intent(id, |intent| intent.settles_at = None);
    let Some(charge) = intent.latest_charge.as_deref().and_then(|id| work.state.charges.get(id)).cloned()
    else {
        return;
    };
    match bank_says(work, &intent, false) {
        Ok((_, Course::Later(_, Some(failure)))) => {
            refuse(work, id, &failure, Some(Circumstances::default()));
        }
        _ => settle::approve(work, charge),
    }
}
