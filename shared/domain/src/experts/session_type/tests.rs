//! Validation of session type terms at each limit.

use super::*;
use crate::experts::policy::Tier;
use crate::kernel::money::tests::currency;

/// Terms of sessions of one hour for EUR 50, every half hour, without other rules.
pub(crate) fn terms() -> SessionTypeTerms {
    SessionTypeTerms {
        name: "Session".to_owned().try_into().unwrap(),
        description: LongText::default(),
        durations: vec![SessionDuration { minutes: 60, price: Some(price(5_000, "EUR")) }],
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        minimum_notice_minutes: 0,
        booking_window: BookingWindow::default(),
        step_minutes: 30,
        daily_cap: None,
        daily_minutes_cap: None,
        weekly_cap: None,
        capacity: 1,
        collection: Collection::default(),
        cancellation: CancellationPolicy::default(),
        rescheduling: ReschedulePolicy::default(),
        presentment_currencies: Vec::new(),
    }
}

fn price(amount: u64, code: &str) -> Money {
    Money::new(amount, currency(code)).unwrap()
}

/// Applies a change to valid terms and returns the pointers of the values that are then invalid.
fn invalid_values(change: impl FnOnce(&mut SessionTypeTerms)) -> Result<(), String> {
    let mut terms = terms();
    change(&mut terms);
    terms.check(None).map_err(|violations| {
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
        ("/durations/0/minutes", 1, 1_440, |terms, to| terms.durations[0].minutes = to as u16),
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
    assert_eq!(terms.check(None).unwrap_err().to_string(), "/capacity: must be from 1 to 500, got 501");
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
        let durations = vec![SessionDuration { minutes: 60, price: Some(price(amount, code)) }];
        invalid_values(|terms| (terms.durations, terms.capacity) = (durations, capacity))
    };
    let refused = || refused("/durations/0/price/amount");
    assert_eq!(check(0, "EUR", 500), Ok(()));
    assert_eq!(check(300, "EUR", 1), Ok(()));
    assert_eq!(check(299, "EUR", 1), refused());
    // Cards are charged in multiples of ten fils.
    assert_eq!((check(2_000, "KWD", 1), check(2_001, "KWD", 1)), (Ok(()), refused()));
    assert_eq!((check(199_999, "EUR", 500), check(200_000, "EUR", 500)), (Ok(()), refused()));
    // Stripe charges at most six digits of Icelandic króna.
    assert_eq!((check(999_999, "ISK", 1), check(999_999, "ISK", 2)), (Ok(()), refused()));
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
    assert_eq!(offered(&["EUR"]), refused("/presentment_currencies/0"), "the currency of the prices");
    assert_eq!(offered(&["USD", "CLF"]), refused("/presentment_currencies/1"), "four decimal digits");
}

#[test]
fn all_violations_are_found_at_once() {
    let wrong = invalid_values(|terms| {
        terms.durations = durations(&[(0, 5_000), (30, 1)]);
        (terms.capacity, terms.daily_cap) = (0, Some(0));
        terms.cancellation.grace_minutes = 9_999;
    });
    let pointers = "/durations/0/minutes /durations/1/price/amount /capacity /daily_cap \
                    /cancellation_policy/grace_minutes";
    assert_eq!(wrong, refused(pointers));
}

fn durations(of: &[(u16, u64)]) -> Vec<SessionDuration> {
    let duration = |(minutes, amount): &(u16, u64)| SessionDuration {
        minutes: *minutes,
        price: Some(price(*amount, "EUR")),
    };
    of.iter().map(duration).collect()
}

#[test]
fn durations_must_be_few_distinct_and_chargeable_in_one_currency() {
    let check = |of: &[(u16, u64)]| invalid_values(|terms| terms.durations = durations(of));
    assert_eq!(check(&[(30, 3_000), (90, 0), (1, 300), (1_440, 7_000)]), Ok(()));
    assert_eq!(check(&[]), refused("/durations"));
    assert_eq!(check(&[(60, 3_000), (30, 3_000), (60, 4_000)]), refused("/durations/2/minutes"));
    assert_eq!(check(&[(0, 3_000)]), refused("/durations/0/minutes"));
    assert_eq!(check(&[(60, 3_000), (1_441, 3_000)]), refused("/durations/1/minutes"));
    assert_eq!(
        check(&[(60, 3_000), (30, 299)]),
        refused("/durations/1/price/amount"),
        "too little to charge"
    );
    let eleven: Vec<(u16, u64)> = (1..=11).map(|minutes| (minutes, 300)).collect();
    assert_eq!((check(&eleven[..10]), check(&eleven)), (Ok(()), refused("/durations")));
    let dollars = SessionDuration { minutes: 30, price: Some(price(3_000, "USD")) };
    assert_eq!(invalid_values(|terms| terms.durations.push(dollars)), refused("/durations/1/price/currency"));
    // All seats of the longest duration cost too much.
    let seats = |terms: &mut SessionTypeTerms| {
        (terms.capacity, terms.durations) = (500, durations(&[(60, 0), (90, 200_000)]));
    };
    assert_eq!(invalid_values(seats), refused("/durations/1/price/amount"));
}

#[test]
fn derived_price_needs_an_hourly_rate_that_can_be_charged_in_the_currency_of_the_others() {
    let derived = |minutes| SessionDuration { minutes, price: None };
    let check = |durations: &[SessionDuration], capacity, rate| {
        let terms = SessionTypeTerms { durations: durations.to_vec(), capacity, ..terms() };
        terms.check(rate).map_err(|violations| violations.to_string())
    };
    let mixed = [durations(&[(60, 5_000)])[0], derived(30)];
    assert_eq!(check(&mixed, 1, Some(price(9_000, "EUR"))), Ok(()));
    assert_eq!(check(&[derived(30), derived(60)], 1, Some(price(9_000, "USD"))), Ok(()));
    assert_eq!(check(&[derived(1_440)], 500, Some(price(0, "EUR"))), Ok(()), "free");
    let refused = |why: &str| Err(format!("/durations/1/price: must be given, because {why}"));
    assert_eq!(check(&mixed, 1, None), refused("the expert has no hourly rate"));
    let dollars = check(&mixed, 1, Some(price(9_000, "USD")));
    assert_eq!(dollars, refused("the hourly rate is in USD, and the other prices are in EUR"));
    let minute = [mixed[0], derived(1)];
    let limits =
        |got: &str| format!("must be from EUR 3.00 to EUR 9000.00, or 0 for a free session; got {got}");
    assert_eq!(check(&minute, 1, Some(price(18_000, "EUR"))), Ok(()));
    let too_little = format!("the price {}", limits("EUR 2.99"));
    assert_eq!(check(&minute, 1, Some(price(17_969, "EUR"))), refused(&too_little));
    let nothing = "the price of 1 minutes at EUR 0.29 an hour rounds to zero";
    assert_eq!(check(&minute, 1, Some(price(29, "EUR"))), refused(nothing));
    let all_seats = check(&mixed, 500, Some(price(400_000, "EUR")));
    let why = "the price times the capacity: must be from EUR 0.50 to EUR 999999.99, to be charged; got EUR 1000000.00";
    assert_eq!(all_seats, refused(why));
}

#[test]
fn presentment_currency_is_another_one_than_that_of_the_hourly_rate_if_all_prices_are_derived() {
    let derived = SessionDuration { minutes: 60, price: None };
    let presentment_currencies = vec![currency("USD")];
    let check = |durations, rate| {
        let presentment_currencies = presentment_currencies.clone();
        let terms = SessionTypeTerms { durations, presentment_currencies, ..terms() };
        terms.check(Some(rate)).map_err(|violations| violations.to_string())
    };
    assert_eq!(check(vec![derived], price(9_000, "EUR")), Ok(()));
    let must = "/presentment_currencies/0: must be another currency than that of the prices";
    assert_eq!(check(vec![derived], price(9_000, "USD")), Err(must.to_owned()));
    assert_eq!(check(durations(&[(60, 5_000)]), price(9_000, "USD")), Ok(()));
}

#[test]
fn daily_minutes_cap_has_room_for_each_duration() {
    let check = |cap| {
        invalid_values(|terms| {
            (terms.daily_minutes_cap, terms.durations) = (Some(cap), durations(&[(60, 5_000), (90, 9_000)]));
        })
    };
    assert_eq!((check(90), check(1_440)), (Ok(()), Ok(())));
    assert_eq!((check(89), check(1_441)), (refused("/daily_minutes_cap"), refused("/daily_minutes_cap")));
}

#[test]
fn fixed_dates_are_limited_to_two_years_ahead() {
    let now = "2027-01-04T23:30:00Z".parse().unwrap();
    let zone: crate::Zone = "Europe/Berlin".parse().unwrap();
    let dates = |first: &str, last: &str| BookingWindow::Dates {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
    };
    // In Berlin, it is the fifth.
    assert_eq!(dates("2027-01-01", "9999-12-31").limited(zone, now), dates("2027-01-01", "2029-01-05"));
    assert_eq!(dates("2027-01-01", "2027-12-31").limited(zone, now), dates("2027-01-01", "2027-12-31"));
    assert_eq!(dates("2030-01-01", "2030-12-31").limited(zone, now), dates("2030-01-01", "2029-01-05"));
    let rolling = BookingWindow::Rolling { days: MAX_ROLLING_DAYS };
    assert_eq!(rolling.limited(zone, now), rolling);
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
