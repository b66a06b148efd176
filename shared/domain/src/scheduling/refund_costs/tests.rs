use super::*;
use crate::Currency;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, Currency::try_from(code.to_owned()).expect("a currency")).expect("small")
}

#[test]
fn costs_in_different_currencies_use_up_one_budget() {
    let now = at("2026-11-29T12:00:00Z");
    let once = RefundCosts::none().with(money(300, "EUR"), Cause::Client, now);
    assert!(once.allows(money(450, "USD"), Cause::Client, 2, now));
    let twice = once.with(money(450, "USD"), Cause::Client, now);
    assert_eq!((twice.version, twice.by_clients, twice.by_expert), (2, 2_000, 0));
    // A part of the smallest price is rounded up.
    assert!(!twice.allows(money(1, "GBP"), Cause::Client, 2, now));
    assert!(twice.allows(money(0, "GBP"), Cause::Client, 2, now));
    assert!(twice.allows(money(250, "GBP"), Cause::Expert, 1, now));
}

#[test]
fn a_new_month_has_a_new_budget_and_a_late_clock_does_not() {
    let (last, first) = (at("2026-11-30T23:59:59Z"), at("2026-12-01T00:00:00Z"));
    let used = RefundCosts::none().with(money(300, "EUR"), Cause::Client, last);
    assert!(!used.allows(money(1, "EUR"), Cause::Client, 1, last));
    assert!(used.allows(money(300, "EUR"), Cause::Client, 1, first));
    let next = used.with(money(300, "EUR"), Cause::Client, first);
    assert_eq!((next.month, next.by_clients), (first, 1_000));
    assert!(!next.allows(money(1, "EUR"), Cause::Client, 1, last));
    assert_eq!(next.with(money(3, "EUR"), Cause::Client, last).by_clients, 1_010);
}

#[test]
fn an_expert_who_has_used_up_the_budget_is_paused_until_the_next_month() {
    let now = at("2026-12-24T18:00:00Z");
    let costs = RefundCosts::none().with(money(599, "EUR"), Cause::Expert, now);
    assert_eq!(costs.paused_until(2, now), None);
    let costs = costs.with(money(1, "EUR"), Cause::Expert, now);
    assert_eq!(costs.paused_until(2, now), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(costs.paused_until(3, now), None);
    assert_eq!(costs.paused_until(2, at("2027-01-01T00:00:00Z")), None);
    // What clients cause does not pause the expert.
    let clients = RefundCosts::none().with(money(60_000, "EUR"), Cause::Client, now);
    assert_eq!(clients.paused_until(2, now), None);
}

#[test]
fn a_cost_without_a_smallest_price_is_in_no_budget() {
    let now = at("2026-12-24T18:00:00Z");
    assert!(!RefundCosts::none().allows(money(1, "NPR"), Cause::Client, u16::MAX, now));
}
