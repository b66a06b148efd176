//! The taxes of a few places, so that there is one tax, two, and none.

use super::super::books::share;
use super::super::state::{Address, Tax};

/// One hundred per cent, in thousandths of one.
const WHOLE: i64 = 100_000;

/// A tax: its jurisdiction, level, name, Stripe's type, and rate in thousandths of a per cent.
type Levy = (&'static str, &'static str, &'static str, &'static str, i64);

/// A place with its taxes.
pub(super) struct Place {
    country: String,
    state: Option<&'static str>,
    /// `None` where no tax is known.
    levies: Option<&'static [Levy]>,
}

const COUNTRIES: &[(&str, &[Levy])] = &[
    ("AT", &[("Austria", "country", "VAT", "vat", 20_000)]),
    ("CH", &[("Switzerland", "country", "VAT", "vat", 8_100)]),
    ("DE", &[("Germany", "country", "VAT", "vat", 19_000)]),
    ("FR", &[("France", "country", "VAT", "vat", 20_000)]),
    ("GB", &[("United Kingdom", "country", "VAT", "vat", 20_000)]),
    ("IS", &[("Iceland", "country", "VAT", "vat", 24_000)]),
    ("NO", &[("Norway", "country", "VAT", "vat", 25_000)]),
];

/// By the first digits of postal codes.
const UNITED_STATES: &[(&str, &str, &[Levy])] =
    &[("100", "NY", NEW_YORK_CITY), ("941", "CA", SAN_FRANCISCO), ("972", "OR", &[])];

const NEW_YORK_CITY: &[Levy] = &[
    ("New York", "state", "Sales Tax", "sales_tax", 4_000),
    ("New York City", "city", "Sales Tax", "sales_tax", 4_875),
];

const SAN_FRANCISCO: &[Levy] = &[
    ("California", "state", "Sales Tax", "sales_tax", 7_250),
    ("San Francisco", "city", "Sales Tax", "sales_tax", 1_375),
];

/// The place of an address; `None` when it is incomplete: in the United States Stripe needs a postal code.
pub(super) fn place(address: &Address) -> Option<Place> {
    let country = address.get("country").filter(|code| code.len() == 2)?.clone();
    if country != "US" {
        let levies = COUNTRIES.iter().find(|(code, _)| *code == country).map(|(_, levies)| *levies);
        return Some(Place { country, state: None, levies });
    }
    let code = address.get("postal_code").filter(|code| code.len() >= 5)?;
    let found = UNITED_STATES.iter().find(|(begin, _, _)| code.starts_with(begin));
    let (state, levies) = found.map_or((None, None), |(_, state, levies)| (Some(*state), Some(*levies)));
    Some(Place { country, state, levies })
}

impl Place {
    /// The taxes in an amount, or on top of it, for a seller with these registrations.
    pub(super) fn taxes(&self, amount: i64, inclusive: bool, registrations: &[String]) -> Vec<Tax> {
        let registration = match self.state {
            Some(state) => format!("{}-{state}", self.country),
            None => self.country.clone(),
        };
        let levies = match self.levies {
            None => return vec![self.none("not_supported")],
            Some([]) => return vec![self.none("not_subject_to_tax")],
            Some(_) if !registrations.contains(&registration) => return vec![self.none("not_collecting")],
            Some(levies) => levies,
        };
        let all: i64 = levies.iter().map(|(.., rate)| rate).sum();
        // The tax is rounded as a whole, and the last of several taxes gets the remainder.
        let tax = share(amount, all, if inclusive { WHOLE + all } else { WHOLE }, 1);
        let net = if inclusive { amount - tax } else { amount };
        let mut left = tax;
        let last = levies.last();
        let tax_of = |levy: &Levy| {
            let (jurisdiction, level, name, kind, rate) = *levy;
            let share = if last == Some(levy) { left } else { share(tax, rate, all, 1) };
            left -= share;
            Tax {
                amount: share,
                taxable_amount: net,
                rate: Some((name.to_owned(), kind.to_owned(), per_cent(rate))),
                ..self.tax("standard_rated", level, jurisdiction)
            }
        };
        levies.iter().map(tax_of).collect()
    }

    /// No tax, for this reason.
    fn none(&self, reason: &str) -> Tax {
        match self.state {
            Some(state) => self.tax(reason, "state", state),
            None => self.tax(reason, "country", &self.country),
        }
    }

    fn tax(&self, reason: &str, level: &str, jurisdiction: &str) -> Tax {
        Tax {
            amount: 0,
            taxable_amount: 0,
            taxability_reason: reason.to_owned(),
            country: self.country.clone(),
            state: self.state.map(str::to_owned),
            level: level.to_owned(),
            jurisdiction: jurisdiction.to_owned(),
            rate: None,
        }
    }
}

/// A percentage as Stripe writes it: `7.25`, `19.0`.
fn per_cent(rate: i64) -> String {
    let part = format!("{:03}", rate % 1_000);
    let part = part.trim_end_matches('0');
    format!("{}.{}", rate / 1_000, if part.is_empty() { "0" } else { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(parts: &[(&str, &str)]) -> Option<Place> {
        place(&parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn taxes_are_split_to_the_last_unit() {
        let registered = ["US-CA".to_owned(), "DE".to_owned()];
        let san_francisco = at(&[("country", "US"), ("postal_code", "94102")]).unwrap();
        for amount in [1, 7, 99, 8_000, 99_999_999] {
            let taxes = san_francisco.taxes(amount, true, &registered);
            let sum: i64 = taxes.iter().map(|tax| tax.amount).sum();
            assert_eq!((taxes.len(), sum), (2, share(amount, 8_625, 108_625, 1)), "{amount}");
        }
        let taxes = at(&[("country", "DE")]).unwrap().taxes(10_000, false, &registered);
        assert_eq!((taxes[0].amount, taxes[0].taxable_amount), (1_900, 10_000));
        assert_eq!(taxes[0].rate.as_ref().unwrap().2, "19.0");
    }

    #[test]
    fn a_place_without_a_tax_says_why() {
        let reason =
            |parts: &[(&str, &str)]| at(parts).unwrap().taxes(100, true, &[]).remove(0).taxability_reason;
        assert_eq!(reason(&[("country", "DE")]), "not_collecting");
        assert_eq!(reason(&[("country", "AQ")]), "not_supported");
        assert_eq!(reason(&[("country", "US"), ("postal_code", "97201")]), "not_subject_to_tax");
        assert!(at(&[("country", "US")]).is_none());
        assert!(at(&[("postal_code", "94102")]).is_none());
    }
}
