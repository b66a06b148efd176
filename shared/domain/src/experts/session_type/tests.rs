//! What the terms of a session type must be, up to every bound.

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

/// The field that is wrong once the terms are changed.
fn wrong(change: impl FnOnce(&mut SessionTypeTerms)) -> Result<(), &'static str> {
    let mut terms = terms();
    change(&mut terms);
    terms.check().map_err(|invalid| invalid.field)
}

#[test]
fn every_number_has_its_bounds() {
    type Set = fn(&mut SessionTypeTerms, u32);
    let table: [(&str, u32, u32, Set); 9] = [
        ("length_minutes", 1, 1_440, |terms, to| terms.length_minutes = to as u16),
        ("step_minutes", 1, 1_440, |terms, to| terms.step_minutes = to as u16),
        ("buffer_before_minutes", 0, 720, |terms, to| terms.buffer_before_minutes = to as u16),
        ("buffer_after_minutes", 0, 720, |terms, to| terms.buffer_after_minutes = to as u16),
        ("minimum_notice_minutes", 0, 527_040, |terms, to| terms.minimum_notice_minutes = to),
        ("capacity", 1, 500, |terms, to| terms.capacity = to as u16),
        ("daily_cap", 1, 1_000, |terms, to| terms.daily_cap = Some(to as u16)),
        ("weekly_cap", 1, 1_000, |terms, to| terms.weekly_cap = Some(to as u16)),
        ("booking_window.days", 0, 731, |terms, to| {
            terms.booking_window = BookingWindow::Rolling { days: to as u16 };
        }),
    ];
    for (field, least, most, set) in table {
        for right in [least, most] {
            assert_eq!(wrong(|terms| set(terms, right)), Ok(()), "{field} {right}");
        }
        for beyond in least.checked_sub(1).into_iter().chain([most + 1]) {
            assert_eq!(wrong(|terms| set(terms, beyond)), Err(field), "{beyond}");
        }
    }
    let mut terms = terms();
    terms.capacity = 501;
    assert_eq!(terms.check().unwrap_err().to_string(), "capacity: must be from 1 to 500, got 501");
}

#[test]
fn dates_do_not_end_before_they_begin() {
    let window = |first: &str, last: &str| {
        let booking_window =
            BookingWindow::Dates { first: first.parse().unwrap(), last: last.parse().unwrap() };
        wrong(|terms| terms.booking_window = booking_window)
    };
    assert_eq!(window("2027-03-01", "2027-03-02"), Ok(()));
    assert_eq!(window("2027-03-01", "2027-03-01"), Ok(()));
    assert_eq!(window("2027-03-02", "2027-03-01"), Err("booking_window.last"));
}

#[test]
fn a_price_can_be_charged_for_one_seat_and_for_all() {
    let check = |amount, code, capacity| {
        wrong(|terms| (terms.price, terms.capacity) = (price(amount, code), capacity))
    };
    assert_eq!(check(0, "EUR", 500), Ok(()));
    assert_eq!(check(50, "EUR", 1), Ok(()));
    assert_eq!(check(49, "EUR", 1), Err("price"));
    // Cards are charged in tens of fils.
    assert_eq!((check(1_000, "KWD", 1), check(1_001, "KWD", 1)), (Ok(()), Err("price")));
    assert_eq!((check(199_999, "EUR", 500), check(200_000, "EUR", 500)), (Ok(()), Err("price")));
    // Of króna only six digits are charged at once.
    assert_eq!((check(999_999, "ISK", 1), check(999_999, "ISK", 2)), (Ok(()), Err("price")));
}

#[test]
fn a_policy_that_makes_no_sense_is_refused_with_the_terms() {
    let tier = Tier { until_hours_before: 9_999, refund_percent: crate::experts::policy::Percent::ALL };
    assert_eq!(wrong(|terms| terms.cancellation.tiers = vec![tier]), Err("cancellation.tiers"));
}

#[test]
fn other_currencies_are_few_and_different_and_can_be_charged() {
    let offered = |codes: &[&str]| {
        let codes = codes.iter().map(|code| currency(code)).collect();
        wrong(|terms| terms.presentment_currencies = codes)
    };
    let ten = ["USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "JPY"];
    assert_eq!(offered(&ten), Ok(()));
    let refused = Err("presentment_currencies");
    assert_eq!(offered(&[&ten[..], &["AUD"]].concat()), refused);
    assert_eq!(offered(&["USD", "GBP", "USD"]), refused);
    assert_eq!(offered(&["EUR"]), refused, "that of the price");
    assert_eq!(offered(&["CLF"]), refused, "four digits behind the point");
}

#[test]
fn a_session_takes_its_length_and_its_buffers() {
    let mut terms = terms();
    (terms.buffer_before_minutes, terms.buffer_after_minutes) = (10, 15);
    let start: Timestamp = "2027-03-01T10:00:00Z".parse().unwrap();
    assert_eq!(terms.session(start), TimeSpan::new(start, start.plus(3_600)));
    assert_eq!(terms.occupied(start), TimeSpan::new(start.plus(-600), start.plus(4_500)));
}
