//! Payment intents: made, changed, captured, cancelled. `confirm` pays them.
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>.

use super::api_error::ApiError;
use super::events::{about_charge, about_intent};
use super::form::Form;
use super::state::{Intent, IntentStatus, State};
use super::work::{Outcome, Work};
use super::{accounts, confirm, customers, payment_methods, render, secrets, settle, validate};
use crate::random;

const CREATE: &[&str] = &[
    "allowed_payment_method_types[]",
    "amount",
    "application_fee_amount",
    "automatic_payment_methods[allow_redirects]",
    "automatic_payment_methods[enabled]",
    "capture_method",
    "confirm",
    "confirmation_method",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "excluded_payment_method_types[]",
    "expand[]",
    "metadata",
    "metadata[*]",
    "off_session",
    "on_behalf_of",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data[amount]",
    "transfer_data[destination]",
    "transfer_group",
];

const UPDATE: &[&str] = &[
    "amount",
    "application_fee_amount",
    "capture_method",
    "currency",
    "description",
    "expand[]",
    "metadata",
    "metadata[*]",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data[amount]",
    "transfer_group",
];

const CAPTURE: &[&str] = &[
    "amount_to_capture",
    "application_fee_amount",
    "expand[]",
    "metadata",
    "metadata[*]",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data[amount]",
];

const CAPTURE_METHODS: &[&str] = &["automatic", "automatic_async", "manual"];

/// `POST /v1/payment_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS].concat())?;
    form.required("amount")?;
    let currency = validate::currency(form.required("currency")?)?;
    let amount = validate::amount(form.integer("amount")?.unwrap_or(0), &currency)?;
    let now_or_later = confirm::Attempt::read(form)?;
    let confirm_now = form.boolean("confirm")?.unwrap_or(false);
    if !confirm_now {
        for name in ["return_url", "off_session", "error_on_requires_action"] {
            if form.filled(name).is_some() {
                let message = format!("The parameter `{name}` may be set only when confirm=true.");
                return Err(ApiError::invalid(message).param(name));
            }
        }
    }
    if form.word("confirmation_method", &["automatic", "manual"])?.as_deref() == Some("manual") {
        let message = "This simulator knows confirmation_method=automatic only.";
        return Err(ApiError::invalid(message).param("confirmation_method"));
    }
    let customer = customers::named(work, form)?;
    let setup_future_usage = form.word("setup_future_usage", &["off_session", "on_session"])?;
    if setup_future_usage.is_some() && customer.is_none() {
        let message = "setup_future_usage keeps the payment method for a customer: give one.";
        return Err(ApiError::invalid(message).param("setup_future_usage"));
    }
    if setup_future_usage.is_some() && now_or_later.off_session {
        let message = "You cannot pass both off_session and setup_future_usage.";
        return Err(ApiError::invalid(message).param("setup_future_usage"));
    }
    let capture_method =
        form.word("capture_method", CAPTURE_METHODS)?.unwrap_or_else(|| "automatic_async".to_owned());
    let id = format!("pi_{}", random::letters(24));
    let mut intent = Intent {
        client_secret: format!("{id}_secret_{}", random::letters(25)),
        id: id.clone(),
        account: work.origin.account.clone(),
        amount,
        currency,
        status: IntentStatus::RequiresPaymentMethod,
        customer,
        setup_future_usage,
        kinds: payment_methods::kinds(form, payment_methods::payable_by(&capture_method))?,
        capture_method,
        application_fee_amount: form.integer("application_fee_amount")?,
        destination: form.owned("transfer_data[destination]"),
        transfer_amount: form.integer("transfer_data[amount]")?,
        on_behalf_of: form.owned("on_behalf_of"),
        transfer_group: form.owned("transfer_group"),
        description: form.owned("description"),
        receipt_email: validate::email(form, "receipt_email")?,
        statement_descriptor: validate::statement(form, "statement_descriptor")?,
        statement_descriptor_suffix: validate::statement(form, "statement_descriptor_suffix")?,
        automatic_payment_methods: form.boolean("automatic_payment_methods[enabled]")?.unwrap_or(true),
        allow_redirects: form
            .word("automatic_payment_methods[allow_redirects]", &["always", "never"])?
            .unwrap_or_else(|| "always".to_owned()),
        metadata: validate::metadata(form, &Default::default())?,
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
        settles_at: None,
    };
    // Without a word about the payment methods it depends on the account's dashboard, which is not simulated.
    let any_method = form.boolean("automatic_payment_methods[enabled]")?.unwrap_or(false);
    if confirm_now && any_method && intent.allow_redirects == "always" {
        now_or_later.check_return()?;
    }
    check_split(&intent)?;
    check_accounts(work.state, &intent)?;
    intent.payment_method = payment_methods::given(work, form, intent.customer.as_deref(), &intent.kinds)?;
    if intent.payment_method.is_some() {
        intent.status = IntentStatus::RequiresConfirmation;
    }
    if confirm_now && intent.payment_method.is_none() {
        return Err(confirm::needs_payment_method());
    }
    work.state.intents.add(intent);
    about_intent(work, "payment_intent.created", &id);
    if confirm_now { confirm::attempt(work, &id, now_or_later) } else { answer(work, &id) }
}

/// Checks who gets what: the fee and the transfer are part of the amount, and only one of them says how to
/// split it.
fn check_split(intent: &Intent) -> Result<(), ApiError> {
    let (amount, currency) = (intent.amount, &intent.currency);
    validate::part("application_fee_amount", intent.application_fee_amount, amount, currency)?;
    validate::part("transfer_data[amount]", intent.transfer_amount, amount, currency)?;
    if intent.transfer_amount.is_some() && intent.destination.is_none() {
        let name = "transfer_data[destination]";
        return Err(ApiError::invalid(format!("Missing required param: {name}."))
            .code("parameter_missing")
            .param(name));
    }
    if intent.transfer_amount.is_some() && intent.application_fee_amount.is_some() {
        let message =
            "You may only specify one of these parameters: application_fee_amount, transfer_data[amount].";
        return Err(ApiError::invalid(message).param("application_fee_amount"));
    }
    if intent.application_fee_amount.is_some() && intent.destination.is_none() && intent.account.is_none() {
        let message = "Can only apply an application_fee_amount when the PaymentIntent is attempting a \
                       direct payment (using an OAuth key or Stripe-Account header) or destination payment \
                       (using `transfer_data[destination]`).";
        return Err(ApiError::invalid(message).param("application_fee_amount"));
    }
    Ok(())
}

/// Refuses an intent for accounts that cannot take their part.
pub(super) fn check_accounts(state: &State, intent: &Intent) -> Result<(), ApiError> {
    if let Some(id) = &intent.destination {
        let name = "transfer_data[destination]";
        if intent.account.is_some() {
            let message =
                "A direct charge has no destination: leave out transfer_data or the Stripe-Account header.";
            return Err(ApiError::invalid(message).param(name));
        }
        accounts::receiver(state, id, name)?;
    }
    let merchants =
        [(intent.on_behalf_of.as_ref(), "on_behalf_of"), (intent.account.as_ref(), "Stripe-Account")];
    for (id, name) in merchants {
        let Some(id) = id else { continue };
        let account = accounts::find(state, id, name)?;
        if !account.can("card_payments") {
            let message = format!(
                "The account {id} cannot take card payments: its card_payments capability is not active."
            );
            return Err(ApiError::invalid(message).param(name));
        }
    }
    Ok(())
}

/// `GET /v1/payment_intents/{id}`. Clients see their intent with its secret only.
pub(super) fn retrieve(work: &Work, id: &str, form: &Form) -> Outcome {
    if work.origin.from_client {
        form.allow_only(&["client_secret", "expand[]", "key"])?;
        check_secret(work, id, form)?;
    } else {
        form.allow_only(&["client_secret", "expand[]"])?;
    }
    answer(work, id)
}

/// Refuses a client without the intent's secret.
pub(super) fn check_secret(work: &Work, id: &str, form: &Form) -> Result<(), ApiError> {
    let given = form.required("client_secret")?;
    if secrets::same(&work.intent(id)?.client_secret, given) {
        return Ok(());
    }
    let message =
        "The client_secret provided does not match the client_secret associated with this PaymentIntent.";
    Err(ApiError::invalid(message).code("payment_intent_invalid_parameter").param("client_secret"))
}

/// `POST /v1/payment_intents/{id}`.
pub(super) fn update(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[UPDATE, payment_methods::PARAMETERS].concat())?;
    let before = work.intent(id)?.clone();
    let open = before.status.open();
    let frozen = [
        "amount",
        "currency",
        "capture_method",
        "application_fee_amount",
        "transfer_data[amount]",
        "payment_method",
    ];
    if let Some(name) = frozen.iter().find(|name| !open && form.text(name).is_some()) {
        let message = format!(
            "This PaymentIntent's {name} could not be updated because it has a status of {}. You may only \
             update the {name} of a PaymentIntent with one of the following statuses: \
             requires_payment_method, requires_confirmation, requires_action.",
            before.status.name()
        );
        return Err(ApiError::unexpected_state(message, render::intent(&before)).param(*name));
    }
    let mut after = before.clone();
    if let Some(text) = form.filled("currency") {
        after.currency = validate::currency(text)?;
    }
    if let Some(amount) = form.integer("amount")? {
        after.amount = amount;
    }
    validate::amount(after.amount, &after.currency)?;
    // An empty value takes the fee away.
    if form.text("application_fee_amount").is_some() {
        after.application_fee_amount = form.integer("application_fee_amount")?;
    }
    after.transfer_amount = form.integer("transfer_data[amount]")?.or(after.transfer_amount);
    after.capture_method = form.word("capture_method", CAPTURE_METHODS)?.unwrap_or(after.capture_method);
    check_split(&after)?;
    let receipt_email = validate::email(form, "receipt_email")?;
    let statement_descriptor = validate::statement(form, "statement_descriptor")?;
    let suffix = validate::statement(form, "statement_descriptor_suffix")?;
    let texts = [
        ("description", form.owned("description"), &mut after.description),
        ("receipt_email", receipt_email, &mut after.receipt_email),
        ("statement_descriptor", statement_descriptor, &mut after.statement_descriptor),
        ("statement_descriptor_suffix", suffix, &mut after.statement_descriptor_suffix),
        ("transfer_group", form.owned("transfer_group"), &mut after.transfer_group),
    ];
    for (name, value, place) in texts {
        if form.text(name).is_some() {
            *place = value;
        }
    }
    after.metadata = validate::metadata(form, &before.metadata)?;
    if let Some(method) = payment_methods::given(work, form, before.customer.as_deref(), &before.kinds)? {
        after.payment_method = Some(method);
        after.status = IntentStatus::RequiresConfirmation;
    }
    work.change_intent(id, |intent| *intent = after);
    answer(work, id)
}

/// `POST /v1/payment_intents/{id}/capture`.
pub(super) fn capture(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(CAPTURE)?;
    let intent = work.intent(id)?.clone();
    let (Some(charge), IntentStatus::RequiresCapture) = (intent.latest_charge.clone(), intent.status) else {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent \
             with one of the following statuses may be captured: requires_capture.",
            intent.status.name()
        );
        return Err(ApiError::unexpected_state(message, render::intent(&intent)));
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
        // An account that left since the money was held cannot be paid any more.
        accounts::find(work.state, id, "transfer_data[destination]")?;
    }
    let mut after = intent.clone();
    after.transfer_amount =
        form.integer("transfer_data[amount]")?.or(after.transfer_amount.map(|part| part.min(amount)));
    let fee = form.integer("application_fee_amount")?;
    after.application_fee_amount = fee.or(after.application_fee_amount.map(|fee| fee.min(amount)));
    check_split(&Intent { amount, ..after.clone() })?;
    after.metadata = validate::metadata(form, &intent.metadata)?;
    let descriptor = validate::statement(form, "statement_descriptor")?;
    after.statement_descriptor = descriptor.or(after.statement_descriptor);
    let suffix = validate::statement(form, "statement_descriptor_suffix")?;
    after.statement_descriptor_suffix = suffix.or(after.statement_descriptor_suffix);
    let fee = after.application_fee_amount;
    work.change_intent(id, |intent| *intent = after);
    settle::take(work, &charge, amount, fee, "charge.captured");
    answer(work, id)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub(super) fn cancel(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["cancellation_reason", "expand[]"])?;
    let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let reason = form.word("cancellation_reason", &reasons)?;
    let intent = work.intent(id)?;
    if matches!(intent.status, IntentStatus::Succeeded | IntentStatus::Canceled | IntentStatus::Processing) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be canceled: requires_payment_method, requires_capture, \
             requires_confirmation, requires_action.",
            intent.status.name()
        );
        return Err(ApiError::unexpected_state(message, render::intent(intent)));
    }
    end(work, id, reason, false);
    answer(work, id)
}

/// Lets an authorisation run out.
pub(super) fn expire(work: &mut Work, id: &str) {
    let Some(intent) = work.state.intents.get(id) else { return };
    work.origin.account = intent.account.clone();
    end(work, id, Some("expired".to_owned()), true);
}

/// Cancels an intent that can be, and lets go of what its bank holds, which moves no money and is no refund.
/// `expired` tells that nobody asked for it. Source:
/// <https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow>.
fn end(work: &mut Work, id: &str, reason: Option<String>, expired: bool) {
    let now = work.now;
    let mut authorised = None;
    work.change_intent(id, |intent| {
        if intent.status == IntentStatus::RequiresCapture {
            authorised = intent.latest_charge.clone();
        }
        intent.status = IntentStatus::Canceled;
        intent.canceled_at = Some(now);
        intent.cancellation_reason = reason;
        intent.amount_capturable = 0;
    });
    if let Some(charge) = authorised {
        if let Some(charge) = work.state.charges.get_mut(&charge) {
            charge.capture_before = None;
        }
        if expired {
            about_charge(work, "charge.expired", &charge);
        }
    }
    about_intent(work, "payment_intent.canceled", id);
}

/// The intent as the caller may see it.
pub(super) fn answer(work: &Work, id: &str) -> Outcome {
    let intent = work.intent(id)?;
    let object = render::intent(intent);
    Ok(if work.origin.from_client { render::for_client(object) } else { object })
}
