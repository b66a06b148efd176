//! What payment and setup intents have in common: they are read, confirmed, authenticated and cancelled.
//! Sources: <https://docs.stripe.com/api/payment_intents/confirm>, <https://docs.stripe.com/api/setup_intents/confirm>.

use super::auth::same;
use super::prelude::*;
use super::settle::Circumstances;

const CONFIRM: &str = "client_secret expand[] key return_url use_stripe_sdk";

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

    /// Reads the parameters with which a new intent is confirmed at once; `None` when it is not.
    pub(super) fn of_creation(form: &Form) -> Result<Option<Self>, ApiError> {
        let attempt = Self::read(form)?;
        if form.flag("confirm")? {
            return Ok(Some(attempt));
        }
        match ["return_url", "off_session"].into_iter().find(|name| form.filled(name).is_some()) {
            Some(name) => {
                let message = format!("The parameter `{name}` may be set only when confirm=true.");
                Err(ApiError::invalid(message).param(name))
            }
            None => Ok(None),
        }
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

impl IntentCore {
    /// Reads what all new intents have. It has no payment method yet.
    pub(super) fn read(work: &Work, form: &Form, id: &str) -> Result<Self, ApiError> {
        Ok(Self {
            client_secret: format!("{id}_secret_{}", random::letters(25)),
            status: IntentStatus::RequiresPaymentMethod,
            customer: customers::named(work, form)?,
            automatic: payment_methods::automatic(form)?,
            description: form.owned("description"),
            metadata: validate::metadata(form)?,
            payment_method: None,
            last_error: None,
            return_url: None,
            challenge_url: None,
            created: work.now,
            cancellation_reason: None,
        })
    }
}

/// Gives a new intent the payment method that the form names or describes. An intent that is to be confirmed at once
/// needs one.
pub(super) fn prepare(
    work: &mut Work,
    kind: IntentKind,
    form: &Form,
    core: &mut IntentCore,
    attempt: Option<&Attempt>,
) -> Result<(), ApiError> {
    core.payment_method = payment_methods::given(work, form, core.customer.as_deref())?;
    if core.payment_method.is_some() {
        core.status = IntentStatus::RequiresConfirmation;
    } else if attempt.is_some() {
        return Err(needs_payment_method(kind));
    }
    Ok(())
}

/// Announces an intent that was added to the state, and confirms it when it is to be confirmed at once.
pub(super) fn begin(work: &mut Work, kind: IntentKind, id: &str, attempt: Option<Attempt>) -> Outcome {
    announce(work, kind, "created", id);
    match attempt {
        Some(attempt) => self::attempt(work, kind, id, attempt),
        None => respond(work, kind, id),
    }
}

fn find<'a>(work: &'a Work, kind: IntentKind, id: &str) -> Result<&'a IntentCore, ApiError> {
    work.state.intent(kind, id).ok_or_else(|| ApiError::missing(kind.names().0, id, "intent"))
}

fn announce(work: &mut Work, kind: IntentKind, what: &str, id: &str) {
    about(work, &format!("{}.{what}", kind.names().0), id);
}

/// The intent as the caller may see it.
pub(super) fn respond(work: &Work, kind: IntentKind, id: &str) -> Outcome {
    find(work, kind, id)?;
    let object = render::any(work.state, id).unwrap_or_default();
    Ok(if work.caller.browser { render::for_client(object) } else { object })
}

/// Refuses a browser that does not have the client secret of the intent.
fn check_secret(work: &Work, kind: IntentKind, id: &str, form: &Form) -> Result<(), ApiError> {
    let (object, kind_name) = kind.names();
    if !work.caller.browser || same(&find(work, kind, id)?.client_secret, form.required("client_secret")?) {
        return Ok(());
    }
    let message = format!(
        "The client_secret provided does not match the client_secret associated with this {kind_name}."
    );
    Err(ApiError::invalid(message).code(&format!("{object}_invalid_parameter")).param("client_secret"))
}

/// `GET /v1/payment_intents/{id}` and `GET /v1/setup_intents/{id}`. A browser needs the client secret.
pub(super) fn retrieve(work: &Work, kind: IntentKind, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["client_secret expand[]", if work.caller.browser { "key" } else { "" }])?;
    check_secret(work, kind, id, form)?;
    respond(work, kind, id)
}

/// `POST /v1/payment_intents/{id}/confirm` and `POST /v1/setup_intents/{id}/confirm`, by the platform or by a browser
/// with the client secret.
pub(super) fn confirm(work: &mut Work, kind: IntentKind, id: &str, form: &Form) -> Outcome {
    let of_payments = if kind == IntentKind::Payment { "off_session" } else { "" };
    form.allow_only(&[CONFIRM, payment_methods::PARAMETERS, of_payments])?;
    form.flag("use_stripe_sdk")?;
    let intent = find(work, kind, id)?.clone();
    check_secret(work, kind, id, form)?;
    let attempt = Attempt::read(form)?;
    if !intent.status.open() {
        let statuses = "requires_payment_method, requires_confirmation, requires_action";
        return Err(unexpected(work, kind, id, "confirm", statuses));
    }
    if kind == IntentKind::Payment {
        intents::check_destination(work.state, work.payment_intent(id)?)?;
    }
    let method = payment_methods::given(work, form, intent.customer.as_deref())?;
    if method.is_none() && intent.payment_method.is_none() {
        return Err(needs_payment_method(kind));
    }
    work.state.change_intent(id, |intent| intent.payment_method = method.or(intent.payment_method.take()));
    self::attempt(work, kind, id, attempt)
}

/// The error for a call that the status of the intent does not allow. `statuses` are those that do.
pub(super) fn unexpected(work: &Work, kind: IntentKind, id: &str, verb: &str, statuses: &str) -> ApiError {
    let (object, kind_name) = kind.names();
    let status = work.state.intent(kind, id).map(|intent| name(intent.status)).unwrap_or_default();
    let message = format!(
        "You cannot {verb} this {kind_name} because it has a status of {status}. Only a {kind_name} with one of \
         the following statuses may be {verb}ed: {statuses}."
    );
    ApiError::unexpected_state(message, object, respond(work, kind, id).unwrap_or_default())
}

fn needs_payment_method(kind: IntentKind) -> ApiError {
    let (object, name) = kind.names();
    let message = format!(
        "You cannot confirm this {name} because it's missing a payment method. You can either update the {name} \
         with a payment method and then confirm it again, or confirm it again directly with a payment method."
    );
    ApiError::invalid(message).code(&format!("{object}_unexpected_state"))
}

/// The bank's response about the intent's payment method, and the id of the method.
fn verdict(work: &Work, kind: IntentKind, id: &str, present: bool) -> Result<(String, Verdict), ApiError> {
    let intent = find(work, kind, id)?;
    let id = intent.payment_method.as_deref().ok_or_else(|| needs_payment_method(kind))?;
    let method = work.state.payment_methods.get(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
    payment_methods::usable(method, intent.customer.as_deref())?;
    let occasion = match kind {
        IntentKind::Payment => Occasion::Payment { present, set_up: method.set_up },
        IntentKind::Setup => Occasion::SettingUp,
    };
    Ok((method.id.clone(), ask_bank(&method.card_number, occasion)))
}

/// Asks the bank of the intent's payment method.
fn attempt(work: &mut Work, kind: IntentKind, id: &str, attempt: Attempt) -> Outcome {
    let (method, verdict) = verdict(work, kind, id, !attempt.off_session)?;
    let circumstances = Circumstances { authenticated: false, off_session: attempt.off_session };
    match verdict {
        Verdict::Approved => approve(work, kind, id, &method, circumstances),
        Verdict::Declined(failure) => Err(refuse(work, kind, id, &failure, Some(circumstances))),
        Verdict::Challenge(_) if attempt.off_session => {
            Err(refuse(work, kind, id, &decline("authentication_required"), Some(circumstances)))
        }
        Verdict::Challenge(_) => {
            let secret = &find(work, kind, id)?.client_secret;
            let url = work.address(&format!("3ds/{id}?client_secret={secret}"));
            work.state.change_intent(id, |intent| {
                intent.status = IntentStatus::RequiresAction;
                intent.challenge_url = Some(url);
                intent.return_url = attempt.return_url;
                intent.last_error = None;
            });
            announce(work, kind, "requires_action", id);
            respond(work, kind, id)
        }
    }
}

/// Pays, or saves the card, after the bank approved.
fn approve(work: &mut Work, kind: IntentKind, id: &str, method: &str, how: Circumstances) -> Outcome {
    work.state.change_intent(id, |intent| intent.last_error = None);
    match kind {
        IntentKind::Payment => {
            let intent = work.payment_intent(id)?.clone();
            settle::approve(work, &intent, method, how);
        }
        IntentKind::Setup => setup_intents::succeed(work, id, method),
    }
    respond(work, kind, id)
}

/// Records a refusal, after which the intent needs another payment method. A payment has a charge only when the bank
/// was asked, under these `circumstances`, and not when the cardholder failed a challenge.
fn refuse(
    work: &mut Work,
    kind: IntentKind,
    id: &str,
    failure: &Failure,
    circumstances: Option<Circumstances>,
) -> ApiError {
    let method =
        find(work, kind, id).ok().and_then(|intent| intent.payment_method.clone()).unwrap_or_default();
    let payment = work.state.intents.get(id).cloned();
    let charge = payment.zip(circumstances);
    let charge = charge.map(|(payment, how)| settle::refuse(work, &payment, &method, how, failure));
    let mut error = ApiError::card(failure);
    if circumstances.is_none() {
        error.status = 400;
    }
    if let Some(charge) = charge {
        error = error.with("charge", charge.as_str());
        work.state.intents.change(id, |intent| intent.latest_charge = Some(charge));
    }
    if let Some(method) = render::any(work.state, &method) {
        error = error.with("payment_method", method);
    }
    let members = error.members();
    work.state.change_intent(id, |intent| {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_error = Some(members);
    });
    let failed = if kind == IntentKind::Payment { "payment_failed" } else { "setup_failed" };
    announce(work, kind, failed, id);
    match respond(work, kind, id) {
        Ok(object) => error.with(kind.names().0, object),
        Err(_) => error,
    }
}

/// Passes or fails the challenge that a payment or setup intent waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approved: bool) -> Outcome {
    let kind = IntentKind::of(id);
    let (object, kind_name) = kind.names();
    let status = find(work, kind, id)?.status;
    if status != IntentStatus::RequiresAction {
        let status = name(status);
        let message = format!("This {kind_name} waits for no authentication: its status is {status}.");
        return Err(ApiError::unexpected_state(message, object, respond(work, kind, id)?));
    }
    if !approved {
        return Err(refuse(work, kind, id, &decline(&format!("{object}_authentication_failure")), None));
    }
    let circumstances = Circumstances { authenticated: true, off_session: false };
    match verdict(work, kind, id, true)? {
        (_, Verdict::Challenge(Some(failure)) | Verdict::Declined(failure)) => {
            Err(refuse(work, kind, id, &failure, Some(circumstances)))
        }
        (method, _) => approve(work, kind, id, &method, circumstances),
    }
}

/// `POST /v1/payment_intents/{id}/cancel` and `POST /v1/setup_intents/{id}/cancel`.
pub(super) fn cancel(work: &mut Work, kind: IntentKind, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["cancellation_reason expand[]"])?;
    let (reasons, statuses): (&[&str], _) = match kind {
        IntentKind::Payment => (
            &["abandoned", "duplicate", "fraudulent", "requested_by_customer"],
            "requires_payment_method, requires_capture, requires_confirmation, requires_action",
        ),
        IntentKind::Setup => (
            &["abandoned", "duplicate", "requested_by_customer"],
            "requires_payment_method, requires_confirmation, requires_action",
        ),
    };
    let reason = form.word("cancellation_reason", reasons)?;
    if matches!(find(work, kind, id)?.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
        return Err(unexpected(work, kind, id, "cancel", statuses));
    }
    end(work, id, reason, false);
    respond(work, kind, id)
}

/// Expires an authorization.
pub(super) fn expire(work: &mut Work, id: &str) {
    end(work, id, Some("expired".to_owned()), true);
}

/// Cancels an intent, and releases its authorization, which moves no money and is no refund. `expired` says that
/// nobody asked for it. Source:
/// <https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow>.
fn end(work: &mut Work, id: &str, reason: Option<String>, expired: bool) {
    let kind = IntentKind::of(id);
    let mut held = false;
    work.state.change_intent(id, |intent| {
        held = intent.status == IntentStatus::RequiresCapture;
        intent.status = IntentStatus::Canceled;
        intent.cancellation_reason = reason;
    });
    if kind == IntentKind::Payment {
        let now = work.now;
        let mut authorized = None;
        work.state.intents.change(id, |intent| {
            authorized = intent.latest_charge.clone().filter(|_| held);
            intent.canceled_at = Some(now);
            intent.amount_capturable = 0;
        });
        if let Some(charge) = authorized {
            work.state.charges.change(&charge, |charge| charge.capture_before = None);
            if expired {
                about(work, "charge.expired", &charge);
            }
        }
    }
    announce(work, kind, "canceled", id);
}

/// Pays, or saves a card, as a cardholder on the hosted page does.
pub(super) fn use_card(work: &mut Work, id: &str, number: &str, return_url: Option<&str>) -> Outcome {
    let form = Form::of(
        [("payment_method_data[type]", "card"), ("payment_method_data[card][number]", number)]
            .into_iter()
            .chain(return_url.map(|url| ("return_url", url))),
    );
    confirm(work, IntentKind::of(id), id, &form)
}
