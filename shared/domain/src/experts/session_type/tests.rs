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

fn durations(of: &[(u16, u64)]) -> Vec<SessionDuration> {
    of.iter()
        .map(|(minutes, amount)| SessionDuration { minutes: *minutes, price: price(*amount, "EUR") })
        .collect()
}

#[test]
fn further_durations_must_be_few_distinct_and_chargeable_in_one_currency() {
    let check = |of: &[(u16, u64)]| invalid_values(|terms| terms.further_durations = durations(of));
    assert_eq!(check(&[(30, 3_000), (90, 0), (1, 50), (1_440, 7_000)]), Ok(()));
    assert_eq!(check(&[(60, 3_000)]), refused("/further_durations/0/minutes"), "the regular length");
    assert_eq!(check(&[(30, 3_000), (30, 4_000)]), refused("/further_durations/1/minutes"));
    assert_eq!(check(&[(0, 3_000)]), refused("/further_durations/0/minutes"));
    assert_eq!(check(&[(1_441, 3_000)]), refused("/further_durations/0/minutes"));
    assert_eq!(check(&[(30, 49)]), refused("/further_durations/0/price/amount"), "too little to charge");
    let ten: Vec<(u16, u64)> = (1..=10).map(|minutes| (minutes, 50)).collect();
    assert_eq!((check(&ten[..9]), check(&ten)), (Ok(()), refused("/further_durations")));
    let dollars = SessionDuration { minutes: 30, price: price(3_000, "USD") };
    assert_eq!(
        invalid_values(|terms| terms.further_durations = vec![dollars]),
        refused("/further_durations/0/price/currency")
    );
    // All seats of the longest duration cost too much.
    let seats = |terms: &mut SessionTypeTerms| {
        (terms.capacity, terms.price) = (500, price(0, "EUR"));
        terms.further_durations = durations(&[(90, 200_000)]);
    };
    assert_eq!(invalid_values(seats), refused("/further_durations/0/price/amount"));
}

#[test]
fn daily_minutes_cap_has_room_for_each_duration() {
    let check = |cap| {
        invalid_values(|terms| {
            (terms.daily_minutes_cap, terms.further_durations) = (Some(cap), durations(&[(90, 9_000)]));
        })
    };
    assert_eq!((check(90), check(1_440)), (Ok(()), Ok(())));
    assert_eq!((check(89), check(1_441)), (refused("/daily_minutes_cap"), refused("/daily_minutes_cap")));
}

#[test]
fn booking_windows_in_days_are_limited() {
    let check = |window| invalid_values(|terms| terms.booking_window = window);
    let wrong = || refused("/booking_window/days");
    let business = |days| check(BookingWindow::BusinessDays { days });
    assert_eq!((business(0), business(522), business(523)), (Ok(()), Ok(()), wrong()));
    let free = |days| check(BookingWindow::FreeDays { days });
    assert_eq!((free(0), free(1), free(31), free(32)), (wrong(), Ok(()), Ok(()), wrong()));
}

#[test]
fn selected_duration_has_its_length_and_price() {
    let terms = SessionTypeTerms { further_durations: durations(&[(30, 3_000), (90, 7_000)]), ..terms() };
    let minutes: Vec<u16> = terms.durations().map(|duration| duration.minutes).collect();
    assert_eq!(minutes, [60, 30, 90]);
    let selected = |minutes| {
        let selected = terms.with_duration(minutes)?;
        assert_eq!(selected.check(), Ok(()));
        Some((selected.length_minutes, selected.price.amount(), selected.durations().count()))
    };
    assert_eq!(selected(60), Some((60, 5_000, 1)));
    assert_eq!(selected(90), Some((90, 7_000, 1)));
    assert_eq!(selected(45), None);
}
