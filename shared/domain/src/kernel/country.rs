//! Countries.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::interned::Name;
use crate::Currency;

/// A country, as its ISO 3166-1 alpha-2 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(Name);

/// The text is not the code of a country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the two-letter ISO 3166-1 code of a country, such as DE")]
pub struct InvalidCountry;

impl Country {
    /// Returns the country of a stored row. Unlike parsing, it also accepts a code that has been withdrawn since the row was
    /// stored.
    pub fn from_stored(code: &str) -> Self {
        Self(Name::from_stored(code))
    }

    /// Returns the currency of prices in this country; `None` if it has none that can be charged.
    ///
    /// Where several currencies are in use, it is the one that the fewest countries share, such as the gourde before the
    /// dollar in Haiti.
    pub fn currency(self) -> Option<Currency> {
        let country: iso_currency::Country = self.0.as_str().parse().ok()?;
        let used = Currency::in_use().map(|currency| (currency.used_by(), currency.code()));
        let here = used.filter(|(countries, _)| countries.contains(&country));
        let (_, code) = here.min_by_key(|(countries, _)| countries.len())?;
        Currency::try_from(code.to_owned()).ok().filter(|currency| currency.is_chargeable())
    }
}

impl TryFrom<String> for Country {
    type Error = InvalidCountry;

    fn try_from(code: String) -> Result<Self, InvalidCountry> {
        let country: iso_currency::Country = code.parse().map_err(|_| InvalidCountry)?;
        // The table also contains an unspecified country with an empty code.
        let is_code = code.len() == 2 && country.to_string() == code;
        if is_code { Ok(Self::from_stored(&code)) } else { Err(InvalidCountry) }
    }
}

impl fmt::Display for Country {
    /// Writes the two-letter code, because country names change and depend on the language.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str())
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl JsonSchema for Country {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "country",
            "pattern": "^[A-Z]{2}$",
            "description": "ISO 3166-1 alpha-2 code",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schema_describes_the_code() {
        assert_eq!(schemars::schema_for!(Country).get("pattern"), Some(&"^[A-Z]{2}$".into()));
    }

    fn country(code: &str) -> Country {
        Country::try_from(code.to_owned()).expect("a country")
    }

    #[test]
    fn currency_of_a_country_is_the_one_in_general_use() {
        for (code, currency) in [
            ("DE", "EUR"),
            ("HR", "EUR"),
            ("BG", "EUR"),
            ("GB", "GBP"),
            ("US", "USD"),
            ("CH", "CHF"),
            ("JP", "JPY"),
            ("IN", "INR"),
            ("HT", "HTG"),
            ("PA", "PAB"),
            ("MX", "MXN"),
            ("CL", "CLP"),
            ("UY", "UYU"),
        ] {
            assert_eq!(country(code).currency().map(Currency::code), Some(currency), "{code}");
        }
        assert_eq!(country("AQ").currency(), None);
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_codes_never_panics(code in ".{0,4}") {
            if let Ok(country) = Country::try_from(code.clone()) {
                prop_assert_eq!(String::from(country), code);
            }
        }
    }
}
