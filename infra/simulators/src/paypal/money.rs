//! Amounts: integer minor units inside, decimal strings on the wire.
//! Source: <https://developer.paypal.com/api/rest/reference/currency-codes/>.

use serde::Deserialize;
use serde_json::{Value, json};

use super::api_error::ApiError;
use crate::balances;

/// The currencies that PayPal takes payments in.
const CODES: &str = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB \
    TWD USD";

/// The currencies that PayPal gives no decimals, whatever ISO 4217 says.
const WITHOUT_DECIMALS: &str = "HUF JPY TWD";

/// The largest amount that the simulator takes, in minor units: small enough that no sum of the books overflows.
const MAXIMUM: i64 = 99_999_999_999;

/// An amount as it is written in a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    currency_code: String,
    value: String,
}

/// An amount in minor units with its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) minor: i64,
    pub(super) currency: String,
}

impl Wire {
    /// The amount, which must be positive. `field` is its place in the request.
    pub(super) fn positive(&self, field: &str) -> Result<Money, ApiError> {
        let money = self.read(field)?;
        if money.minor < 1 {
            return Err(ApiError::unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE").at(field, &self.value));
        }
        Ok(money)
    }

    /// The amount, which may be zero.
    pub(super) fn not_negative(&self, field: &str) -> Result<Money, ApiError> {
        let money = self.read(field)?;
        if money.minor < 0 {
            return Err(ApiError::unprocessable("CANNOT_BE_NEGATIVE").at(field, &self.value));
        }
        Ok(money)
    }

    fn read(&self, field: &str) -> Result<Money, ApiError> {
        let code = format!("{field}/currency_code");
        if self.currency_code.len() != 3 {
            return Err(ApiError::bad_request("INVALID_STRING_LENGTH").at(&code, &self.currency_code));
        }
        if !balances::listed(CODES, &self.currency_code) {
            return Err(ApiError::unprocessable("INVALID_CURRENCY_CODE").at(&code, &self.currency_code));
        }
        let minor = parse(&self.value, &self.currency_code);
        let minor = minor.map_err(|error| error.at(&format!("{field}/value"), &self.value))?;
        Ok(Money { minor, currency: self.currency_code.clone() })
    }
}

/// The amount that a request names, or else all that is `left`. `mismatch` and `exceeded` are the issues for
/// another currency and for more than is left.
pub(super) fn requested(
    amount: Option<&Wire>,
    left: i64,
    currency: &str,
    mismatch: &'static str,
    exceeded: &'static str,
) -> Result<Money, ApiError> {
    let Some(amount) = amount else { return Ok(Money { minor: left, currency: currency.to_owned() }) };
    let amount = amount.positive("/amount")?;
    if amount.currency != currency {
        return Err(ApiError::unprocessable(mismatch).at("/amount/currency_code", &amount.currency));
    }
    if amount.minor > left {
        let value = value(amount.minor, &amount.currency);
        return Err(ApiError::unprocessable(exceeded).at("/amount/value", &value));
    }
    Ok(amount)
}

/// Reads `12`, `12.5` or `-12.50`. PayPal's pattern also allows `.50`.
fn parse(text: &str, currency: &str) -> Result<i64, ApiError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let syntax = || ApiError::bad_request("INVALID_PARAMETER_SYNTAX");
    let empty = unsigned.is_empty() || unsigned.ends_with('.');
    if empty || text.len() > 32 || !digits(whole) || !digits(decimals) {
        return Err(syntax());
    }
    let places = exponent(currency) as usize;
    if places == 0 && !decimals.is_empty() {
        return Err(ApiError::unprocessable("DECIMALS_NOT_SUPPORTED"));
    }
    if decimals.len() > places {
        return Err(ApiError::unprocessable("DECIMAL_PRECISION"));
    }
    // At most 34 digits, which an i128 holds.
    let all = format!("{whole}{decimals:0<places$}");
    let amount: i128 = all.parse().map_err(|_| syntax())?;
    let amount = i64::try_from(amount).ok().filter(|amount| *amount <= MAXIMUM);
    let amount = amount.ok_or_else(|| ApiError::unprocessable("MAX_VALUE_EXCEEDED"))?;
    Ok(if unsigned.len() < text.len() { -amount } else { amount })
}

/// The number of decimals of a currency.
pub(super) fn exponent(currency: &str) -> u32 {
    if balances::listed(WITHOUT_DECIMALS, currency) { 0 } else { 2 }
}

/// The amount as PayPal writes it, with all decimals of its currency.
pub(super) fn value(minor: i64, currency: &str) -> String {
    balances::decimal(minor, exponent(currency))
}

/// The JSON object for an amount.
pub(super) fn json(minor: i64, currency: &str) -> Value {
    json!({ "currency_code": currency, "value": value(minor, currency) })
}

#[cfg(test)]
mod tests {
    use super::{MAXIMUM, value};

    fn parse(text: &str, currency: &str) -> Result<i64, String> {
        let issue = |error| crate::simulator::Refused::from(error).code.unwrap_or_default();
        super::parse(text, currency).map_err(issue)
    }

    #[test]
    fn values_have_the_digits_of_their_currency() {
        assert_eq!(parse("12.50", "EUR"), Ok(1250));
        assert_eq!(parse("12.5", "EUR"), Ok(1250));
        assert_eq!(parse("12", "EUR"), Ok(1200));
        assert_eq!(parse(".05", "EUR"), Ok(5));
        assert_eq!(parse("-0.05", "EUR"), Ok(-5));
        assert_eq!(parse("500", "JPY"), Ok(500));
        assert_eq!(parse("500.0", "JPY"), Err("DECIMALS_NOT_SUPPORTED".to_owned()));
        assert_eq!(parse("1.005", "EUR"), Err("DECIMAL_PRECISION".to_owned()));
        assert_eq!(parse("999999999999999.99", "EUR"), Err("MAX_VALUE_EXCEEDED".to_owned()));
        for wrong in ["", "-", "1.", "1,5", "1e3", "+1", " 1", "--1", "1.2.3", "٣", &"1".repeat(33)] {
            assert_eq!(parse(wrong, "EUR"), Err("INVALID_PARAMETER_SYNTAX".to_owned()), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for minor in [0, 1, 99, 100, 1250, -1, -12_345, MAXIMUM] {
            for currency in ["EUR", "JPY", "HUF"] {
                assert_eq!(parse(&value(minor, currency), currency), Ok(minor));
            }
        }
        assert_eq!((value(1250, "EUR"), value(1250, "JPY")), ("12.50".to_owned(), "1250".to_owned()));
    }
}
