//! Consent to be charged later. Source: <https://docs.stripe.com/payments/setup-intents>.

use super::api_error::ApiError;
use super::cards::{Course, Occasion, course, decline};
use super::events::emit;
use super::form::Form;
use super::state::{Failure, IntentStatus, Means, SetupIntent};
use super::work::{Outcome, Work};
use super::{customers, payment_methods, render, secrets, validate};
use crate::random;

const CREATE: &[&str] = &[
    "allowed_payment_method_types[]",
    "automatic_payment_methods[allow_redirects]",
    "automatic_payment_methods[enabled]",
    "confirm",
    "customer",
    "description",
    "expand[]",
    "metadata",
    "metadata[*]",
    "return_url",
    "usage",
];

const CONFIRM: &[&str] = &["client_secret", "expand[]", "key", "return_url", "use_stripe_sdk"];

/// The kinds of payment methods that this simulator sets up.
pub(super) const SET_UP: &[&str] = &["card"];

/// `POST /v1/setup_intents`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, payment_methods::PARAMETERS].concat())?;
    let return_url = return_url(form)?;
    let confirm_now = form.boolean("confirm")?.unwrap_or(false);
    if !confirm_now && return_url.is_some() {
        let message = "The parameter `return_url` may be set only when confirm=true.";
        return Err(ApiError::invalid(message).param("return_url"));
    }
    let customer = customers::named(work, form)?;
    let id = format!("seti_{}", random::letters(24));
    let mut intent = SetupIntent {
        client_secret: format!("{id}_secret_{}", random::letters(32)),
        id: id.clone(),
        account: work.origin.account.clone(),
        customer,
        status: IntentStatus::RequiresPaymentMethod,
        usage: form
            .word("usage", &["off_session", "on_session"])?
            .unwrap_or_else(|| "off_session".to_owned()),
        automatic_payment_methods: form.boolean("automatic_payment_methods[enabled]")?.unwrap_or(true),
        allow_redirects: form
            .word("automatic_payment_methods[allow_redirects]", &["always", "never"])?
            .unwrap_or_else(|| "always".to_owned()),
        kinds: payment_methods::kinds(form, SET_UP)?,
        description: form.owned("description"),
        metadata: validate::metadata(form, &Default::default())?,
        payment_method: None,
        last_setup_error: None,
        return_url: None,
        challenge_url: None,
        created: work.now,
        cancellation_reason: None,
    };
    intent.payment_method = payment_methods::given(work, form, intent.customer.as_deref(), &intent.kinds)?;
    if intent.payment_method.is_some() {
        intent.status = IntentStatus::RequiresConfirmation;
    }
    if confirm_now && intent.payment_method.is_none() {
        return Err(needs_payment_method());
    }
    work.state.setup_intents.add(intent);
    tell(work, "setup_intent.created", &id);
    if confirm_now { attempt(work, &id, return_url) } else { answer(work, &id) }
}

fn return_url(form: &Form) -> Result<Option<String>, ApiError> {
    form.filled("return_url").map(|text| validate::url("return_url", text)).transpose()
}

fn needs_payment_method() -> ApiError {
    let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the \
                   SetupIntent with a payment method and then confirm it again.";
    ApiError::invalid(message).code("setup_intent_unexpected_state")
}

fn find<'a>(work: &'a Work, id: &str) -> Result<&'a SetupIntent, ApiError> {
    let intent = work.state.setup_intents.get(id).filter(|intent| intent.account == work.origin.account);
    intent.ok_or_else(|| ApiError::missing("setup_intent", id, "intent"))
}

fn change(work: &mut Work, id: &str, change: impl FnOnce(&mut SetupIntent)) {
    match work.state.setup_intents.get_mut(id) {
        Some(intent) => change(intent),
        None => tracing::error!(id, "a setup intent that was there is gone"),
    }
}

/// `GET /v1/setup_intents/{id}`. Clients see their setup with its secret only.
pub(super) fn retrieve(work: &Work, id: &str, form: &Form) -> Outcome {
    if work.origin.from_client {
        form.allow_only(&["client_secret", "expand[]", "key"])?;
        check_secret(work, id, form)?;
    } else {
        form.allow_only(&["client_secret", "expand[]"])?;
    }
    answer(work, id)
}

fn check_secret(work: &Work, id: &str, form: &Form) -> Result<(), ApiError> {
    let given = form.required("client_secret")?;
    if secrets::same(&find(work, id)?.client_secret, given) {
        return Ok(());
    }
    let message =
        "The client_secret provided does not match the client_secret associated with this SetupIntent.";
    Err(ApiError::invalid(message).code("setup_intent_invalid_parameter").param("client_secret"))
}

/// `POST /v1/setup_intents/{id}/confirm`, by the platform or by a client with the intent's secret.
pub(super) fn confirm(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[CONFIRM, payment_methods::PARAMETERS].concat())?;
    form.boolean("use_stripe_sdk")?;
    let intent = find(work, id)?.clone();
    if work.origin.from_client {
        check_secret(work, id, form)?;
    }
    let return_url = return_url(form)?;
    if !intent.status.open() {
        return Err(unexpected(work, &intent, "confirm"));
    }
    let method = payment_methods::given(work, form, intent.customer.as_deref(), &intent.kinds)?;
    if method.is_none() && intent.payment_method.is_none() {
        return Err(needs_payment_method());
    }
    change(work, id, |intent| intent.payment_method = method.or(intent.payment_method.take()));
    attempt(work, id, return_url)
}

fn unexpected(work: &Work, intent: &SetupIntent, verb: &str) -> ApiError {
    let message = format!(
        "You cannot {verb} this SetupIntent because it has a status of {}. Only a SetupIntent with one of the \
         following statuses may be {verb}ed: requires_payment_method, requires_confirmation, requires_action.",
        intent.status.name()
    );
    let object = render::setup_intent(intent);
    let object = if work.origin.from_client { render::for_client(object) } else { object };
    ApiError::invalid(message).code("setup_intent_unexpected_state").setup_intent(object).after_work_began()
}

/// Asks the bank of the setup's payment method. Its owner is there.
fn attempt(work: &mut Work, id: &str, return_url: Option<String>) -> Outcome {
    match bank_says(work, id)? {
        Course::Approved => succeed(work, id),
        Course::Declined(failure) => Err(refuse(work, id, &failure, 402)),
        Course::Challenge(_) => {
            let intent = find(work, id)?;
            let url = work.page(&format!("3ds/{id}?client_secret={}", intent.client_secret));
            change(work, id, |intent| {
                intent.status = IntentStatus::RequiresAction;
                intent.challenge_url = Some(url);
                intent.return_url = return_url;
                intent.last_setup_error = None;
            });
            tell(work, "setup_intent.requires_action", id);
            answer(work, id)
        }
        Course::Later(..) => {
            Err(ApiError::invalid("This simulator sets up cards only.").param("payment_method"))
        }
    }
}

fn bank_says(work: &Work, id: &str) -> Result<Course, ApiError> {
    let method = find(work, id)?.payment_method.as_deref().ok_or_else(needs_payment_method)?;
    let method = work.state.payment_methods.get(method);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))?;
    match method.means {
        Means::Card(_) => Ok(course(&method.means, Occasion::SettingUp)),
        Means::SepaDebit(_) => {
            Err(ApiError::invalid("This simulator sets up cards only.").param("payment_method"))
        }
    }
}

fn succeed(work: &mut Work, id: &str) -> Outcome {
    let intent = find(work, id)?.clone();
    let method = intent.payment_method.as_deref().unwrap_or_default();
    match intent.customer.as_deref() {
        Some(customer) => payment_methods::attach(work, method, customer, intent.usage == "off_session"),
        None => payment_methods::after_use(work, method, None, None),
    }
    change(work, id, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.last_setup_error = None;
    });
    tell(work, "setup_intent.succeeded", id);
    answer(work, id)
}

/// Records a refusal: the setup needs another means of payment.
fn refuse(work: &mut Work, id: &str, failure: &Failure, status: u16) -> ApiError {
    let method = work.state.setup_intents.get(id).and_then(|intent| intent.payment_method.clone());
    let rendered = method.and_then(|method| render::any(work.state, &method));
    let mut error = ApiError::card(failure).payment_method(rendered);
    error.status = status;
    let members = error.members();
    change(work, id, |intent| {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_setup_error = Some(members);
    });
    tell(work, "setup_intent.setup_failed", id);
    match answer(work, id) {
        Ok(object) => error.setup_intent(object),
        Err(_) => error,
    }
}

/// Passes or fails the challenge a setup waits for.
pub(super) fn authenticate(work: &mut Work, id: &str, approve: bool) -> Outcome {
    act_for_owner(work, id)?;
    let intent = find(work, id)?;
    if intent.status != IntentStatus::RequiresAction {
        let message =
            format!("This SetupIntent waits for no authentication: its status is {}.", intent.status.name());
        return Err(ApiError::invalid(message).code("setup_intent_unexpected_state"));
    }
    if !approve {
        return Err(refuse(work, id, &decline("setup_authentication_failure"), 400));
    }
    match bank_says(work, id)? {
        Course::Challenge(Some(failure)) => Err(refuse(work, id, &failure, 402)),
        _ => succeed(work, id),
    }
}

/// Saves a card as its owner does on the page.
pub(super) fn save_card(work: &mut Work, id: &str, body: &Form) -> Outcome {
    act_for_owner(work, id)?;
    confirm(work, id, body)
}

/// Lets a page act on the account the setup is on.
fn act_for_owner(work: &mut Work, id: &str) -> Result<(), ApiError> {
    let intent = work.state.setup_intents.get(id);
    let intent = intent.ok_or_else(|| ApiError::missing("setup_intent", id, "intent"))?;
    work.origin.account = intent.account.clone();
    Ok(())
}

/// `POST /v1/setup_intents/{id}/cancel`.
pub(super) fn cancel(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["cancellation_reason", "expand[]"])?;
    let reason = form.word("cancellation_reason", &["abandoned", "duplicate", "requested_by_customer"])?;
    let intent = find(work, id)?;
    if !intent.status.open() {
        return Err(unexpected(work, intent, "cancel"));
    }
    change(work, id, |intent| {
        intent.status = IntentStatus::Canceled;
        intent.cancellation_reason = reason;
    });
    tell(work, "setup_intent.canceled", id);
    answer(work, id)
}

fn tell(work: &mut Work, kind: &str, id: &str) {
    let Some(intent) = work.state.setup_intents.get(id) else { return };
    let (object, account) = (render::setup_intent(intent), intent.account.clone());
    emit(work, kind, object, account.as_deref());
}

/// The setup as the caller may see it.
fn answer(work: &Work, id: &str) -> Outcome {
    let object = render::setup_intent(find(work, id)?);
    Ok(if work.origin.from_client { render::for_client(object) } else { object })
}
