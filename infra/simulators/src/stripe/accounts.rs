//! Connected accounts and their onboarding. Source: <https://docs.stripe.com/connect/hosted-onboarding>.

use serde::{Deserialize, Serialize};

use super::prelude::*;

/// How long an account link can be followed, in seconds.
const LINK_LASTS: i64 = 300;

/// What Stripe asks the owner of a new account for.
const REQUIRED: &str = "business_profile.mcc business_profile.url external_account individual.dob.day \
    individual.dob.month individual.dob.year individual.first_name individual.last_name tos_acceptance.date \
    tos_acceptance.ip";

const CREATE: &str = "capabilities[card_payments][requested] capabilities[transfers][requested] \
    controller[fees][payer] controller[losses][payments] controller[requirement_collection] \
    controller[stripe_dashboard][type] country email expand[] metadata metadata[*] type";

/// The controller that the simulator knows: that of Express accounts whose fees and losses the platform pays.
const CONTROLLER: [(&str, &str); 4] = [
    ("controller[fees][payer]", "application"),
    ("controller[losses][payments]", "application"),
    ("controller[requirement_collection]", "stripe"),
    ("controller[stripe_dashboard][type]", "express"),
];

/// How the onboarding of an account ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// Everything was submitted and verified: charges and payouts are enabled.
    Complete,
    /// The owner left before the end: nothing is submitted or enabled.
    Incomplete,
    /// Everything was submitted, and a document is missing: nothing is enabled.
    Restricted,
    /// Everything but a bank account was submitted: charges are enabled, payouts are not.
    NoPayouts,
    /// Stripe reviews the account: charges and payouts are disabled, and nothing is required.
    UnderReview,
    /// Stripe has rejected the account: charges and payouts are disabled for good.
    Rejected,
}

/// `POST /v1/accounts`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE])?;
    let by_type = form.word("type", &["express"])?.is_some();
    let mut by_controller = false;
    for (name, word) in CONTROLLER {
        by_controller |= form.word(name, &[word])?.is_some();
    }
    if by_type && by_controller {
        let message = "You may only specify one of these parameters: type, controller.";
        return Err(ApiError::invalid(message).param("type"));
    }
    let country = form.filled("country").unwrap_or("DE").to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        let error = ApiError::invalid(format!("Country '{country}' is unknown."));
        return Err(error.code("country_code_invalid").param("country"));
    }
    let mut capabilities = Vec::new();
    for name in ["card_payments", "transfers"] {
        if form.flag(&format!("capabilities[{name}][requested]"))? {
            capabilities.push(name.to_owned());
        }
    }
    if capabilities.is_empty() {
        // Accounts with a dashboard of Stripe's get the platform's default capabilities.
        capabilities = vec!["card_payments".to_owned(), "transfers".to_owned()];
    }
    let account = Account {
        id: format!("acct_{}", random::letters(16)),
        default_currency: currency_of(&country).to_owned(),
        country,
        email: validate::email(form, "email")?,
        capabilities,
        metadata: validate::metadata(form)?,
        created: work.now,
        details_submitted: false,
        charges_enabled: false,
        payouts_enabled: false,
        currently_due: names(REQUIRED),
        disabled_reason: Some("requirements.past_due".to_owned()),
        deauthorized: false,
    };
    let object = render::account(&account);
    work.state.accounts.add(account);
    Ok(object)
}

fn names(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

fn currency_of(country: &str) -> &'static str {
    match country {
        "US" => "usd",
        "GB" => "gbp",
        "CH" => "chf",
        "JP" => "jpy",
        _ => "eur",
    }
}

/// The account, when the platform has access to it. `param` is the parameter that named it.
pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Result<&'a Account, ApiError> {
    let account = state.accounts.get(id).filter(|account| !account.deauthorized);
    account.ok_or_else(|| match param {
        "account_id" => ApiError::no_access(id),
        "transfer_data[destination]" | "destination" => ApiError::missing("destination", id, param),
        param => ApiError::missing("account", id, param),
    })
}

/// The account, when it can receive transfers.
pub(super) fn receiver<'a>(state: &'a State, id: &str, param: &str) -> Result<&'a Account, ApiError> {
    let account = find(state, id, param)?;
    if account.charges_enabled && account.capabilities.iter().any(|name| name == "transfers") {
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

/// Ends the onboarding of an account.
pub(super) fn onboard(work: &mut Work, id: &str, outcome: Onboarding) -> Outcome {
    let before = render::account(find(work.state, id, "account")?);
    let (submitted, charges, payouts, due, reason) = match outcome {
        Onboarding::Complete => (true, true, true, "", None),
        Onboarding::Incomplete => {
            let due = "external_account tos_acceptance.date tos_acceptance.ip";
            (false, false, false, due, Some("requirements.past_due"))
        }
        Onboarding::Restricted => {
            (true, false, false, "individual.verification.document", Some("requirements.past_due"))
        }
        Onboarding::NoPayouts => (true, true, false, "external_account", None),
        Onboarding::UnderReview => (true, false, false, "", Some("under_review")),
        Onboarding::Rejected => (true, false, false, "", Some("rejected.other")),
    };
    work.state.accounts.change(id, |account| {
        account.details_submitted = submitted;
        account.charges_enabled = charges;
        account.payouts_enabled = payouts;
        account.currently_due = names(due);
        account.disabled_reason = reason.map(str::to_owned);
    });
    let after = render::account(find(work.state, id, "account")?);
    let previous = changed(&before, &after);
    if !previous.is_empty() {
        emit_change(work, "account.updated", after.clone(), Some(Value::Object(previous)), Some(id));
    }
    Ok(after)
}

/// Revokes the platform's access to an account, as its owner can. Its debts remain.
pub(super) fn deauthorize(work: &mut Work, id: &str) -> Outcome {
    find(work.state, id, "account")?;
    work.state.accounts.change(id, |account| account.deauthorized = true);
    let application = render::application();
    emit(work, "account.application.deauthorized", application.clone(), Some(id));
    Ok(application)
}

/// `POST /v1/account_links`.
pub(super) fn create_link(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&["account collect collection_options[*] expand[] refresh_url return_url type"])?;
    let id = form.required("account")?;
    if form.required("type")? != "account_onboarding" {
        let message = "You cannot create `account_update` type Account Links for this account.";
        return Err(ApiError::invalid(message).param("type"));
    }
    let link = AccountLink {
        id: random::letters(32),
        refresh_url: validate::url("refresh_url", form.required("refresh_url")?)?,
        return_url: validate::url("return_url", form.required("return_url")?)?,
        account: find(work.state, id, "account")?.id.clone(),
        expires_at: work.now + LINK_LASTS,
        visit: None,
        finished: false,
    };
    let url = work.address(&format!("connect/onboarding/{}", link.id));
    let expires_at = link.expires_at;
    work.state.account_links.add(link);
    Ok(json!({ "object": "account_link", "created": work.now, "expires_at": expires_at, "url": url }))
}
