//! Prices of durations, and the time of their sessions.

use proptest::prelude::*;

use super::*;
use crate::Currency;
use crate::experts::session_type::tests::terms;
use crate::kernel::money::{MAX_CHARGE, tests::currency};

fn money(amount: u64, currency: Currency) -> Money {
    Money::new(amount, currency).unwrap()
}

fn session_type(durations: Vec<SessionDuration>) -> SessionType {
    SessionType {
        id: SessionTypeId::from_bits(1),
        version: 1,
        status: SessionTypeStatus::Active,
        terms: SessionTypeTerms { durations, ..terms() },
    }
}

fn fixed(minutes: u16, amount: u64) -> SessionDuration {
    SessionDuration { minutes, price: Some(money(amount, Currency::EUR)) }
}

fn derived(minutes: u16) -> SessionDuration {
    SessionDuration { minutes, price: None }
}

#[test]
fn occupied_time_includes_the_buffers() {
    let mut terms = session_type(vec![fixed(60, 5_000)]).of_length(60).terms;
    (terms.buffer_before_minutes, terms.buffer_after_minutes) = (10, 15);
    let start: Timestamp = "2027-03-01T10:00:00Z".parse().unwrap();
    assert_eq!(terms.session(start), TimeSpan::new(start, start.plus(3_600)));
    assert_eq!(terms.occupied(start), TimeSpan::new(start.plus(-600), start.plus(4_500)));
}

#[test]
fn each_duration_has_its_length_and_price() {
    let mixed = session_type(vec![fixed(60, 5_000), derived(90)]);
    let priced = |place: usize, rate: Option<u64>| {
        let rate = rate.map(|amount| money(amount, Currency::EUR));
        let duration = mixed.terms.durations[place];
        Ok((duration.minutes, mixed.terms.price(duration, rate)?.amount()))
    };
    assert_eq!(priced(0, None), Ok((60, 5_000)));
    assert_eq!(priced(0, Some(9_000)), Ok((60, 5_000)), "the rate does not change a fixed price");
    assert_eq!(priced(1, Some(9_000)), Ok((90, 13_500)));
    assert_eq!(priced(1, Some(0)), Ok((90, 0)));
    assert_eq!(priced(1, None), Err(NoPrice::NoHourlyRate));
    let dollars = mixed.terms.price(derived(90), Some(money(9_000, currency("USD"))));
    assert_eq!(dollars, Err(NoPrice::OtherCurrency { rate: "USD", others: "EUR" }));
    // An earlier release stored prices below the smallest one.
    let stored = mixed.terms.price(fixed(60, 299), None);
    assert!(matches!(stored, Err(NoPrice::NotChargeable(_))), "{stored:?}");
    let too_little = mixed.terms.price(derived(1), Some(money(29, Currency::EUR)));
    assert!(matches!(too_little, Err(NoPrice::NotChargeable(_))), "{too_little:?}");
    // An amount in a withdrawn currency has no decimal digits and cannot be charged.
    let withdrawn = session_type(vec![derived(60)])
        .terms
        .price(derived(60), Some(money(9_000, Currency::from_stored("XQZ"))));
    assert!(matches!(withdrawn, Err(NoPrice::NotChargeable(_))), "{withdrawn:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The price is the multiple of the step that is closest to rate × minutes ÷ 60, the larger of two.
    #[test]
    fn derived_price_is_the_rate_for_the_length_rounded_half_up(
        rate in prop_oneof![0..200_u64, 0..=MAX_CHARGE],
        minutes in 1..=MAX_LENGTH_MINUTES,
        code in proptest::sample::select(&["EUR", "JPY", "KWD", "MGA"][..]),
    ) {
        let (rate, step) = (money(rate, currency(code)), currency(code).charge_step());
        let price = rate.for_minutes(minutes).unwrap();
        prop_assert_eq!(price.currency(), rate.currency());
        prop_assert!(price.amount().is_multiple_of(step));
        // In sixtieths of a minor unit: exact − step/2 < price ≤ exact + step/2.
        let (exact, price) = (rate.amount() * u64::from(minutes), price.amount() * 60);
        prop_assert!(price <= exact + 30 * step && exact < price + 30 * step, "{} {}", exact, price);
    }

    /// An hour costs the rate, and a longer session never costs less.
    #[test]
    fn derived_prices_grow_with_the_length(rate in 0..=MAX_CHARGE, minutes in 1..MAX_LENGTH_MINUTES) {
        let rate = money(rate, Currency::EUR);
        prop_assert_eq!(rate.for_minutes(60), Ok(rate));
        prop_assert!(rate.for_minutes(minutes).unwrap().amount() <= rate.for_minutes(minutes + 1).unwrap().amount());
    }

    /// A duration has either a price that can be charged for all seats, or a reason; it is free only if the rate is zero.
    #[test]
    fn derived_price_can_be_charged(
        rate in prop_oneof![0..200_u64, 0..=MAX_CHARGE],
        minutes in 1..=MAX_LENGTH_MINUTES,
        capacity in 1..=500_u16,
    ) {
        let mut terms = session_type(vec![derived(minutes)]).terms;
        terms.capacity = capacity;
        let rate = money(rate, Currency::EUR);
        let derived_price = rate.for_minutes(minutes).unwrap();
        match terms.price(derived(minutes), Some(rate)) {
            Ok(price) => {
                prop_assert_eq!(price, derived_price);
                prop_assert_eq!(price.is_zero(), rate.is_zero());
                prop_assert!(price.is_zero() || price.checked_mul(capacity).unwrap().check_charge().is_ok());
            }
            Err(NoPrice::NotChargeable(_)) => prop_assert!(
                derived_price.is_zero()
                    || derived_price.check_price().is_err()
                    || derived_price.checked_mul(capacity).unwrap().check_charge().is_err()
            ),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
