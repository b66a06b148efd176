use proptest::prelude::*;

use super::*;
use crate::experts::policy::MAX_TIERS;
use crate::kernel::money::MAX_CHARGE;
use crate::{Currency, Timestamp};

fn at(hours: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + hours * HOUR)
}

fn tier(until_hours_before: u16, percent: u8) -> Tier {
    Tier { until_hours_before, refund_percent: Percent::new(percent).expect("a percentage") }
}

fn tiers() -> CancellationPolicy {
    CancellationPolicy {
        tiers: vec![tier(48, 100), tier(24, 50), tier(1, 10)],
        grace_minutes: 30,
        ..Default::default()
    }
}

fn euros(cents: u64) -> Money {
    Money::new(cents, Currency::EUR).expect("small")
}

#[test]
fn each_tier_applies_until_its_last_second() {
    let policy = tiers();
    let refund =
        |now| cancellation(&policy, euros(1_005), at(-1_000), at(100), Party::Client, now).refund.amount();
    assert_eq!(refund(at(52)), 1_005);
    assert_eq!(refund(at(52).plus(1)), 503);
    assert_eq!(refund(at(76)), 503);
    assert_eq!(refund(at(76).plus(1)), 101);
    assert_eq!(refund(at(99)), 101);
    assert_eq!(refund(at(99).plus(1)), 0);
}

#[test]
fn cancellation_by_expert_or_platform_refunds_everything() {
    for by in [Party::Expert, Party::Platform] {
        let quote = cancellation(&tiers(), euros(999), at(0), at(100), by, at(100).plus(-1));
        assert_eq!((quote.refund, quote.final_charge), (euros(999), euros(0)));
        assert_eq!(no_show(&tiers(), euros(999), by).refund, euros(999));
    }
    assert_eq!(no_show(&tiers(), euros(999), Party::Client).final_charge, euros(999));
}

#[test]
fn grace_period_begins_at_the_booking() {
    let quote = |minutes: i64| {
        let (booked, start) = (at(0), at(0).plus(50 * MINUTE));
        cancellation(&tiers(), euros(100), booked, start, Party::Client, booked.plus(minutes * MINUTE))
    };
    assert_eq!(quote(30).basis, Basis::Grace { until: at(0).plus(30 * MINUTE) });
    assert_eq!(quote(31).basis, Basis::TooLate);
}

#[test]
fn grace_period_needs_minutes_and_ends_at_the_start() {
    let quote = |grace_minutes, start, now| {
        let policy = CancellationPolicy { grace_minutes, ..tiers() };
        cancellation(&policy, euros(100), at(0), start, Party::Client, now).basis
    };
    assert_eq!(
        quote(0, at(30), at(0)),
        Basis::Tier { until_hours_before: 24, refund_percent: tier(0, 50).refund_percent }
    );
    let start = at(0).plus(10 * MINUTE);
    assert_eq!(quote(30, start, start.plus(-1)), Basis::Grace { until: at(0).plus(30 * MINUTE) });
    assert_eq!(quote(30, start, start), Basis::TooLate);
}

#[test]
fn free_session_refunds_nothing() {
    for quote in [
        cancellation(&tiers(), euros(0), at(0), at(100), Party::Expert, at(1)),
        no_show(&tiers(), euros(0), Party::Client),
    ] {
        assert_eq!(quote, Quote::everything(euros(0), Basis::Free));
    }
}

#[test]
fn earlier_refunds_are_not_repeated() {
    // The price was 100, of which this policy charges 60.
    let quote = Quote {
        refund: euros(40),
        final_charge: euros(60),
        processing_cost: euros(0),
        basis: Basis::TooLate,
    };
    let after = |final_charge| {
        let quote = quote.after(final_charge);
        (quote.refund.amount(), quote.final_charge.amount())
    };
    assert_eq!(after(None), (40, 60));
    // If the client still pays 90, 30 more are refunded. If the client pays 60 or less, nothing more is refunded.
    assert_eq!(after(Some(euros(90))), (30, 60));
    assert_eq!(after(Some(euros(60))), (0, 60));
    assert_eq!(after(Some(euros(20))), (0, 20));
    let yen = Money::new(90, Currency::try_from("JPY".to_owned()).expect("a code in use")).expect("small");
    assert_eq!(after(Some(yen)), (40, 60));
}

#[test]
fn refund_is_limited_to_what_is_held() {
    let quote = Quote {
        refund: euros(40),
        final_charge: euros(60),
        processing_cost: euros(0),
        basis: Basis::TooLate,
    };
    let held = |held| quote.limited_to_net_paid(held);
    assert_eq!(held(100), quote);
    assert_eq!(held(150), quote);
    assert_eq!(held(90), Quote { refund: euros(30), ..quote });
    for nothing in [60, 59, 0] {
        assert_eq!(held(nothing), Quote { refund: euros(0), ..quote });
    }
}

proptest! {
    #[test]
    fn refund_and_final_charge_add_up_to_the_price(
        amount in 0..=MAX_CHARGE,
        percents in prop::collection::btree_set(0_u8..=100, 0..MAX_TIERS),
        booked in -500_i64..0,
        now in -500_i64..200,
    ) {
        let count = percents.len() as u16;
        let tiers: Vec<Tier> = percents.into_iter().rev().zip(0..).map(|(percent, place)| tier((count - place) * 10, percent)).collect();
        let policy = CancellationPolicy { tiers, ..CancellationPolicy::default() };
        prop_assert_eq!(policy.check(), Ok(()));
        let quote = |now| cancellation(&policy, euros(amount), at(booked), at(100), Party::Client, at(now));
        let one = quote(now);
        prop_assert_eq!(one.refund.amount() + one.final_charge.amount(), amount);
        // A later cancellation never refunds more.
        prop_assert!(quote(now + 1).refund.amount() <= one.refund.amount());
    }
}
