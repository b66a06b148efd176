//! Payment intents: created, captured and cancelled. `confirm` pays them.
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>.

use super::api_error::ApiError;
use super::events::about;
use super::form::Form;
use super::state::{Intent, IntentStatus, State, name};
use super::work::{Outcome, Work};
use super::{accounts, auth, confirm, customers, payment_methods, render, settle, validate};
use crate::random;

const CREATE: &str = "amount application_fee_amount automatic_payment_methods[allow_redirects] \
    automatic_payment_methods[enabled] capture_method confirm currency customer description expand[] metadata \
    metadata[*] off_session return_url transfer_data[destination] transfer_group";

const CAPTURE: &str = "amount_to_capture application_fee_amount expand[] metadata metadata[*]";

/// `POST /v1/payment_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS])?;
    form.required("amount")?;
    let currency = validate::currency(form.required("currency")?)?;
    let amount = validate::amount(form.integer("amount")?.unwrap_or(0), &currency)?;
    let attempt = confirm::Attempt::read(form)?;
    let confirm_now = form.flag("confirm")?;
    let of_confirmation = ["return_url", "off_session"];
    if let Some(name) = of_confirmation.into_iter().find(|name| !confirm_now && form.filled(name).is_some()) {
        let message = format!("The parameter `{name}` may be set only when confirm=true.");
        return Err(ApiError::invalid(message).param(name));
    }
    let capture_methods = ["automatic", "automatic_async", "manual"];
    let id = format!("pi_{}", random::letters(24));
    let mut intent = Intent {
        client_secret: format!("{id}_secret_{}", random::letters(25)),
        id: id.clone(),
        amount,
        currency,
        status: IntentStatus::RequiresPaymentMethod,
        customer: customers::named(work, form)?,
        capture_method: form
            .word("capture_method", &capture_methods)?
            .unwrap_or_else(|| "automatic_async".to_owned()),
        application_fee_amount: form.integer("application_fee_amount")?,
        destination: form.owned("transfer_data[destination]"),
        transfer_group: form.owned("transfer_group"),
        description: form.owned("description"),
        automatic: payment_methods::automatic(form)?,
        metadata: validate::metadata(form)?,
        payment_method: None,
        latest_charge: None,
        last_payment_error: None,
        return_url: None,
        challenge_url: None,
        created: work.now,
        canceled_at: None,
        cancellation_reason: None,
        amount_received: 0,
        amount_capturable: 0,
    };
    // Without this parameter it depends on settings in the dashboard, which are not simulated.
    let any_method = form.flag("automatic_payment_methods[enabled]")?;
    if confirm_now && any_method && intent.automatic.allow_redirects == "always" {
        attempt.check_return()?;
    }
    check_fee(&intent, intent.application_fee_amount, amount)?;
    check_destination(work.state, &intent)?;
    intent.payment_method = payment_methods::given(work, form, intent.customer.as_deref())?;
    if intent.payment_method.is_some() {
        intent.status = IntentStatus::RequiresConfirmation;
    } else if confirm_now {
        return Err(confirm::needs_payment_method());
    }
    work.state.intents.add(intent);
    about(work, "payment_intent.created", &id);
    if confirm_now { confirm::attempt(work, &id, attempt) } else { respond(work, &id) }
}

/// Checks that the application fee is a part of the amount, and comes with a destination.
fn check_fee(intent: &Intent, fee: Option<i64>, amount: i64) -> Result<(), ApiError> {
    validate::part("application_fee_amount", fee, amount, &intent.currency)?;
    if fee.is_some() && intent.destination.is_none() {
        let message = "Can only apply an application_fee_amount when the PaymentIntent is attempting a \
                       direct payment (using an OAuth key or Stripe-Account header) or destination payment \
                       (using `transfer_data[destination]`).";
        return Err(ApiError::invalid(message).param("application_fee_amount"));
    }
    Ok(())
}

/// Refuses an intent whose destination cannot receive transfers.
pub(super) fn check_destination(state: &State, intent: &Intent) -> Result<(), ApiError> {
    match &intent.destination {
        Some(id) => accounts::receiver(state, id, "transfer_data[destination]").map(|_| ()),
        None => Ok(()),
    }
}

/// `GET /v1/payment_intents/{id}`. A browser needs the client secret.
pub(super) fn retrieve(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["client_secret expand[]", if work.caller.browser { "key" } else { "" }])?;
    if work.caller.browser {
        let code = "payment_intent_invalid_parameter";
        auth::check_client_secret(&work.intent(id)?.client_secret, form, "PaymentIntent", code)?;
    }
    respond(work, id)
}

/// `POST /v1/payment_intents/{id}/capture`.
pub(super) fn capture(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CAPTURE])?;
    let intent = work.intent(id)?.clone();
    let (Some(charge), IntentStatus::RequiresCapture) = (&intent.latest_charge, intent.status) else {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent \
             with one of the following statuses may be captured: requires_capture.",
            name(intent.status)
        );
        return Err(ApiError::unexpected_state(message, "payment_intent", render::intent(&intent)));
    };
    let amount = form.integer("amount_to_capture")?.unwrap_or(intent.amount_capturable);
    if amount < 1 {
        return Err(validate::not_positive("amount_to_capture"));
    }
    if amount > intent.amount_capturable {
        let message = format!(
            "The amount_to_capture ({amount}) is greater than the capturable amount of this payment ({}).",
            intent.amount_capturable
        );
        return Err(ApiError::invalid(message).code("amount_too_large").param("amount_to_capture"));
    }
    validate::whole("amount_to_capture", amount, &intent.currency)?;
    if let Some(id) = &intent.destination {
        // An account that has revoked access since the authorization cannot be paid any more.
        accounts::find(work.state, id, "transfer_data[destination]")?;
    }
    let given = form.integer("application_fee_amount")?;
    let fee = given.or(intent.application_fee_amount.map(|fee| fee.min(amount)));
    check_fee(&intent, fee, amount)?;
    let metadata = validate::merged_metadata(form, &intent.metadata)?;
    work.state.intents.change(id, |intent| {
        intent.application_fee_amount = fee;
        intent.metadata = metadata;
    });
    settle::take(work, charge, amount, fee, "charge.captured");
    respond(work, id)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub(super) fn cancel(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["cancellation_reason expand[]"])?;
    let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let reason = form.word("cancellation_reason", &reasons)?;
    let intent = work.intent(id)?;
    if matches!(intent.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be canceled: requires_payment_method, requires_capture, \
             requires_confirmation, requires_action.",
            name(intent.status)
        );
        return Err(ApiError::unexpected_state(message, "payment_intent", render::intent(intent)));
    }
    end(work, id, reason, false);
    respond(work, id)
}

/// Expires an authorization.
pub(super) fn expire(work: &mut Work, id: &str) {
    end(work, id, Some("expired".to_owned()), true);
}

/// Cancels an intent, and releases its authorization, which moves no money and is no refund. `expired` says that
/// nobody asked for it. Source:
/// <https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow>.
fn end(work: &mut Work, id: &str, reason: Option<String>, expired: bool) {
    let now = work.now;
    let mut authorized = None;
    work.state.intents.change(id, |intent| {
        if intent.status == IntentStatus::RequiresCapture {
            authorized = intent.latest_charge.clone();
        }
        intent.status = IntentStatus::Canceled;
        intent.canceled_at = Some(now);
        intent.cancellation_reason = reason;
        intent.amount_capturable = 0;
    });
    if let Some(charge) = authorized {
        work.state.charges.change(&charge, |charge| charge.capture_before = None);
        if expired {
            about(work, "charge.expired", &charge);
        }
    }
    about(work, "payment_intent.canceled", id);
}

/// The intent as the caller may see it.
pub(super) fn respond(work: &Work, id: &str) -> Outcome {
    let object = render::intent(work.intent(id)?);
    Ok(if work.caller.browser { render::for_client(object) } else { object })
}
