//! The configuration, from environment variables.

use std::fmt::Display;
use std::str::FromStr;

use app::Settings;
use domain::payments::payout::MAX_PROVEN_SESSIONS;
use domain::{Currency, Rate};

/// An environment variable is missing or invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {must}")]
pub struct ConfigError {
    /// The name of the variable.
    pub name: &'static str,
    /// What the variable must be: the rest of the sentence after its name, such as "must be set".
    pub must: String,
}

/// The value of a variable that has no default.
///
/// # Errors
/// If the variable is not set, or is empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or_else(|| ConfigError { name, must: "must be set".to_owned() })
}

/// The value of an optional variable; `None` if it is not set, or is empty.
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether an optional variable is `true`; `false` if it is not set, or is empty.
///
/// # Errors
/// If it is neither `true` nor `false`.
pub fn flag(name: &'static str) -> Result<bool, ConfigError> {
    let Some(value) = optional(name) else { return Ok(false) };
    value
        .parse()
        .map_err(|_| ConfigError { name, must: format!("must be true or false, but is \"{value}\"") })
}

/// The settings of the use cases, from `PLATFORM_FEE_BASIS_POINTS`, `SETTLEMENT_CURRENCIES`, `PAYOUT_TIMING`,
/// `NEW_EXPERT_SESSIONS`, `HOLD_MINUTES`, `MAX_OPEN_HOLDS`, `MAX_OPEN_HOLDS_PER_EXPERT`, `MAX_UNPAID_HOLDS`,
/// `MAX_BOOKINGS_PER_DAY`, `MAX_PRICED_BOOKINGS`, `MAX_PRICED_BOOKINGS_PER_EXPERT`, `MAX_FREE_APPOINTMENTS`,
/// `MAX_FREE_APPOINTMENTS_PER_EXPERT`, `MAX_UNPAID_APPOINTMENTS`, `MAX_UNPAID_APPOINTMENTS_PER_EXPERT`,
/// `MAX_SEATS`, `MAX_CLIENT_PROPOSALS`, `MAX_ATTEMPTS_PER_ADDRESS`, `MAX_DECLINES_PER_PAYMENT`, `MAX_DECLINES_PER_CLIENT`,
/// `MAX_DECLINES_PER_ADDRESS`, `CHALLENGE_AFTER_DECLINES`, `LATE_CANCELLATION_HOURS`, `WARNING_AFTER_INCIDENTS`,
/// `SUSPENSION_AFTER_INCIDENTS`, `SUSPENSION_AFTER_LOST_DISPUTES`, `MAX_PRICE_OF_NEW_EXPERT`, `REFUND_BUDGET_PER_CLIENT`,
/// `REFUND_BUDGET_PER_EXPERT`, `PUBLIC_BASE_URL`, `ROLES_CLAIM`, `ROLE_PREFIX` and `API_SCOPE`. A variable that is not set has the value of
/// [`Settings::default`].
///
/// # Errors
/// If a variable has an invalid value.
pub fn settings() -> Result<Settings, ConfigError> {
    settings_from(|name| std::env::var(name).ok())
}

fn settings_from(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    if let Some(points) = variable("PLATFORM_FEE_BASIS_POINTS") {
        let rate = points.parse().ok().and_then(|points| Rate::from_basis_points(points).ok());
        settings.fee = rate.ok_or_else(|| ConfigError {
            name: "PLATFORM_FEE_BASIS_POINTS",
            must: format!("must be an integer from 0 to 10000, but is \"{points}\""),
        })?;
    }
    if let Some(codes) = variable("SETTLEMENT_CURRENCIES").filter(|codes| !codes.is_empty()) {
        let read: Result<_, _> =
            codes.split(',').map(|code| Currency::try_from(code.trim().to_owned())).collect();
        settings.currencies = read.map_err(|_| ConfigError {
            name: "SETTLEMENT_CURRENCIES",
            must: format!(
                "must be a comma-separated list of currency codes, such as EUR,USD, but is \"{codes}\""
            ),
        })?;
    }
    if let Some(name) = variable("PAYOUT_TIMING").filter(|name| !name.is_empty()) {
        settings.payout_timing = name.parse().map_err(|_| ConfigError {
            name: "PAYOUT_TIMING",
            must: format!("must be at_payment or after_session, but is \"{name}\""),
        })?;
    }
    if let Some(sessions) = variable("NEW_EXPERT_SESSIONS").filter(|sessions| !sessions.is_empty()) {
        let valid = sessions.parse().ok().filter(|sessions| *sessions <= MAX_PROVEN_SESSIONS);
        settings.new_expert_sessions = valid.ok_or_else(|| ConfigError {
            name: "NEW_EXPERT_SESSIONS",
            must: format!("must be an integer from 0 to {MAX_PROVEN_SESSIONS}, but is \"{sessions}\""),
        })?;
    }
    if let Some(minutes) = variable("HOLD_MINUTES") {
        let valid = minutes.parse().ok().filter(|minutes| (1..=1_440_i64).contains(minutes));
        let minutes = valid.ok_or_else(|| ConfigError {
            name: "HOLD_MINUTES",
            must: format!("must be an integer from 1 to 1440, but is \"{minutes}\""),
        })?;
        settings.hold_seconds = minutes * 60;
    }
    read_limits(&mut settings, &variable)?;
    if let Some(url) = variable("PUBLIC_BASE_URL") {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(ConfigError {
                name: "PUBLIC_BASE_URL",
                must: format!("must be an http or https URL, but is \"{url}\""),
            });
        }
        settings.public_base_url = url.trim_end_matches('/').to_owned();
    }
    let set = |name| variable(name).filter(|value: &String| !value.is_empty());
    settings.sign_in.roles_claim = set("ROLES_CLAIM").unwrap_or(settings.sign_in.roles_claim);
    settings.sign_in.role_prefix = set("ROLE_PREFIX").unwrap_or(settings.sign_in.role_prefix);
    settings.sign_in.scope = set("API_SCOPE").unwrap_or(settings.sign_in.scope);
    Ok(settings)
}

/// Reads what clients and experts may do at most.
fn read_limits(
    settings: &mut Settings,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    let limits = &mut settings.booking_limits;
    for (name, limit) in [
        ("MAX_OPEN_HOLDS", &mut limits.open_holds),
        ("MAX_OPEN_HOLDS_PER_EXPERT", &mut limits.open_holds_per_expert),
        ("MAX_UNPAID_HOLDS", &mut limits.unpaid_holds),
        ("MAX_BOOKINGS_PER_DAY", &mut limits.bookings_per_day),
        ("MAX_PRICED_BOOKINGS", &mut limits.priced_bookings),
        ("MAX_PRICED_BOOKINGS_PER_EXPERT", &mut limits.priced_bookings_per_expert),
        ("MAX_FREE_APPOINTMENTS", &mut limits.free_appointments),
        ("MAX_FREE_APPOINTMENTS_PER_EXPERT", &mut limits.free_appointments_per_expert),
        ("MAX_UNPAID_APPOINTMENTS", &mut limits.unpaid_appointments),
        ("MAX_UNPAID_APPOINTMENTS_PER_EXPERT", &mut limits.unpaid_appointments_per_expert),
        ("MAX_SEATS", &mut limits.seats),
        ("MAX_CLIENT_PROPOSALS", &mut limits.proposals),
    ] {
        *limit = maximum(variable, name, *limit, u16::MAX)?;
    }
    limits.attempts_per_address =
        maximum(variable, "MAX_ATTEMPTS_PER_ADDRESS", limits.attempts_per_address, u32::MAX)?;
    let declines = &mut settings.decline_limits;
    for (name, limit) in [
        ("MAX_DECLINES_PER_PAYMENT", &mut declines.per_payment),
        ("MAX_DECLINES_PER_CLIENT", &mut declines.per_client),
        ("MAX_DECLINES_PER_ADDRESS", &mut declines.per_address),
        ("CHALLENGE_AFTER_DECLINES", &mut declines.challenge_after),
    ] {
        *limit = maximum(variable, name, *limit, u16::MAX)?;
    }
    let rules = &mut settings.reliability;
    for (name, limit) in
        [("LATE_CANCELLATION_HOURS", &mut rules.late_hours), ("WARNING_AFTER_INCIDENTS", &mut rules.warning)]
    {
        *limit = maximum(variable, name, *limit, u16::MAX)?;
    }
    for (name, limit) in [
        ("SUSPENSION_AFTER_INCIDENTS", &mut rules.suspension),
        ("SUSPENSION_AFTER_LOST_DISPUTES", &mut rules.suspension_for_disputes),
    ] {
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else { continue };
        let number: u16 = text.parse().map_err(|_| ConfigError {
            name,
            must: format!("must be an integer from 0 to {}, but is \"{text}\"", u16::MAX),
        })?;
        // 0 leaves it to administrators.
        *limit = Some(number).filter(|number| *number > 0);
    }
    let budgets = &mut settings.refund_budgets;
    for (name, limit) in [
        ("MAX_PRICE_OF_NEW_EXPERT", &mut settings.new_expert_price),
        ("REFUND_BUDGET_PER_CLIENT", &mut budgets.per_client),
        ("REFUND_BUDGET_PER_EXPERT", &mut budgets.per_expert),
    ] {
        *limit = maximum(variable, name, *limit, u16::MAX)?;
    }
    Ok(())
}

/// The value of a limit, from 1 to `most`; `default` if the variable is not set.
fn maximum<T: FromStr + PartialOrd + From<u8> + Display>(
    variable: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: T,
    most: T,
) -> Result<T, ConfigError> {
    let Some(text) = variable(name).filter(|text| !text.is_empty()) else { return Ok(default) };
    text.parse().ok().filter(|limit| *limit >= T::from(1)).ok_or_else(|| ConfigError {
        name,
        must: format!("must be an integer from 1 to {most}, but is \"{text}\""),
    })
}

#[cfg(test)]
mod tests {
    use domain::payments::payout::PayoutTiming;
    use domain::scheduling::booking_limits::BookingLimits;

    use super::*;

    #[test]
    fn settings_are_read_and_an_error_names_its_variable() {
        let with = |name: &'static str, value: &'static str| {
            settings_from(move |variable| (variable == name).then(|| value.to_owned()))
        };
        assert_eq!(with("HOLD_MINUTES", "5").expect("valid").hold_seconds, 300);
        assert_eq!(
            with("PUBLIC_BASE_URL", "https://a.example/").expect("valid").public_base_url,
            "https://a.example"
        );
        let currencies = with("SETTLEMENT_CURRENCIES", "EUR, USD").expect("valid").currencies;
        assert_eq!(currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>(), ["EUR", "USD"]);
        assert_eq!(with("SETTLEMENT_CURRENCIES", "").expect("valid").currencies, []);
        let timing = |name| with("PAYOUT_TIMING", name).expect("valid").payout_timing;
        assert_eq!((timing("at_payment"), timing("")), (PayoutTiming::AtPayment, PayoutTiming::AfterSession));
        assert_eq!(with("ROLES_CLAIM", "roles").expect("valid").sign_in.roles_claim, "roles");
        assert_eq!(with("ROLES_CLAIM", "").expect("valid").sign_in.roles_claim, "cognito:groups");
        assert_eq!(with("ROLE_PREFIX", "/").expect("valid").sign_in.role_prefix, "/");
        assert_eq!(with("API_SCOPE", "api").expect("valid").sign_in.scope, "api");
        assert_eq!(with("NEW_EXPERT_SESSIONS", "0").expect("valid").new_expert_sessions, 0);
        let limits = |name, value| with(name, value).expect("valid").booking_limits;
        let default = BookingLimits::default();
        assert_eq!(limits("MAX_OPEN_HOLDS", ""), default);
        assert_eq!(limits("MAX_OPEN_HOLDS", "5"), BookingLimits { open_holds: 5, ..default.clone() });
        assert_eq!(
            limits("MAX_FREE_APPOINTMENTS_PER_EXPERT", "1"),
            BookingLimits { free_appointments_per_expert: 1, ..default.clone() }
        );
        assert_eq!(
            limits("MAX_UNPAID_APPOINTMENTS", "9"),
            BookingLimits { unpaid_appointments: 9, ..default.clone() }
        );
        assert_eq!(
            limits("MAX_ATTEMPTS_PER_ADDRESS", "70000"),
            BookingLimits { attempts_per_address: 70_000, ..default }
        );
        assert_eq!(with("MAX_DECLINES_PER_PAYMENT", "7").expect("valid").decline_limits.per_payment, 7);
        let suspension =
            |value| with("SUSPENSION_AFTER_INCIDENTS", value).expect("valid").reliability.suspension;
        assert_eq!([suspension(""), suspension("0"), suspension("5")], [None, None, Some(5)]);
        let disputes = |value| {
            let settings = with("SUSPENSION_AFTER_LOST_DISPUTES", value).expect("valid");
            settings.reliability.suspension_for_disputes
        };
        assert_eq!([disputes(""), disputes("0"), disputes("5")], [Some(2), None, Some(5)]);
        for (name, value) in [
            ("SUSPENSION_AFTER_INCIDENTS", "-1"),
            ("SUSPENSION_AFTER_INCIDENTS", "never"),
            ("SUSPENSION_AFTER_LOST_DISPUTES", "never"),
            ("MAX_OPEN_HOLDS", "0"),
            ("MAX_DECLINES_PER_CLIENT", "0"),
            ("MAX_BOOKINGS_PER_DAY", "65536"),
            ("MAX_ATTEMPTS_PER_ADDRESS", "-1"),
            ("SETTLEMENT_CURRENCIES", "EUR;USD"),
            ("SETTLEMENT_CURRENCIES", "EUR,"),
            ("PAYOUT_TIMING", "later"),
            ("NEW_EXPERT_SESSIONS", "21"),
            ("HOLD_MINUTES", "0"),
            ("HOLD_MINUTES", "x"),
            ("PLATFORM_FEE_BASIS_POINTS", "10001"),
            ("PLATFORM_FEE_BASIS_POINTS", "-1"),
            ("PUBLIC_BASE_URL", "example.org"),
        ] {
            assert_eq!(with(name, value).expect_err("invalid").name, name, "{value}");
        }
    }
}
