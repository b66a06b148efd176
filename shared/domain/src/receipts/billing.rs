//! Who an expert is to the tax office, and how much of a price is tax.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Rate;
use crate::kernel::text::ShortText;
use crate::receipts::tax::Tax;

/// Most lines of a postal address.
pub const MAXIMUM_ADDRESS_LINES: usize = 6;

/// What stands on the receipts that an expert issues. Receipts keep what was set when they were issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingDetails {
    /// Who issues: a person's or a company's full name.
    pub legal_name: ShortText,
    /// The postal address without the country, as on an envelope.
    pub address: Address,
    /// The country of the address.
    pub country: Country,
    /// What the tax office knows the issuer by, such as a VAT identification number.
    #[serde(default)]
    pub tax_id: Option<ShortText>,
    /// The tax that prices include; receipts say nothing of tax without it.
    #[serde(default)]
    pub tax: Option<TaxChoice>,
}

/// Where the tax comes from that prices include. It is never both.
///
/// Written as `{"label": "VAT", "rate": 1900}` or as `{"calculated_by": "stripe"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenTax", into = "WrittenTax")]
pub enum TaxChoice {
    /// The expert says what it is.
    Own(Tax),
    /// Stripe Tax calculates it for each payment, from where the client is and what the expert is registered for
    /// (<https://docs.stripe.com/tax>).
    Stripe,
}

/// A choice of tax as it is written. One flat object, so that what is wrong with a member is said of that member.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTax {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<ShortText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calculated_by: Option<Calculator>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Calculator {
    Stripe,
}

/// Neither a tax of one's own nor a calculated one, or both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a label and a rate, or calculated_by and nothing else")]
pub struct InvalidTaxChoice;

impl TryFrom<WrittenTax> for TaxChoice {
    type Error = InvalidTaxChoice;

    fn try_from(written: WrittenTax) -> Result<Self, InvalidTaxChoice> {
        match written {
            WrittenTax { label: Some(label), rate: Some(rate), calculated_by: None } => {
                Ok(Self::Own(Tax { label, rate }))
            }
            WrittenTax { label: None, rate: None, calculated_by: Some(Calculator::Stripe) } => {
                Ok(Self::Stripe)
            }
            _ => Err(InvalidTaxChoice),
        }
    }
}

impl From<TaxChoice> for WrittenTax {
    fn from(choice: TaxChoice) -> Self {
        match choice {
            TaxChoice::Own(Tax { label, rate }) => {
                Self { label: Some(label), rate: Some(rate), calculated_by: None }
            }
            TaxChoice::Stripe => Self { label: None, rate: None, calculated_by: Some(Calculator::Stripe) },
        }
    }
}

impl JsonSchema for TaxChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TaxChoice".into()
    }

    fn json_schema(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A tax of the expert's own, or one that Stripe Tax calculates for each payment",
            "anyOf": [
                schemas.subschema_for::<Tax>(),
                {
                    "type": "object",
                    "properties": { "calculated_by": { "const": "stripe" } },
                    "required": ["calculated_by"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// The lines of a postal address: one to [`MAXIMUM_ADDRESS_LINES`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ShortText>")]
pub struct Address(Vec<ShortText>);

/// No line, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an address has 1 to {MAXIMUM_ADDRESS_LINES} lines")]
pub struct InvalidAddress;

impl Address {
    /// The lines, first to last.
    pub fn lines(&self) -> &[ShortText] {
        &self.0
    }
}

impl TryFrom<Vec<ShortText>> for Address {
    type Error = InvalidAddress;

    fn try_from(lines: Vec<ShortText>) -> Result<Self, InvalidAddress> {
        if (1..=MAXIMUM_ADDRESS_LINES).contains(&lines.len()) { Ok(Self(lines)) } else { Err(InvalidAddress) }
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(schemas: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": schemas.subschema_for::<ShortText>(),
            "minItems": 1,
            "maxItems": MAXIMUM_ADDRESS_LINES,
        })
    }
}

/// A country, by its two letters of ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(iso_currency::Country);

/// The text is not the code of a country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the two-letter ISO 3166-1 code of a country, such as DE")]
pub struct InvalidCountry;

impl TryFrom<String> for Country {
    type Error = InvalidCountry;

    fn try_from(code: String) -> Result<Self, InvalidCountry> {
        let country = code.parse().map(Self).map_err(|_| InvalidCountry)?;
        // The table also knows an unspecified country, whose code is empty.
        if code.len() == 2 && country.to_string() == code { Ok(country) } else { Err(InvalidCountry) }
    }
}

impl fmt::Display for Country {
    /// The two letters: names change, and differ by who is asked.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
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
            "pattern": "^[A-Z]{2}$",
            "description": "ISO 3166-1 alpha-2 code",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::kernel::money::MAXIMUM_AMOUNT;
    use crate::receipts::tax::tax_included;
    use crate::{Currency, Money};

    /// Every currency in use that has a minor unit.
    fn currencies() -> Vec<Currency> {
        let letters = || (b'A'..=b'Z').map(char::from);
        letters()
            .flat_map(|one| letters().flat_map(move |two| letters().map(move |three| [one, two, three])))
            .filter_map(|code| Currency::try_from(String::from_iter(code)).ok())
            .collect()
    }

    fn split(amount: u64, points: u16) -> (u64, u64) {
        let total = Money::new(amount, Currency::EUR).expect("in range");
        let (net, tax) = tax_included(total, Rate::from_basis_points(points).expect("in range").into());
        (net.amount(), tax.amount())
    }

    #[test]
    fn the_tax_inside_a_price_is_rounded_half_up() {
        assert_eq!(split(11_900, 1_900), (10_000, 1_900));
        // 0.5 of 1.5 goes up, and what is left is less.
        assert_eq!(split(1, 10_000), (0, 1));
        assert_eq!(split(3, 10_000), (1, 2));
        assert_eq!(split(100, 0), (100, 0));
        assert_eq!(split(0, 1_900), (0, 0));
        assert_eq!(split(MAXIMUM_AMOUNT, 10_000), (49_999_999, 50_000_000));
    }

    #[test]
    fn every_currency_has_its_two_parts() {
        let all = currencies();
        assert!(["EUR", "JPY", "KWD"].iter().all(|code| all.iter().any(|known| known.code() == *code)));
        for currency in all {
            for amount in [0, 1, 2, 7, 99, 1_234_567, MAXIMUM_AMOUNT] {
                for points in [0, 1, 550, 770, 1_900, 2_500, 10_000] {
                    let total = Money::new(amount, currency).expect("in range");
                    let (net, tax) =
                        tax_included(total, Rate::from_basis_points(points).expect("in range").into());
                    assert_eq!(net.amount() + tax.amount(), amount, "{total} {points}");
                    assert_eq!((net.currency(), tax.currency()), (currency, currency));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn net_and_tax_add_up_and_the_tax_is_the_nearest(amount in 0..=MAXIMUM_AMOUNT, points in 0_u16..=10_000) {
            let (net, tax) = split(amount, points);
            prop_assert_eq!(net + tax, amount);
            let (whole, exact) = (10_000 + i128::from(points), i128::from(amount) * i128::from(points));
            // |tax − exact ÷ whole| ≤ ½, and exactly ½ only upwards.
            let twice_off = 2 * (i128::from(tax) * whole - exact);
            prop_assert!(-whole < twice_off && twice_off <= whole);
        }

        #[test]
        fn strangers_codes_never_panic(code in ".{0,4}") {
            if let Ok(country) = Country::try_from(code.clone()) {
                prop_assert_eq!(String::from(country), code);
            }
        }
    }

    #[test]
    fn the_api_says_what_details_are() {
        let country = schemars::schema_for!(Country);
        assert_eq!(country.get("pattern"), Some(&"^[A-Z]{2}$".into()));
        let address = schemars::schema_for!(Address);
        assert_eq!((address.get("minItems"), address.get("maxItems")), (Some(&1.into()), Some(&6.into())));
        let choices = schemars::schema_for!(TaxChoice);
        assert_eq!(choices.get("anyOf").and_then(|any| any.as_array()).map(Vec::len), Some(2));
    }

    #[test]
    fn details_that_cannot_be_are_refused() {
        let good = json!({
            "legal_name": "Ada Lovelace Ltd",
            "address": ["12 St James's Square", "London SW1Y 4JH"],
            "country": "GB",
            "tax_id": "GB123456789",
            "tax": { "label": "VAT", "rate": 2_000 },
        });
        let read = |value| serde_json::from_value::<BillingDetails>(value);
        let details = read(good.clone()).expect("details");
        assert_eq!(serde_json::to_value(&details).expect("JSON"), good);
        let lines: Vec<&str> = details.address.lines().iter().map(ShortText::as_str).collect();
        assert_eq!(lines, ["12 St James's Square", "London SW1Y 4JH"]);
        let mut calculated = good.clone();
        calculated["tax"] = json!({ "calculated_by": "stripe" });
        let details = read(calculated.clone()).expect("details");
        assert_eq!(details.tax, Some(TaxChoice::Stripe));
        assert_eq!(serde_json::to_value(&details).expect("JSON"), calculated);
        for (name, wrong) in [
            ("legal_name", json!("")),
            ("address", json!([])),
            ("address", json!(vec!["x"; 7])),
            ("address", json!(["a\nb"])),
            ("address", json!("12 St James's Square")),
            ("country", json!("gb")),
            ("country", json!("GBR")),
            ("country", json!("ZZ")),
            ("country", json!("")),
            ("tax_id", json!("x".repeat(121))),
            ("tax", json!({ "label": "VAT", "rate": 10_001 })),
            ("tax", json!({ "label": "VAT", "rate": -1 })),
            ("tax", json!({ "rate": 1_900 })),
            ("tax", json!({})),
            ("tax", json!({ "calculated_by": "avalara" })),
            ("tax", json!({ "calculated_by": "stripe", "rate": 1_900 })),
            ("tax", json!({ "calculated_by": "stripe", "label": "VAT", "rate": 1_900 })),
            ("iban", json!("GB33BUKB20201555555555")),
        ] {
            let mut details = good.clone();
            details[name] = wrong;
            assert!(read(details.clone()).is_err(), "{details:#}");
        }
    }
}
