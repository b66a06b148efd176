//! Validation of session type terms at each limit.

use serde_json::json;

use super::*;
use crate::experts::policy::Tier;
use crate::kernel::money::tests::currency;

fn terms() -> SessionTypeTerms {
    serde_json::from_value(json!({
        "name": "Session",
        "length_minutes": 60,
        "price": { "amount": 5000, "currency": "EUR" },
        "step_minutes": 30,
    }))
    .unwrap()
}

fn price(amount: u64, code: &str) -> Money {
    Money::new(amount, currency(code)).unwrap()
}

/// Applies a change to valid terms and returns the pointers of the values that are then invalid.
fn invalid_values(change: impl FnOnce(&mut SessionTypeTerms)) -> Result<(), String> {
    let mut terms = terms();
    change(&mut terms);
    terms.check().map_err(|violations| {
        let pointers: Vec<_> = violations.into_iter().map(|violation| violation.pointer).collect();
        pointers.join(" ")
    })
}

/// The result of a check that finds these values invalid.
fn refused(pointers: &str) -> Result<(), String> {
    Err(pointers.to_owned())
}

#[test]
fn numbers_outside_their_bounds_are_refused() {
    type Set = fn(&mut SessionTypeTerms, u32);
    let table: [(&str, u32, u32, Set); 9] = [
        ("/length_minutes", 1, 1_440, |terms, to| terms.length_minutes = to as u16),
        ("/step_minutes", 1, 1_440, |terms, to| terms.step_minutes = to as u16),
        ("/buffer_before_minutes", 0, 720, |terms, to| terms.buffer_before_minutes = to as u16),
        ("/buffer_after_minutes", 0, 720, |terms, to| terms.buffer_after_minutes = to as u16),
        ("/minimum_notice_minutes", 0, 527_040, |terms, to| terms.minimum_notice_minutes = to),
        ("/capacity", 1, 500, |terms, to| terms.capacity = to as u16),
        ("/daily_cap", 1, 1_000, |terms, to| terms.daily_cap = Some(to as u16)),
        ("/weekly_cap", 1, 1_000, |terms, to| terms.weekly_cap = Some(to as u16)),
        ("/booking_window/days", 0, 731, |terms, to| {
            terms.booking_window = BookingWindow::Rolling { days: to as u16 };
        }),
    ];
    for (field, minimum, maximum, set) in table {
        for valid in [minimum, maximum] {
            assert_eq!(invalid_values(|terms| set(terms, valid)), Ok(()), "{field} {valid}");
        }
        for invalid in minimum.checked_sub(1).into_iter().chain([maximum + 1]) {
            assert_eq!(invalid_values(|terms| set(terms, invalid)), refused(field), "{invalid}");
        }
    }
    let mut terms = terms();
    terms.capacity = 501;
    assert_eq!(terms.check().unwrap_err().to_string(), "/capacity: must be from 1 to 500, got 501");
}

#[test]
fn booking_window_must_not_end_before_it_begins() {
    let window = |first: &str, last: &str| {
        let booking_window =
            BookingWindow::Dates { first: first.parse().unwrap(), last: last.parse().unwrap() };
        invalid_values(|terms| terms.booking_window = booking_window)
    };
    assert_eq!(window("2027-03-01", "2027-03-02"), Ok(()));
    assert_eq!(window("2027-03-01", "2027-03-01"), Ok(()));
    assert_eq!(window("2027-03-02", "2027-03-01"), refused("/booking_window/last"));
}

#[test]
fn price_must_be_chargeable_for_one_seat_and_for_all_seats() {
    let check = |amount, code, capacity| {
        invalid_values(|terms| (terms.price, terms.capacity) = (price(amount, code), capacity))
    };
    assert_eq!(check(0, "EUR", 500), Ok(()));
    assert_eq!(check(50, "EUR", 1), Ok(()));
    assert_eq!(check(49, "EUR", 1), refused("/price/amount"));
    // Cards are charged in multiples of ten fils.
    assert_eq!((check(1_000, "KWD", 1), check(1_001, "KWD", 1)), (Ok(()), refused("/price/amount")));
    assert_eq!((check(199_999, "EUR", 500), check(200_000, "EUR", 500)), (Ok(()), refused("/price/amount")));
    // Stripe charges at most six digits of Icelandic króna.
    assert_eq!((check(999_999, "ISK", 1), check(999_999, "ISK", 2)), (Ok(()), refused("/price/amount")));
}

#[test]
fn invalid_cancellation_policy_makes_the_terms_invalid() {
    let tier = Tier { until_hours_before: 9_999, refund_percent: crate::experts::policy::Percent::ALL };
    assert_eq!(
        invalid_values(|terms| terms.cancellation.tiers = vec![tier]),
        refused("/cancellation_policy/tiers/0/until_hours_before")
    );
    assert_eq!(
        invalid_values(|terms| terms.rescheduling.at_most = Some(1_001)),
        refused("/rescheduling_policy/at_most")
    );
}

#[test]
fn presentment_currencies_must_be_few_distinct_and_chargeable() {
    let offered = |codes: &[&str]| {
        let codes = codes.iter().map(|code| currency(code)).collect();
        invalid_values(|terms| terms.presentment_currencies = codes)
    };
    let ten = ["USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "JPY"];
    assert_eq!(offered(&ten), Ok(()));
    assert_eq!(offered(&[&ten[..], &["AUD"]].concat()), refused("/presentment_currencies"));
    assert_eq!(offered(&["USD", "GBP", "USD"]), refused("/presentment_currencies/2"));
    assert_eq!(offered(&["EUR"]), refused("/presentment_currencies/0"), "the currency of the price");
    assert_eq!(offered(&["USD", "CLF"]), refused("/presentment_currencies/1"), "four decimal digits");
}

#[test]
fn all_violations_are_found_at_once() {
    let wrong = invalid_values(|terms| {
        (terms.length_minutes, terms.capacity, terms.daily_cap) = (0, 0, Some(0));
        terms.price = price(1, "EUR");
        terms.cancellation.grace_minutes = 9_999;
    });
    let pointers = "/length_minutes /capacity /daily_cap /price/amount /cancellation_policy/grace_minutes";
    assert_eq!(wrong, refused(pointers));
}

#[test]
fn occupied_time_includes_the_buffers() {
    let mut terms = terms();
    (terms.buffer_before_minutes, terms.buffer_after_minutes) = (10, 15);
    let start: Timestamp = "2027-03-01T10:00:00Z".parse().unwrap();
    assert_eq!(terms.session(start), TimeSpan::new(start, start.plus(3_600)));
    assert_eq!(terms.occupied(start), TimeSpan::new(start.plus(-600), start.plus(4_500)));
}
