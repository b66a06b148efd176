//! Connected accounts and their onboarding. Source: <https://docs.stripe.com/connect/hosted-onboarding>.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api_error::ApiError;
use super::events::{emit, emit_change};
use super::form::Form;
use super::state::{Account, AccountLink, State};
use super::work::{Outcome, Work};
use super::{render, validate};
use crate::random;

/// How long an account link can be followed, in seconds.
const LINK_LASTS: i64 = 300;

/// What Stripe asks an owner for.
const WANTED: &[&str] = &[
    "business_profile.mcc",
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
];

const PROFILE: &[&str] = &[
    "business_profile[mcc]",
    "business_profile[name]",
    "business_profile[product_description]",
    "business_profile[url]",
];

const CREATE: &[&str] = &[
    "business_type",
    "capabilities[card_payments][requested]",
    "capabilities[transfers][requested]",
    "controller[fees][payer]",
    "controller[losses][payments]",
    "controller[requirement_collection]",
    "controller[stripe_dashboard][type]",
    "country",
    "default_currency",
    "email",
    "expand[]",
    "metadata",
    "metadata[*]",
    "type",
];

const UPDATE: &[&str] = &["business_type", "email", "expand[]", "metadata", "metadata[*]"];

const BUSINESS_TYPES: &[&str] = &["company", "government_entity", "individual", "non_profit"];

/// How an owner leaves the onboarding page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// Everything was given and verified: charges and payouts are enabled.
    Complete,
    /// The owner left before the end: nothing is submitted or enabled.
    Incomplete,
    /// Everything was given, and a document is missing: nothing is enabled.
    Restricted,
    /// Everything but a bank account: charges are enabled, payouts are not.
    NoPayouts,
    /// Stripe looks into the account: charges and payouts are disabled, and nothing is asked for.
    UnderReview,
    /// Stripe wants nothing to do with the account: charges and payouts are disabled for good.
    Rejected,
}

impl Account {
    /// Whether a capability is active.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.charges_enabled && self.capabilities.iter().any(|name| name == capability)
    }
}

/// `POST /v1/accounts`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE, PROFILE].concat())?;
    let kind = form.word("type", &["custom", "express", "standard"])?;
    let controller = controller(form)?;
    if kind.is_some() && controller.is_some() {
        let message = "You may only specify one of these parameters: type, controller.";
        return Err(ApiError::invalid(message).param("type"));
    }
    let country = form.filled("country").unwrap_or("DE").to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err(ApiError::invalid(format!("Country '{country}' is unknown."))
            .code("country_code_invalid")
            .param("country"));
    }
    let default_currency = match form.filled("default_currency") {
        Some(text) => validate::currency(text)?,
        None => currency_of(&country).to_owned(),
    };
    let mut capabilities = Vec::new();
    for name in ["card_payments", "transfers"] {
        if form.boolean(&format!("capabilities[{name}][requested]"))?.unwrap_or(false) {
            capabilities.push(name.to_owned());
        }
    }
    let kind = kind.unwrap_or_else(|| legacy_kind(controller.as_ref()).to_owned());
    if capabilities.is_empty() && kind != "custom" {
        // Accounts with a dashboard of Stripe's get the platform's usual capabilities.
        capabilities = vec!["card_payments".to_owned(), "transfers".to_owned()];
    }
    let account = Account {
        id: format!("acct_{}", random::letters(16)),
        kind,
        controller,
        country,
        default_currency,
        email: validate::email(form, "email")?,
        business_type: form.word("business_type", BUSINESS_TYPES)?,
        business_profile: form.map("business_profile"),
        capabilities,
        metadata: validate::metadata(form, &Default::default())?,
        created: work.now,
        details_submitted: false,
        charges_enabled: false,
        payouts_enabled: false,
        currently_due: WANTED.iter().map(|name| (*name).to_owned()).collect(),
        disabled_reason: Some("requirements.past_due".to_owned()),
        deauthorized: false,
    };
    let answer = render::account(&account);
    work.state.accounts.add(account);
    Ok(answer)
}

fn controller(form: &Form) -> Result<Option<Value>, ApiError> {
    let members = [
        ("fees", "payer", "controller[fees][payer]", &["account", "application"] as &[&str]),
        ("losses", "payments", "controller[losses][payments]", &["application", "stripe"]),
        ("stripe_dashboard", "type", "controller[stripe_dashboard][type]", &["express", "full", "none"]),
    ];
    let mut controller = Map::new();
    for (group, member, name, words) in members {
        if let Some(word) = form.word(name, words)? {
            controller.insert(group.to_owned(), json!({ member: word }));
        }
    }
    if let Some(who) = form.word("controller[requirement_collection]", &["application", "stripe"])? {
        controller.insert("requirement_collection".to_owned(), json!(who));
    }
    Ok((!controller.is_empty()).then_some(Value::Object(controller)))
}

/// The `type` that a controller amounts to.
fn legacy_kind(controller: Option<&Value>) -> &'static str {
    let dashboard = controller
        .and_then(|controller| controller.pointer("/stripe_dashboard/type"))
        .and_then(Value::as_str);
    match dashboard {
        Some("express") => "express",
        Some("none") => "custom",
        _ => "standard",
    }
}

fn currency_of(country: &str) -> &'static str {
    match country {
        "US" => "usd",
        "GB" => "gbp",
        "CH" => "chf",
        "JP" => "jpy",
        "CA" => "cad",
        "AU" => "aud",
        "SE" => "sek",
        "NO" => "nok",
        "DK" => "dkk",
        "PL" => "pln",
        "CZ" => "czk",
        _ => "eur",
    }
}

/// The account, when the platform may act for it. `param` is what named it.
pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Result<&'a Account, ApiError> {
    let account = state.accounts.get(id).filter(|account| !account.deauthorized);
    account.ok_or_else(|| match param {
        "account_id" => ApiError::no_access(id),
        "transfer_data[destination]" | "destination" => ApiError::missing("destination", id, param),
        param => ApiError::missing("account", id, param),
    })
}

/// The account, when money can be transferred to it.
pub(super) fn receiver<'a>(state: &'a State, id: &str, param: &str) -> Result<&'a Account, ApiError> {
    let account = find(state, id, param)?;
    if account.can("transfers") {
        return Ok(account);
    }
    let message = "Your destination account needs to have at least one of the following capabilities enabled: \
                   transfers, crypto_transfers, legacy_payments";
    Err(ApiError::invalid(message).code("insufficient_capabilities_for_transfer").param(param))
}

/// `GET /v1/accounts/{id}`.
pub(super) fn retrieve(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    find(work.state, id, "account_id").map(render::account)
}

/// `POST /v1/accounts/{id}`.
pub(super) fn update(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&[UPDATE, PROFILE].concat())?;
    let metadata = validate::metadata(form, &find(work.state, id, "account_id")?.metadata)?;
    let email = validate::email(form, "email")?;
    let business_type = form.word("business_type", BUSINESS_TYPES)?;
    change(work, id, |account| {
        account.metadata = metadata;
        account.email = email.or(account.email.take());
        account.business_type = business_type.or(account.business_type.take());
        account.business_profile.extend(form.map("business_profile"));
    })
}

/// Changes an account that exists, and tells of it with the members that differ.
fn change(work: &mut Work, id: &str, change: impl FnOnce(&mut Account)) -> Outcome {
    let account =
        work.state.accounts.get_mut(id).ok_or_else(|| ApiError::internal("The account is gone."))?;
    let before = render::account(account);
    change(account);
    let after = render::account(account);
    let previous: Map<String, Value> = match &before {
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| after.get(name.as_str()) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        _ => Map::new(),
    };
    if !previous.is_empty() {
        emit_change(work, "account.updated", after.clone(), Some(Value::Object(previous)), Some(id));
    }
    Ok(after)
}

/// Ends an account's onboarding.
pub(super) fn onboard(work: &mut Work, id: &str, outcome: Onboarding) -> Outcome {
    find(work.state, id, "account")?;
    let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    change(work, id, |account| {
        let (submitted, charges, payouts, due, reason) = match outcome {
            Onboarding::Complete => (true, true, true, owned(&[]), None),
            Onboarding::Incomplete => (
                false,
                false,
                false,
                owned(&["external_account", "tos_acceptance.date", "tos_acceptance.ip"]),
                Some("requirements.past_due"),
            ),
            Onboarding::Restricted => (
                true,
                false,
                false,
                owned(&["individual.verification.document"]),
                Some("requirements.past_due"),
            ),
            Onboarding::NoPayouts => (true, true, false, owned(&["external_account"]), None),
            Onboarding::UnderReview => (true, false, false, owned(&[]), Some("under_review")),
            Onboarding::Rejected => (true, false, false, owned(&[]), Some("rejected.other")),
        };
        account.details_submitted = submitted;
        account.charges_enabled = charges;
        account.payouts_enabled = payouts;
        account.currently_due = due;
        account.disabled_reason = reason.map(str::to_owned);
    })
}

/// Takes the platform's access to an account away, as its owner can. What it owes stays owed.
pub(super) fn deauthorize(work: &mut Work, id: &str) -> Outcome {
    find(work.state, id, "account")?;
    if let Some(account) = work.state.accounts.get_mut(id) {
        account.deauthorized = true;
    }
    let application = render::application();
    emit(work, "account.application.deauthorized", application.clone(), Some(id));
    Ok(application)
}

/// `POST /v1/account_links`.
pub(super) fn create_link(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[
        "account",
        "collect",
        "collection_options[*]",
        "expand[]",
        "refresh_url",
        "return_url",
        "type",
    ])?;
    let id = form.required("account")?;
    let kind = form.required("type")?;
    if kind != "account_onboarding" {
        let message = "You cannot create `account_update` type Account Links for this account.";
        return Err(ApiError::invalid(message).param("type"));
    }
    let refresh_url = validate::url("refresh_url", form.required("refresh_url")?)?;
    let return_url = validate::url("return_url", form.required("return_url")?)?;
    let account = find(work.state, id, "account")?.id.clone();
    let link = AccountLink {
        id: random::letters(32),
        account,
        refresh_url,
        return_url,
        created: work.now,
        expires_at: work.now + LINK_LASTS,
        visit: None,
        finished: false,
    };
    let url = work.page(&format!("connect/onboarding/{}", link.id));
    let answer = json!({
        "object": "account_link",
        "created": link.created,
        "expires_at": link.expires_at,
        "url": url,
    });
    work.state.account_links.add(link);
    Ok(answer)
}

/// `POST /v1/accounts/{id}/login_links`: the way to an account's dashboard, which is its place in the books
/// here.
pub(super) fn create_login_link(work: &Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["expand[]"])?;
    let account = find(work.state, id, "account_id")?;
    if account.kind != "express" {
        let message = "Cannot create a login link for an account that is not an Express account.";
        return Err(ApiError::invalid(message));
    }
    Ok(json!({ "object": "login_link", "created": work.now, "url": work.page("") }))
}
