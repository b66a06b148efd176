//! What the operator chooses, from the environment.

use app::Settings;
use domain::{Currency, Rate};

/// A variable of the environment cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {must}")]
pub struct ConfigError {
    /// Its name.
    pub name: &'static str,
    /// What it must be.
    pub must: String,
}

/// The value of a variable that has no default.
///
/// # Errors
/// When it is not set.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or_else(|| ConfigError { name, must: "must be set".to_owned() })
}

/// The value of a variable that has a default; none when it is not set, or empty.
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The settings of the use cases: `PLATFORM_FEE_BASIS_POINTS`, `SETTLEMENT_CURRENCIES`, `HOLD_MINUTES` and `PUBLIC_BASE_URL`, each with
/// the default of [`Settings::default`].
///
/// # Errors
/// When one is set to something else than it must be.
pub fn settings() -> Result<Settings, ConfigError> {
    settings_from(|name| std::env::var(name).ok())
}

fn settings_from(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    if let Some(points) = variable("PLATFORM_FEE_BASIS_POINTS") {
        let rate = points.parse().ok().and_then(|points| Rate::from_basis_points(points).ok());
        settings.fee = rate.ok_or_else(|| ConfigError {
            name: "PLATFORM_FEE_BASIS_POINTS",
            must: format!("must be a whole number from 0 to 10000, and is \"{points}\""),
        })?;
    }
    if let Some(codes) = variable("SETTLEMENT_CURRENCIES").filter(|codes| !codes.is_empty()) {
        let read: Result<_, _> =
            codes.split(',').map(|code| Currency::try_from(code.trim().to_owned())).collect();
        settings.currencies = read.map_err(|_| ConfigError {
            name: "SETTLEMENT_CURRENCIES",
            must: format!(
                "must be codes of currencies with commas between them, such as EUR,USD, and is \"{codes}\""
            ),
        })?;
    }
    if let Some(minutes) = variable("HOLD_MINUTES") {
        let held = minutes.parse().ok().filter(|minutes| (1..=1_440_i64).contains(minutes));
        let held = held.ok_or_else(|| ConfigError {
            name: "HOLD_MINUTES",
            must: format!("must be a whole number from 1 to 1440, and is \"{minutes}\""),
        })?;
        settings.hold_seconds = held * 60;
    }
    if let Some(url) = variable("PUBLIC_BASE_URL") {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(ConfigError {
                name: "PUBLIC_BASE_URL",
                must: format!("must be a URL, and is \"{url}\""),
            });
        }
        settings.public_base_url = url.trim_end_matches('/').to_owned();
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings_and_says_what_is_wrong() {
        let one = |name: &'static str, value: &'static str| {
            settings_from(move |wanted| (wanted == name).then(|| value.to_owned()))
        };
        assert_eq!(one("HOLD_MINUTES", "5").expect("valid").hold_seconds, 300);
        assert_eq!(
            one("PUBLIC_BASE_URL", "https://a.example/").expect("valid").public_base_url,
            "https://a.example"
        );
        let euros_and_dollars = one("SETTLEMENT_CURRENCIES", "EUR, USD").expect("valid").currencies;
        assert_eq!(euros_and_dollars.iter().map(|one| one.code()).collect::<Vec<_>>(), ["EUR", "USD"]);
        assert_eq!(one("SETTLEMENT_CURRENCIES", "").expect("valid").currencies, []);
        for (name, value) in [
            ("SETTLEMENT_CURRENCIES", "EUR;USD"),
            ("SETTLEMENT_CURRENCIES", "EUR,"),
            ("HOLD_MINUTES", "0"),
            ("HOLD_MINUTES", "x"),
            ("PLATFORM_FEE_BASIS_POINTS", "10001"),
            ("PLATFORM_FEE_BASIS_POINTS", "-1"),
            ("PUBLIC_BASE_URL", "example.org"),
        ] {
            assert_eq!(one(name, value).expect_err("invalid").name, name, "{value}");
        }
    }
}
