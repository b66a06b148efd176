//! Payment intents: created and captured. `confirm` pays and cancels them.
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>.

use super::confirm::{self, Attempt};
use super::prelude::*;

const CREATE: &str = "allowed_payment_method_types[] amount application_fee_amount \
    automatic_payment_methods[allow_redirects] \
    automatic_payment_methods[enabled] capture_method confirm currency customer description expand[] metadata \
    metadata[*] off_session return_url transfer_data[destination] transfer_group";

const CAPTURE: &str = "amount_to_capture application_fee_amount expand[] metadata metadata[*]";

/// `POST /v1/payment_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS])?;
    form.required("amount")?;
    let currency = validate::currency(form.required("currency")?)?;
    let amount = validate::amount(form.integer("amount")?.unwrap_or(0), &currency)?;
    let attempt = Attempt::of_creation(form)?;
    let capture_methods = ["automatic", "automatic_async", "manual"];
    let id = format!("pi_{}", random::letters(24));
    let mut intent = Intent {
        core: IntentCore::read(work, form, &id)?,
        id: id.clone(),
        allowed_payment_method_types: payment_methods::allowed_types(form)?,
        amount,
        currency,
        capture_method: form
            .word("capture_method", &capture_methods)?
            .unwrap_or_else(|| "automatic_async".to_owned()),
        application_fee_amount: form.integer("application_fee_amount")?,
        destination: form.owned("transfer_data[destination]"),
        transfer_group: form.owned("transfer_group"),
        latest_charge: None,
        canceled_at: None,
        amount_received: 0,
        amount_capturable: 0,
    };
    // Without this parameter it depends on settings in the dashboard, which are not simulated.
    let any_method = form.flag("automatic_payment_methods[enabled]")?;
    if any_method && intent.core.automatic.allow_redirects == "always" {
        attempt.as_ref().map_or(Ok(()), Attempt::check_return)?;
    }
    check_fee(&intent, intent.application_fee_amount, amount)?;
    check_destination(work.state, &intent)?;
    confirm::prepare(work, IntentKind::Payment, form, &mut intent.core, attempt.as_ref())?;
    work.state.intents.add(intent);
    confirm::begin(work, IntentKind::Payment, &id, attempt)
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

/// `POST /v1/payment_intents/{id}/capture`.
pub(super) fn capture(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CAPTURE])?;
    let intent = work.payment_intent(id)?.clone();
    let (Some(charge), IntentStatus::RequiresCapture) = (&intent.latest_charge, intent.core.status) else {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent \
             with one of the following statuses may be captured: requires_capture.",
            name(intent.core.status)
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
    let metadata = validate::merged_metadata(form, &intent.core.metadata)?;
    work.state.intents.change(id, |intent| {
        intent.application_fee_amount = fee;
        intent.core.metadata = metadata;
    });
    settle::take(work, charge, amount, fee, "charge.captured");
    confirm::respond(work, IntentKind::Payment, id)
}
