use super::*;

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, Currency::try_from(code.to_owned()).expect("a currency")).expect("small")
}

#[test]
fn costs_in_different_currencies_use_up_one_budget() {
    let once = RefundCosts::none().with(money(300, "EUR"), Cause::Client);
    assert!(once.allows(money(450, "USD"), Cause::Client, 2));
    let twice = once.with(money(450, "USD"), Cause::Client);
    assert_eq!((twice.version, twice.by_clients, twice.by_expert), (2, 2_000, 0));
    // A part of the smallest price is rounded up.
    assert!(!twice.allows(money(1, "GBP"), Cause::Client, 2));
    assert!(twice.allows(money(0, "GBP"), Cause::Client, 2));
    assert!(twice.allows(money(250, "GBP"), Cause::Expert, 1));
    let euros = |cause| twice.with(money(1, "GBP"), cause).in_euros(cause);
    assert_eq!([euros(Cause::Client), euros(Cause::Expert)], [money(601, "EUR"), money(1, "EUR")]);
}

#[test]
fn an_expert_who_has_used_up_the_budget_is_paused_until_the_next_month() {
    let december = month("2026-12");
    let costs = RefundCosts::none().with(money(599, "EUR"), Cause::Expert);
    assert_eq!(costs.paused_until(2, december), None);
    let costs = costs.with(money(1, "EUR"), Cause::Expert);
    assert_eq!(costs.paused_until(2, december), Some("2027-01-01T00:00:00Z".parse().expect("an instant")));
    assert_eq!(costs.paused_until(3, december), None);
    // What clients cause does not pause the expert.
    let clients = RefundCosts::none().with(money(60_000, "EUR"), Cause::Client);
    assert_eq!(clients.paused_until(2, december), None);
}

#[test]
fn a_cost_without_a_smallest_price_is_in_no_budget() {
    assert!(!RefundCosts::none().allows(money(1, "NPR"), Cause::Client, u16::MAX));
}
