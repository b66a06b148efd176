//! Setup intents: consent to off-session payments. Source: <https://docs.stripe.com/payments/setup-intents>.

use super::confirm::{self, Attempt};
use super::prelude::*;

const CREATE: &str = "allowed_payment_method_types[] automatic_payment_methods[allow_redirects] \
    automatic_payment_methods[enabled] confirm customer description expand[] metadata metadata[*] return_url usage";

/// `POST /v1/setup_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS])?;
    let attempt = Attempt::of_creation(form)?;
    let id = format!("seti_{}", random::letters(24));
    let mut intent = SetupIntent {
        core: IntentCore::read(work, form, &id)?,
        id: id.clone(),
        usage: form
            .word("usage", &["off_session", "on_session"])?
            .unwrap_or_else(|| "off_session".to_owned()),
        allowed_payment_method_types: payment_methods::allowed_types(form)?,
    };
    confirm::prepare(work, IntentKind::Setup, form, &mut intent.core, attempt.as_ref())?;
    work.state.setup_intents.add(intent);
    confirm::begin(work, IntentKind::Setup, &id, attempt)
}

/// Saves the card of a setup intent that the bank approved.
pub(super) fn succeed(work: &mut Work, id: &str, method: &str) {
    let Some(intent) = work.state.setup_intents.get(id) else { return };
    let off_session = intent.usage == "off_session";
    match intent.core.customer.clone() {
        Some(customer) => payment_methods::attach(work, method, &customer, off_session),
        None => payment_methods::spend(work, method),
    }
    work.state.change_intent(id, |intent| intent.status = IntentStatus::Succeeded);
    about(work, "setup_intent.succeeded", id);
}
