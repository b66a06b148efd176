//! Settings from the environment.

use std::env::VarError;
use std::path::PathBuf;

use app::Settings;
use app::ports::Secret;
use providers::ecb::DAILY_RATES;
use url::Url;

use super::Failure;
use crate::Ports;

/// The text of a variable; none when it is not set, or empty.
pub(super) fn text(name: &'static str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::Environment { name, must: "must be text".to_owned() }),
    }
}

fn port(name: &'static str, usual: u16) -> Result<u16, Failure> {
    let Some(text) = text(name)? else { return Ok(usual) };
    text.parse().map_err(|_| Failure::Environment {
        name,
        must: format!("must be a port, from 0 to 65535, and is {text:?}"),
    })
}

/// Where everything listens.
pub(super) fn ports() -> Result<Ports, Failure> {
    Ok(Ports {
        api: port("EXPERT_CONNECT_PORT", 8080)?,
        stripe: port("EXPERT_CONNECT_STRIPE_PORT", 8081)?,
        sign_in: port("EXPERT_CONNECT_SIGN_IN_PORT", 8082)?,
        database: port("EXPERT_CONNECT_DATABASE_PORT", 8083)?,
        ecb: port("EXPERT_CONNECT_ECB_PORT", 8084)?,
    })
}

/// The data folder.
pub(super) fn data() -> PathBuf {
    let folder = std::env::var_os("EXPERT_CONNECT_DATA").filter(|folder| !folder.is_empty());
    folder.map_or_else(|| PathBuf::from(".expert-connect"), PathBuf::from)
}

/// The settings that the deployed functions have too.
pub(super) fn settings() -> Result<Settings, Failure> {
    http_api::config::settings().map_err(|error| Failure::Environment { name: error.name, must: error.must })
}

/// Where the real exchange rates are.
pub(super) fn ecb_rates_url() -> Result<Option<Url>, Failure> {
    const NAME: &str = "ECB_RATES_URL";
    let Some(text) = text(NAME)? else { return Ok(None) };
    let url = text.parse().ok().filter(|url: &Url| matches!(url.scheme(), "https" | "http"));
    let must = format!("must be the URL of a file of exchange rates, such as {DAILY_RATES}, and is {text:?}");
    url.map(Some).ok_or(Failure::Environment { name: NAME, must })
}

/// Real keys of Stripe: the secret key and the webhook secret.
pub(super) fn stripe_keys() -> Result<Option<(Secret, Secret)>, Failure> {
    const KEY: &str = "STRIPE_SECRET_KEY";
    const WEBHOOK: &str = "STRIPE_WEBHOOK_SECRET";
    let missing = |name, other| {
        let must =
            format!("must be set when {other} is: Stripe's events could not be checked, or sent, without it");
        Err(Failure::Environment { name, must })
    };
    match (text(KEY)?, text(WEBHOOK)?) {
        (Some(key), Some(webhook)) => Ok(Some((Secret::new(key), Secret::new(webhook)))),
        (None, None) => Ok(None),
        (Some(_), None) => missing(WEBHOOK, KEY),
        (None, Some(_)) => missing(KEY, WEBHOOK),
    }
}
