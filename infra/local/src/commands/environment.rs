//! Settings from environment variables.

use std::env::VarError;
use std::path::PathBuf;

use app::Settings;
use app::ports::Secret;
use providers::challenge::TURNSTILE;
use providers::ecb::DAILY_RATES;
use url::Url;

use super::Failure;
use crate::{ChallengeConfig, ListenPorts, PayPalKeys};

/// The value of a variable; `None` if it is not set, or is empty.
pub(super) fn text(name: &'static str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(Failure::Environment { name, must: "must be valid Unicode".to_owned() })
        }
    }
}

fn port(name: &'static str, default: u16) -> Result<u16, Failure> {
    let Some(text) = text(name)? else { return Ok(default) };
    text.parse().map_err(|_| Failure::Environment {
        name,
        must: format!("must be a port from 0 to 65535, but is {text:?}"),
    })
}

/// The ports to listen on.
pub(super) fn ports() -> Result<ListenPorts, Failure> {
    Ok(ListenPorts {
        api: port("EXPERT_CONNECT_PORT", 8080)?,
        stripe: port("EXPERT_CONNECT_STRIPE_PORT", 8081)?,
        sign_in: port("EXPERT_CONNECT_SIGN_IN_PORT", 8082)?,
        database: port("EXPERT_CONNECT_DATABASE_PORT", 8083)?,
        ecb: port("EXPERT_CONNECT_ECB_PORT", 8084)?,
        paypal: port("EXPERT_CONNECT_PAYPAL_PORT", 8085)?,
    })
}

/// The data folder.
pub(super) fn data() -> PathBuf {
    let folder = std::env::var_os("EXPERT_CONNECT_DATA").filter(|folder| !folder.is_empty());
    folder.map_or_else(|| PathBuf::from(".expert-connect"), PathBuf::from)
}

/// The settings of the use cases, which the functions on AWS read too.
pub(super) fn settings() -> Result<Settings, Failure> {
    http_api::config::settings().map_err(|error| Failure::Environment { name: error.name, must: error.must })
}

/// The URL of real exchange rates, if it is set.
pub(super) fn ecb_rates_url() -> Result<Option<Url>, Failure> {
    const NAME: &str = "ECB_RATES_URL";
    let Some(text) = text(NAME)? else { return Ok(None) };
    let url = text.parse().ok().filter(|url: &Url| matches!(url.scheme(), "https" | "http"));
    let must = format!("must be the URL of a file of exchange rates, such as {DAILY_RATES}, but is {text:?}");
    url.map(Some).ok_or(Failure::Environment { name: NAME, must })
}

/// The service of challenges, if its keys are set. It is Cloudflare Turnstile unless `CHALLENGE_VERIFY_URL` is set.
pub(super) fn challenges() -> Result<Option<ChallengeConfig>, Failure> {
    const NAMES: [&str; 2] = ["CHALLENGE_SITE_KEY", "CHALLENGE_SECRET_KEY"];
    const URL: &str = "CHALLENGE_VERIFY_URL";
    let missing = |name, other| {
        let must = format!("must be set too, because {other} is set: challenges need both");
        Err(Failure::Environment { name, must })
    };
    let [site, secret] = NAMES;
    let (site_key, secret_key) = match (text(site)?, text(secret)?) {
        (Some(site_key), Some(secret_key)) => (site_key, Secret::new(secret_key)),
        (None, None) => return Ok(None),
        (Some(_), None) => return missing(secret, site),
        (None, Some(_)) => return missing(site, secret),
    };
    let url = text(URL)?.unwrap_or_else(|| TURNSTILE.to_owned());
    let verify_url = url.parse().ok().filter(|url: &Url| matches!(url.scheme(), "https" | "http"));
    let must = format!("must be the URL at which tokens are verified, such as {TURNSTILE}, but is {url:?}");
    let verify_url = verify_url.ok_or(Failure::Environment { name: URL, must })?;
    Ok(Some(ChallengeConfig { site_key, secret_key, verify_url }))
}

/// The origins whose pages may use the API.
pub(super) fn cors_origins() -> Result<Vec<String>, Failure> {
    const NAME: &str = "CORS_ORIGINS";
    let text = text(NAME)?.unwrap_or_default();
    let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    origins
        .map(|origin| {
            let is_origin =
                |url: &Url| url.origin().is_tuple() && url.origin().ascii_serialization() == origin;
            let must =
                format!("must be a list of origins such as https://app.example.org, but contains {origin:?}");
            let known = origin.parse().is_ok_and(|url| is_origin(&url));
            if known { Ok(origin.to_owned()) } else { Err(Failure::Environment { name: NAME, must }) }
        })
        .collect()
}

/// The keys of a Stripe account, if they are set: the secret key and the webhook secret.
pub(super) fn stripe_keys() -> Result<Option<(Secret, Secret)>, Failure> {
    const KEY: &str = "STRIPE_SECRET_KEY";
    const WEBHOOK: &str = "STRIPE_WEBHOOK_SECRET";
    let missing = |name, other| {
        let must = format!("must be set too, because {other} is set: Stripe needs both");
        Err(Failure::Environment { name, must })
    };
    match (text(KEY)?, text(WEBHOOK)?) {
        (Some(key), Some(webhook)) => Ok(Some((Secret::new(key), Secret::new(webhook)))),
        (None, None) => Ok(None),
        (Some(_), None) => missing(WEBHOOK, KEY),
        (None, Some(_)) => missing(KEY, WEBHOOK),
    }
}

/// The keys of a PayPal application, if they are set. They belong to PayPal's sandbox unless `PAYPAL_API_BASE` is set.
pub(super) fn paypal_keys() -> Result<Option<PayPalKeys>, Failure> {
    const NAMES: [&str; 4] =
        ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_PARTNER_ID", "PAYPAL_WEBHOOK_ID"];
    const BASE: &str = "PAYPAL_API_BASE";
    let mut values = Vec::new();
    for name in NAMES {
        values.push(text(name)?);
    }
    if values.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let Some((name, _)) = NAMES.into_iter().zip(&values).find(|(_, value)| value.is_none()) {
        let must = format!("must be set too, because PayPal needs all of {}", NAMES.join(", "));
        return Err(Failure::Environment { name, must });
    }
    let base = text(BASE)?.unwrap_or_else(|| "https://api-m.sandbox.paypal.com/".to_owned());
    let api_base = base.parse().ok().filter(|url: &Url| matches!(url.scheme(), "https" | "http"));
    let must = format!("must be the URL of PayPal's API, but is {base:?}");
    let api_base = api_base.ok_or(Failure::Environment { name: BASE, must })?;
    let mut values = values.into_iter().map(Option::unwrap_or_default);
    let mut next = || values.next().unwrap_or_default();
    let client_id = next();
    let client_secret = Secret::new(next());
    let (partner_id, webhook_id) = (next(), next());
    Ok(Some(PayPalKeys { client_id, client_secret, partner_id, webhook_id, api_base, webhook_roots: None }))
}

/// Whether PayPal may hold the experts' shares.
pub(super) fn paypal_delayed_disbursement(default: bool) -> Result<bool, Failure> {
    const NAME: &str = "PAYPAL_DELAYED_DISBURSEMENT";
    let Some(text) = text(NAME)? else { return Ok(default) };
    text.parse().map_err(|_| Failure::Environment {
        name: NAME,
        must: format!("must be true or false, but is {text:?}"),
    })
}
