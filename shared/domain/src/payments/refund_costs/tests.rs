use proptest::prelude::*;

use super::*;
use crate::Rate;
use crate::payments::debt::Debt;
use crate::payments::gateway::GatewayKind;
use crate::payments::payment::{Plan, Share};
use crate::payments::payout::PayoutTiming;
use crate::scheduling::booking_limits::BookingLimits;
use crate::scheduling::cancellation::{Basis, Quote};
use crate::scheduling::occupancy::tests::{appointment, at};

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, Currency::try_from(code.to_owned()).expect("a currency")).expect("small")
}

fn euros(amount: u64) -> Money {
    money(amount, "EUR")
}

fn payment(amount: u64, basis_points: u16) -> Payment {
    let rate = Rate::from_basis_points(basis_points).expect("at most 100 %");
    let destination = (GatewayKind::Stripe, "acct_1".to_owned());
    Payment::agreed(
        appointment(1).id,
        euros(amount),
        rate,
        destination,
        PayoutTiming::AtPayment,
        Plan::Charge,
    )
}

fn captured(amount: u64, fee: Option<Money>) -> Vec<Movement> {
    let movement = |kind, amount| Movement::new(kind, amount, "ch_1", at("2026-11-01T10:00:00Z"), None);
    let fee = fee.map(|fee| movement(MovementKind::ProcessingFee, fee));
    std::iter::once(movement(MovementKind::Captured, euros(amount))).chain(fee).collect()
}

#[test]
fn largest_processing_fee_is_the_published_one_for_a_card_of_another_region() {
    let fee = |amount, code| largest_processing_fee(money(amount, code)).amount();
    assert_eq!([fee(8_000, "EUR"), fee(8_000, "GBP"), fee(10_000, "USD")], [285, 280, 470]);
    assert_eq!([fee(900_000, "EUR"), fee(90_000, "EUR")], [29_275, 2_950]);
    // A twelfth of 800 yen is 67; a fee is a multiple of ten fils.
    assert_eq!([fee(10_000, "JPY"), fee(10_000, "KWD")], [507, 580]);
    assert_eq!(fee(20, "EUR"), 20);
}

#[test]
fn fee_of_the_ledger_counts_if_it_is_in_the_same_currency() {
    let payment = payment(8_000, 1_000);
    let fee = |movements: &[Movement]| processing_fee(&payment, movements).amount();
    assert_eq!(fee(&captured(8_000, Some(euros(145)))), 145);
    assert_eq!(fee(&captured(8_000, None)), 285);
    assert_eq!(fee(&captured(8_000, Some(money(160, "USD")))), 285);
    assert_eq!(fee(&[]), 0);
}

#[test]
fn cost_of_a_late_payment_is_its_fee_in_charge_steps() {
    let dinars = Payment { amount: money(16_000, "KWD"), ..payment(8_000, 1_000) };
    let captured =
        Movement::new(MovementKind::Captured, dinars.amount, "ch_1", at("2026-11-01T10:00:00Z"), None);
    let fee = Movement::new(
        MovementKind::ProcessingFee,
        money(321, "KWD"),
        "ch_1",
        at("2026-11-01T10:00:00Z"),
        None,
    );
    assert_eq!(cost_of_late_payment(&dinars, &[captured, fee]), money(330, "KWD"));
}

#[test]
fn cost_of_a_refund_is_what_the_remaining_commission_does_not_cover() {
    let (payment, movements) = (payment(8_000, 1_000), captured(8_000, Some(euros(145))));
    let cost = |before, after| cost_of_refund(&payment, &movements, euros(before), euros(after)).amount();
    assert_eq!([cost(8_000, 0), cost(8_000, 4_000), cost(8_000, 1_000)], [145, 0, 45]);
    // Two refunds cost as much as one.
    assert_eq!([cost(1_000, 0), cost(8_000, 1_000) + cost(1_000, 0)], [100, 145]);
    assert_eq!(cost(1_000, 8_000), 0);
    // An expert without a commission costs the platform as much if the session takes place.
    let without = super::tests::payment(8_000, 0);
    assert_eq!(cost_of_refund(&without, &movements, euros(8_000), euros(0)).amount(), 0);
}

#[test]
fn charge_that_is_lowered_before_it_is_captured_costs_what_its_commission_does_not_cover() {
    let authorized = payment(300, 1_000);
    let cost = |before, after| cost_of_refund(&authorized, &[], euros(before), euros(after)).amount();
    // The largest fees on EUR 3.00 and 0.50 are 0.35 and 0.27, and the commissions 0.30 and 0.05.
    assert_eq!([cost(300, 50), cost(8_000, 50), cost(8_000, 4_000)], [17, 22, 0]);
    // Nothing is captured, or nothing changes.
    assert_eq!([cost(300, 0), cost(0, 300), cost(300, 300)], [0, 0, 0]);
    // A saved card is not charged below the smallest amount of a charge.
    let saved = Payment { state: PaymentState::CardSaved, ..authorized };
    let cost = |after| cost_of_refund(&saved, &[], euros(3_000), euros(after)).amount();
    assert_eq!([cost(49), cost(50)], [0, 22]);
}

#[test]
fn expert_who_pays_the_fee_covers_it_with_what_remains_of_their_share() {
    let paypal = Payment { gateway: GatewayKind::Paypal, ..payment(8_000, 1_000) };
    let movements = captured(8_000, Some(euros(274)));
    let cost = |before, after| cost_of_refund(&paypal, &movements, euros(before), euros(after)).amount();
    // Of EUR 2.00, EUR 1.80 remain for the expert.
    assert_eq!([cost(8_000, 0), cost(8_000, 4_000), cost(8_000, 200)], [274, 0, 94]);
}

/// What a client and an expert do with a paid session.
#[derive(Debug, Clone, Copy)]
enum Ending {
    ClientCancels,
    ExpertCancels,
    ExpertRefunds { percent: u8 },
    TakesPlace,
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::ClientCancels),
        2 => Just(Ending::ExpertCancels),
        1 => (1..=100_u8).prop_map(|percent| Ending::ExpertRefunds { percent }),
        1 => Just(Ending::TakesPlace),
    ]
}

/// What one client and one expert can cost the platform in a month, in thousandths of the smallest price: the budgets, and what one
/// refund exceeds the budget of the expert by.
fn bound(budgets: RefundBudgets, largest: Money) -> u64 {
    let largest = RefundCosts::none().with(largest_processing_fee(largest), Cause::Expert).by_expert;
    let by_clients = u64::from(budgets.per_client.min(budgets.per_expert)) * 1_000;
    by_clients + u64::from(budgets.per_expert) * 1_000 + largest
}

proptest! {
    /// Two accounts that book, pay and refund one session after the other, whatever they do.
    #[test]
    fn what_colluding_accounts_cost_the_platform_is_bounded(
        sessions in prop::collection::vec((300_u64..=90_000, ending()), 1..400),
        per_client in 1_u16..20,
        per_expert in 1_u16..60,
    ) {
        let budgets = RefundBudgets { per_client, per_expert };
        let now = at("2026-11-29T12:00:00Z");
        let (mut client, mut expert, mut lost) = (RefundCosts::none(), RefundCosts::none(), 0_u64);
        let (mut debt, mut repaid) = (Debt::default(), 0);
        for (price, ending) in sessions {
            if expert.paused_until(per_expert, Month::of(now)).is_some() {
                break;
            }
            let payment = payment(price, 1_000);
            let fee = largest_processing_fee(euros(price));
            let movements = captured(price, Some(fee));
            let cost = |after: Money| cost_of_refund(&payment, &movements, euros(price), after);
            // What remains with the platform: its commission, and what the client pays for the processing.
            let (final_charge, own) = match ending {
                Ending::TakesPlace => (euros(price), euros(0)),
                Ending::ExpertCancels => (euros(0), euros(0)),
                Ending::ExpertRefunds { percent } => {
                    (euros(price).saturating_sub(euros(price).prorate(percent.into(), 100)), euros(0))
                }
                Ending::ClientCancels => {
                    let quote = Quote::everything(euros(price), Basis::TooLate);
                    let is_covered = client.allows(cost(euros(0)), Cause::Client, per_client)
                        && expert.allows(cost(euros(0)), Cause::Client, per_expert);
                    let quote = if is_covered { quote } else { quote.less_processing_cost(cost(euros(0))) };
                    prop_assert_eq!(quote.refund.amount() + quote.final_charge.amount(), price);
                    (quote.final_charge.saturating_sub(quote.processing_cost), quote.processing_cost)
                }
            };
            match ending {
                Ending::ClientCancels if own.is_zero() => {
                    client = client.with(cost(final_charge), Cause::Client);
                    expert = expert.with(cost(final_charge), Cause::Client);
                }
                Ending::ClientCancels => {}
                Ending::TakesPlace => {
                    let fee = final_charge.apply_rate(payment.fee_rate);
                    if let Some((withheld, rest)) = debt.withhold(Share { amount: final_charge, fee }) {
                        (debt, repaid) = (rest, repaid + withheld.amount());
                    }
                }
                Ending::ExpertCancels | Ending::ExpertRefunds { .. } => {
                    expert = expert.with(cost(final_charge), Cause::Expert);
                    debt = debt.plus(cost(final_charge));
                }
            }
            // A session that takes place can cost more than its commission; that is no refund.
            let usual = fee.saturating_sub(euros(price).apply_rate(payment.fee_rate)).amount();
            let income = final_charge.apply_rate(payment.fee_rate).amount() + own.amount();
            lost += fee.amount().saturating_sub(income).saturating_sub(usual);
        }
        let lost_parts = lost * 1_000 / 300;
        prop_assert!(lost_parts <= bound(budgets, euros(90_000)), "{lost} cents with {budgets:?}");
        // What remains once the expert has repaid what they owe.
        let (of_clients, owed) = (300 * u64::from(per_client.min(per_expert)), debt.owed_in(Currency::EUR));
        prop_assert!(lost <= of_clients + owed + repaid, "{lost} cents, {owed} owed and {repaid} repaid");
    }
}

/// The numbers of docs/policies.md.
#[test]
fn bounds_of_the_defaults() {
    let (budgets, limits) = (RefundBudgets::default(), BookingLimits::default());
    let smallest = Currency::EUR.smallest_price().expect("a price");
    assert_eq!(smallest * u64::from(budgets.per_client), 2_100);
    assert_eq!(smallest * u64::from(budgets.per_expert), 10_500);
    assert_eq!(bound(budgets, euros(90_000)) * smallest / 1_000, 2_100 + 10_500 + 2_950);
    // The sessions of one client with one expert that are booked before the first refund.
    let most = [euros(90_000), money(135_000, "USD")]
        .map(|price| u64::from(limits.priced_bookings_per_expert) * largest_processing_fee(price).amount());
    assert_eq!(most, [59_000, 119_400]);
    // The same with an established expert.
    let most = ["EUR", "USD"].map(|code| {
        let currency = Currency::try_from(code.to_owned()).expect("a currency");
        let price = money(*currency.price_limits().expect("a price").end(), code);
        u64::from(limits.priced_bookings_per_expert) * largest_processing_fee(price).amount()
    });
    assert_eq!(most, [585_500, 1_188_600]);
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
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
fn sum_of_a_few_equal_costs_is_shown_exactly() {
    let costs = (0..3).fold(RefundCosts::none(), |costs, _| costs.with(money(145, "EUR"), Cause::Client));
    assert_eq!(costs.in_euros(Cause::Client), money(435, "EUR"));
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
