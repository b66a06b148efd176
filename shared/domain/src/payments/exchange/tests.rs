//! Worked examples, the publication calendar behind staleness, and properties of conversion for all rates and
//! amounts.

use chrono::{Datelike, Days, Weekday};
use proptest::prelude::*;

use super::*;
use crate::kernel::money::tests::currency;
use crate::kernel::money::{MAX_AMOUNT, MAX_CHARGE};

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, currency(code)).expect("small")
}

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn rate(code: &str, per_euro: &str) -> CurrencyRate {
    CurrencyRate { currency: currency(code), per_euro: per_euro.parse().expect("a rate") }
}

fn table(day: &str, rates: &[(&str, &str)]) -> ReferenceRates {
    let rates = rates.iter().map(|(code, per_euro)| rate(code, per_euro)).collect();
    ReferenceRates::new(date(day), rates).expect("rates")
}

fn rates() -> ReferenceRates {
    table("2027-03-04", &[("USD", "1.0562"), ("JPY", "163.25"), ("ISK", "144.90"), ("IDR", "16784.43")])
}

#[test]
fn prices_are_converted_through_the_euro() {
    let shown =
        |amount, code, into| rates().convert(money(amount, code), currency(into)).map(|m| m.to_string());
    for (amount, code, into, expected) in [
        // 80 × 1.0562 = 84.496
        (8_000, "EUR", "USD", "USD 84.50"),
        // 84.50 / 1.0562 = 80.0037…
        (8_450, "USD", "EUR", "EUR 80.00"),
        // 80 × 163.25 = 13060, and the yen has no minor unit.
        (8_000, "EUR", "JPY", "JPY 13060"),
        // 100 / 1.0562 × 163.25 = 15456.35…
        (10_000, "USD", "JPY", "JPY 15456"),
        // 1 / 163.25 × 1.0562 = 0.00646…, which rounds to one cent.
        (1, "JPY", "USD", "USD 0.01"),
        // 0.01 / 1.0562 × 144.90 = 1.37…
        (1, "USD", "ISK", "ISK 1"),
        // 0.01 × 144.90 = 1.449
        (1, "EUR", "ISK", "ISK 1"),
        // 0.50 × 144.90 = 72.45
        (50, "EUR", "ISK", "ISK 72"),
        (100, "EUR", "IDR", "IDR 16784.43"),
        (0, "EUR", "JPY", "JPY 0"),
    ] {
        assert_eq!(shown(amount, code, into).as_deref(), Some(expected), "{code} {amount}");
    }
    // Exactly half a yen rounds up: 2 × 163.25 = 326.5 does, 0.02 × 163.25 = 3.265 does not.
    assert_eq!(shown(2, "EUR", "JPY").as_deref(), Some("JPY 3"));
    assert_eq!(shown(200, "EUR", "JPY").as_deref(), Some("JPY 327"));
}

#[test]
fn conversion_fails_without_a_rate_or_above_the_maximum() {
    let convert = |price: Money, into| rates().convert(price, currency(into));
    assert_eq!(convert(money(8_000, "EUR"), "KWD"), None);
    assert_eq!(convert(money(8_000, "KWD"), "EUR"), None);
    assert_eq!(convert(money(8_000, "KWD"), "KWD"), Some(money(8_000, "KWD")));
    // The result exceeds the maximum amount.
    assert_eq!(convert(money(100_000_000, "EUR"), "IDR"), None);
}

#[test]
fn estimate_names_its_source_and_date() {
    let estimate = rates().estimate(money(8_000, "EUR"), currency("USD"), at("2027-03-05T09:00:00Z"));
    let expected = Estimate {
        amount: money(8_450, "USD"),
        rate_date: date("2027-03-04"),
        source: "European Central Bank",
        stale: false,
    };
    assert_eq!(estimate, Some(expected));
}

#[test]
fn rates_are_stale_after_five_days() {
    let stale = |now: &str| rates().is_stale(at(now));
    assert!(!stale("2027-03-04T00:00:00Z"));
    assert!(!stale("2027-03-09T23:59:59Z"));
    assert!(stale("2027-03-10T00:00:00Z"));
    // A clock that is behind does not make the rates older.
    assert_eq!(rates().age_days(at("2027-03-01T00:00:00Z")), 0);
}

/// The date of Easter Sunday according to the Gregorian tables: the Sunday after the full moon on or after 21 March.
fn easter(year: i32) -> NaiveDate {
    let golden = year % 19;
    let century = year / 100;
    let epact = (century - century / 4 - (8 * century + 13) / 25 + 19 * golden + 15) % 30;
    let moon = epact - i32::from(epact == 29 || epact == 28 && golden > 10);
    let full_moon = NaiveDate::from_ymd_opt(year, 3, 21).expect("a date")
        + Days::new(u64::try_from(moon).expect("not negative"));
    let mut sunday = full_moon + Days::new(1);
    while sunday.weekday() != Weekday::Sun {
        sunday = sunday + Days::new(1);
    }
    sunday
}

fn publishes(day: NaiveDate) -> bool {
    let easter = easter(day.year());
    let closed = matches!((day.month(), day.day()), (1, 1) | (5, 1) | (12, 25 | 26))
        || day == easter - Days::new(2)
        || day == easter + Days::new(1);
    !closed && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[test]
fn no_gap_in_the_publication_calendar_makes_rates_stale() {
    let known = ["2000-04-23", "2024-03-31", "2025-04-20", "2027-03-28", "2038-04-25", "2285-03-22"];
    for sunday in known {
        let sunday = date(sunday).naive();
        assert_eq!(easter(sunday.year()), sunday);
    }
    let mut latest = date("2000-01-03").naive();
    let mut day = latest;
    let mut oldest = 0;
    while day.year() < 2200 {
        day = day + Days::new(1);
        // Until the rates of the day are published, the previous ones are the latest.
        oldest = oldest.max(day.signed_duration_since(latest).num_days());
        if publishes(day) {
            latest = day;
        }
    }
    assert_eq!(oldest, FRESH_DAYS);
}

#[test]
fn rates_round_trip_as_published() {
    for text in [
        "1.0562",
        "1.0560",
        "163.25",
        "1",
        "0.85955",
        "16784.43",
        "999999999999",
        "0.00000001",
        "1234.56789012",
    ] {
        assert_eq!(text.parse::<EuroRate>().expect(text).to_string(), text);
    }
    for wrong in [
        "",
        ".",
        "1.",
        ".5",
        "0",
        "0.0",
        "0.00000000",
        "-1",
        "+1",
        "1e3",
        "1,5",
        " 1",
        "1 ",
        "1.2.3",
        "NaN",
        "inf",
        "١",
        "1.000000001",
        "1000000000000",
        "12345678901.23",
        "0x1",
    ] {
        assert_eq!(wrong.parse::<EuroRate>(), Err(InvalidEuroRate), "{wrong}");
    }
}

#[test]
fn table_with_a_duplicate_currency_or_the_euro_is_refused() {
    let new = |rates: Vec<CurrencyRate>| ReferenceRates::new(date("2027-03-04"), rates);
    assert_eq!(new(vec![]), Err(InvalidRates::Empty));
    let twice = vec![rate("USD", "1.05"), rate("JPY", "160"), rate("USD", "1.06")];
    assert_eq!(new(twice), Err(InvalidRates::Twice(currency("USD"))));
    assert_eq!(new(vec![rate("EUR", "1")]), Err(InvalidRates::Euro));
}

#[test]
fn only_newer_and_plausible_rates_supersede() {
    let now = at("2027-03-05T15:30:00Z");
    let known = rates();
    assert_eq!(known.supersedes(None, now), Ok(true));
    assert_eq!(known.supersedes(Some(&known), now), Ok(false));
    // The rates of an older date are not checked.
    assert_eq!(table("2027-03-03", &[("USD", "99")]).supersedes(Some(&known), now), Ok(false));
    // A different set of currencies is plausible: some currencies join the euro, and some are suspended.
    assert_eq!(table("2027-03-05", &[("GBP", "0.85")]).supersedes(Some(&known), now), Ok(true));
    assert_eq!(table("2027-03-05", &[("USD", "10.562")]).supersedes(Some(&known), now), Ok(true));
    assert_eq!(table("2027-03-05", &[("JPY", "16.325")]).supersedes(Some(&known), now), Ok(true));
    for (code, wrong) in [("USD", "10.5621"), ("JPY", "16.3249"), ("USD", "0.1")] {
        let refused = table("2027-03-05", &[("GBP", "0.85"), (code, wrong)]).supersedes(Some(&known), now);
        assert!(
            matches!(refused, Err(Implausible::Change { currency: of, .. }) if of.code() == code),
            "{wrong}"
        );
    }
    let tomorrow = table("2027-03-06", &[("USD", "1.05")]);
    for known in [None, Some(&known)] {
        let refused = tomorrow.supersedes(known, now).expect_err("from the future");
        assert_eq!(refused.to_string(), "the rates are dated 2027-03-06, but today is 2027-03-05");
    }
}

/// Currencies with 0, 2, 3 and 4 decimal digits.
const CODES: [&str; 7] = ["EUR", "USD", "JPY", "KWD", "CLF", "IDR", "ISK"];

fn any_rate() -> impl Strategy<Value = EuroRate> {
    (1..10_u64.pow(12), 0..=8_u8).prop_map(|(digits, scale)| EuroRate { digits, scale })
}

/// Rates close to those of real currencies, so that few results exceed the maximum.
fn usual_rate() -> impl Strategy<Value = EuroRate> {
    (1_000..100_000_u64, 2..=5_u8).prop_map(|(digits, scale)| EuroRate { digits, scale })
}

fn any_table(rate: impl Strategy<Value = EuroRate>) -> impl Strategy<Value = ReferenceRates> {
    prop::collection::vec(rate, CODES.len() - 1).prop_map(|rates| {
        let rates = CODES.iter().skip(1).zip(rates);
        let rates = rates.map(|(code, per_euro)| CurrencyRate { currency: currency(code), per_euro });
        ReferenceRates::new(date("2027-03-04"), rates.collect()).expect("rates")
    })
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(CODES.as_slice()).prop_map(currency)
}

/// The value of a minor unit in euros, as a fraction.
fn worth(rates: &ReferenceRates, currency: Currency) -> (u128, u128) {
    let rate = rates.per_euro(currency).expect("it is in the table");
    (power_of_ten(rate.scale), u128::from(rate.digits) * 10_u128.pow(currency.exponent().into()))
}

proptest! {
    #[test]
    fn conversion_is_exact_up_to_half_a_minor_unit(
        rates in any_table(any_rate()),
        from in any_currency(),
        into in any_currency(),
        amount in 0..=MAX_CHARGE,
    ) {
        let price = Money::new(amount, from).expect("in range");
        let converted = rates.convert(price, into);
        let ((sold, per_sold), (bought, per_bought)) = (worth(&rates, from), worth(&rates, into));
        let (exact, unit) = (u128::from(amount) * sold * per_bought, per_sold * bought);
        match converted {
            // |converted − exact| ≤ ½, and exactly ½ only when rounding up.
            Some(converted) => {
                prop_assert_eq!(converted.currency(), into);
                let converted = u128::from(converted.amount());
                prop_assert!(2 * converted * unit <= 2 * exact + unit);
                prop_assert!(2 * converted * unit + unit > 2 * exact);
            }
            None => prop_assert!(2 * exact + unit >= 2 * (u128::from(MAX_AMOUNT) + 1) * unit),
        }
        if from == into {
            prop_assert_eq!(converted, Some(price));
        }
        if amount == 0 {
            prop_assert_eq!(converted.map(Money::amount), Some(0));
        }
    }

    /// Each conversion loses at most half a minor unit, so a round trip loses at most one minor unit of the currency
    /// whose minor unit is worth more.
    #[test]
    fn round_trip_is_within_one_minor_unit(
        rates in any_table(usual_rate()),
        from in any_currency(),
        into in any_currency(),
        amount in 0..=1_000_000_u64,
    ) {
        let price = Money::new(amount, from).expect("in range");
        let Some(there) = rates.convert(price, into) else { return Ok(()) };
        let Some(back) = rates.convert(there, from) else { return Ok(()) };
        let lost = u128::from(back.amount().abs_diff(amount));
        let ((sold, per_sold), (bought, per_bought)) = (worth(&rates, from), worth(&rates, into));
        prop_assert!(lost <= 1 || lost * sold * per_bought <= bought * per_sold, "{price} {there} {back}");
    }

    #[test]
    fn conversion_is_monotonic(
        rates in any_table(any_rate()),
        from in any_currency(),
        into in any_currency(),
        one in 0..=MAX_CHARGE,
        other in 0..=MAX_CHARGE,
    ) {
        let convert = |amount| rates.convert(Money::new(amount, from).expect("in range"), into);
        let (less, more) = (one.min(other), one.max(other));
        match (convert(less), convert(more)) {
            (Some(of_less), Some(of_more)) => prop_assert!(of_less.amount() <= of_more.amount()),
            (None, of_more) => prop_assert_eq!(of_more, None),
            (Some(_), None) => {}
        }
    }

    #[test]
    fn parsing_arbitrary_text_never_panics(text in ".*", number in r"[0-9.+-]{0,16}") {
        for text in [text, number] {
            if let Ok(rate) = text.parse::<EuroRate>() {
                prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            }
        }
    }

    #[test]
    fn plausibility_does_not_depend_on_the_notation_of_a_rate(one in any_rate(), other in any_rate()) {
        let differs = one.differs_by_more_than(GREATEST_CHANGE, other);
        prop_assert_eq!(differs, other.differs_by_more_than(GREATEST_CHANGE, one));
        prop_assert!(!one.differs_by_more_than(1, one));
        if one.scale < 8 && one.digits < 10_u64.pow(11) {
            let longer = EuroRate { digits: one.digits * 10, scale: one.scale + 1 };
            prop_assert_eq!(longer.differs_by_more_than(GREATEST_CHANGE, other), differs);
        }
    }
}

#[test]
fn table_returns_its_rates() {
    let rates = rates();
    let listed: Vec<String> =
        rates.rates().iter().map(|rate| format!("{} {}", rate.currency.code(), rate.per_euro)).collect();
    assert_eq!(listed, ["IDR 16784.43", "ISK 144.90", "JPY 163.25", "USD 1.0562"]);
}
