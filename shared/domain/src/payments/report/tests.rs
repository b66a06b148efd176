use proptest::prelude::*;

use super::*;
use crate::kernel::money::tests::currency;
use crate::payments::gateway::GatewayKind;
use crate::payments::ledger::Balances;
use crate::payments::ledger::tests::KINDS;
use crate::{AppointmentId, Money, Timestamp};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn span(from: i64, to: i64) -> TimeSpan {
    TimeSpan::new(at(from), at(to))
}

fn movement(kind: MovementKind, amount: u64, code: &str) -> Movement {
    let amount = Money::new(amount, currency(code)).expect("small");
    Movement::new(kind, amount, "ch_1", at(0), None)
}

fn entry(expert: u128, written: i64, movements: Vec<Movement>) -> Entry {
    Entry {
        appointment: Some(AppointmentId::from_bits(1)),
        expert: ExpertId::from_bits(expert),
        gateway: GatewayKind::Stripe,
        number: 1,
        at: at(written),
        movements,
    }
}

fn earnings(entries: &[Entry], span: TimeSpan) -> Vec<Earnings> {
    let mut report = EarningsReport::new(span);
    entries.iter().for_each(|entry| report.add(entry));
    report.finish()
}

fn commission(entries: &[Entry], span: TimeSpan) -> CommissionTotals {
    let mut report = CommissionReport::new(span);
    entries.iter().for_each(|entry| report.add(entry));
    report.finish()
}

#[test]
fn sums_are_formatted_with_the_digits_of_their_currency() {
    let shown = |amount, code| SignedMoney::new(amount, currency(code)).to_string();
    assert_eq!(shown(1_205, "EUR"), "EUR 12.05");
    assert_eq!(shown(-5, "EUR"), "EUR -0.05");
    assert_eq!(shown(0, "EUR"), "EUR 0.00");
    assert_eq!(shown(-1_200, "JPY"), "JPY -1200");
    assert_eq!(shown(-3_125, "KWD"), "KWD -3.125");
    assert_eq!(shown(i128::MIN, "JPY"), format!("JPY {}", i128::MIN));
}

/// A payment of 80.00 of which half was refunded, and a payout of 20.00.
fn half_refunded() -> Vec<Entry> {
    let m = |kind, amount| movement(kind, amount, "EUR");
    vec![
        entry(
            1,
            10,
            vec![
                m(MovementKind::Captured, 8_000),
                m(MovementKind::ProcessingFee, 145),
                m(MovementKind::Transfer, 8_000),
                m(MovementKind::Fee, 800),
            ],
        ),
        entry(
            1,
            20,
            vec![
                m(MovementKind::Refund, 4_000),
                m(MovementKind::Reversal, 4_000),
                m(MovementKind::FeeRefund, 400),
            ],
        ),
        entry(1, 30, vec![m(MovementKind::Payout, 2_000)]),
    ]
}

#[test]
fn half_refunded_payment_is_reported_in_each_figure() {
    let report = earnings(&half_refunded(), span(15, 40));
    let [only] = report.as_slice() else { panic!("{report:?}") };
    let amounts = [
        only.opening_balance,
        only.gross_paid,
        only.refunded,
        only.disputed,
        only.fee,
        only.carried_by_platform,
        only.net_earned,
        only.paid_out,
        only.closing_balance,
    ];
    assert_eq!(amounts.map(SignedMoney::amount), [7_200, 0, 4_000, 0, -400, 0, -3_600, 2_000, 1_600]);
    let report = commission(&half_refunded(), span(0, 40));
    let [total] = report.total.as_slice() else { panic!("{report:?}") };
    let amounts = [
        total.fee,
        total.fee_refunded,
        total.processing_fees,
        total.dispute_fees,
        total.net,
        total.passing_through,
    ];
    assert_eq!(amounts.map(SignedMoney::amount), [800, 400, 145, 0, 255, 0]);
    assert_eq!(report.by_expert, [(ExpertId::from_bits(1), total.clone())]);
}

#[test]
fn each_kind_of_movement_changes_its_figures() {
    use MovementKind::{
        Authorized, Captured, Dispute, DisputeFee, DisputeWon, Fee, FeeRefund, Payout, PayoutFailed,
        ProcessingCost, ProcessingFee, Refund, RefundFailed, Released, ResolvedManually, Reversal, Transfer,
    };
    // The expert's figures: paid, refunded, disputed, fee, earned, paid out. The platform's figures: fee, fee
    // refunded, gateway fees for payments and for disputes, passing through.
    let table = [
        (Authorized, [0; 6], [0; 5]),
        (Released, [0; 6], [0; 5]),
        (Captured, [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1]),
        (ProcessingFee, [0; 6], [0, 0, 1, 0, 0]),
        (Transfer, [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, -1]),
        (Fee, [0, 0, 0, 1, -1, 0], [1, 0, 0, 0, 0]),
        (Refund, [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, -1]),
        (RefundFailed, [0, -1, 0, 0, 0, 0], [0, 0, 0, 0, 1]),
        (Reversal, [0, 0, 0, 0, -1, 0], [0, 0, 0, 0, 1]),
        (FeeRefund, [0, 0, 0, -1, 1, 0], [0, 1, 0, 0, 0]),
        (Dispute, [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, -1]),
        (DisputeFee, [0; 6], [0, 0, 0, 1, 0]),
        (DisputeWon, [0, 0, -1, 0, 0, 0], [0, 0, 0, 0, 1]),
        (Payout, [0, 0, 0, 0, 0, 1], [0; 5]),
        (PayoutFailed, [0, 0, 0, 0, 0, -1], [0; 5]),
        (ResolvedManually, [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, -1]),
        (ProcessingCost, [0; 6], [0, 0, 0, 0, -1]),
    ];
    assert_eq!(table.map(|(kind, ..)| kind), KINDS);
    let figures_of = |movement: Movement| {
        let entries = [entry(1, 1, vec![movement])];
        let earned = earnings(&entries, span(0, 2)).into_iter().map(|one| {
            [one.gross_paid, one.refunded, one.disputed, one.fee, one.net_earned, one.paid_out]
                .map(SignedMoney::amount)
        });
        let commissioned = commission(&entries, span(0, 2)).total.into_iter().map(|one| {
            [one.fee, one.fee_refunded, one.processing_fees, one.dispute_fees, one.passing_through]
                .map(SignedMoney::amount)
        });
        (earned.collect::<Vec<_>>(), commissioned.collect::<Vec<_>>())
    };
    for (kind, earned, commissioned) in table {
        // A currency without any movement is omitted. A processing cost has a figure of its own.
        let is_listed = earned != [0; 6] || kind == ProcessingCost;
        let earned = Vec::from_iter(is_listed.then_some(earned));
        let commissioned = Vec::from_iter((commissioned != [0; 5]).then_some(commissioned));
        assert_eq!(figures_of(movement(kind, 1, "EUR")), (earned, commissioned), "{kind:?}");
    }
    // An amount that was authorized before its capture also counts as paid.
    let authorized_before = movement(Captured, 1, "EUR").with_source(Account::Authorized);
    assert_eq!(figures_of(authorized_before), figures_of(movement(Captured, 1, "EUR")));
}

#[test]
fn what_a_client_pays_for_the_processing_of_a_refund_is_the_platforms() {
    let m = |kind, amount| movement(kind, amount, "EUR");
    // A refund beyond the budget, of a payment that the platform holds.
    let entries = [entry(
        1,
        1,
        vec![
            m(MovementKind::Captured, 8_000),
            m(MovementKind::ProcessingFee, 145),
            m(MovementKind::Refund, 7_855),
            m(MovementKind::ProcessingCost, 145),
        ],
    )];
    let [one] = earnings(&entries, span(0, 2)).try_into().expect("one currency");
    let Earnings { refund_processing_costs, carried_by_platform, net_earned, .. } = one;
    let figures = [refund_processing_costs, carried_by_platform, net_earned].map(SignedMoney::amount);
    assert_eq!(figures, [145, 0, 0], "the expert has earned nothing, and nothing is held for them");
    let total = commission(&entries, span(0, 2)).total.remove(0);
    let Commission { processing_fees, refund_processing_costs, net, passing_through, .. } = total;
    let figures = [processing_fees, refund_processing_costs, net, passing_through].map(SignedMoney::amount);
    assert_eq!(figures, [145, 145, 0, 0], "the fee is covered, and no money of others is left");
}

#[test]
fn costs_carried_by_the_platform_are_reported() {
    // A refund and a dispute after the expert has received their share.
    let m = |kind, amount| movement(kind, amount, "EUR");
    let entries = [entry(1, 1, vec![m(MovementKind::Refund, 500), m(MovementKind::DisputeFee, 2_000)])];
    let report = earnings(&entries, span(0, 2));
    assert_eq!(report.first().map(|one| one.carried_by_platform.amount()), Some(500));
    let total = commission(&entries, span(0, 2)).total.remove(0);
    assert_eq!((total.net.amount(), total.passing_through.amount()), (-2_000, -500));
}

#[test]
fn gateway_fees_paid_by_the_expert_are_reported() {
    let m = |kind, amount| movement(kind, amount, "EUR");
    let price = m(MovementKind::ProcessingFee, 350).with_source(Account::Expert);
    let entries =
        [entry(1, 1, vec![m(MovementKind::Captured, 8_000), m(MovementKind::Transfer, 8_000), price])];
    let report = earnings(&entries, span(0, 2));
    let [only] = report.as_slice() else { panic!("{report:?}") };
    let amounts = [only.gross_paid, only.processing_fees, only.carried_by_platform, only.net_earned];
    assert_eq!(amounts.map(SignedMoney::amount), [8_000, 350, 0, 7_650]);
}

#[test]
fn period_without_movements_has_an_empty_report() {
    assert_eq!(earnings(&[], span(0, 10)), []);
    assert_eq!(earnings(&half_refunded(), span(0, 10)), []);
    assert_eq!(commission(&half_refunded(), span(40, 50)).total, []);
    // A balance from before the period is reported.
    assert_eq!(earnings(&half_refunded(), span(40, 50)).len(), 1);
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let movement = (0..KINDS.len(), 0..=crate::kernel::money::MAX_CHARGE, 0..3_usize)
        .prop_map(|(kind, amount, code)| movement(KINDS[kind], amount, ["EUR", "JPY", "KWD"][code]));
    let entry = (1..4_u128, 0..100_i64, prop::collection::vec(movement, 0..5))
        .prop_map(|(expert, written, movements)| entry(expert, written, movements));
    prop::collection::vec(entry, 0..30)
}

/// All figures except the balances, by currency.
fn figures(report: &[Earnings]) -> BTreeMap<&'static str, [i128; 7]> {
    let of = |one: &Earnings| {
        let all = [
            one.gross_paid,
            one.refunded,
            one.disputed,
            one.fee,
            one.carried_by_platform,
            one.net_earned,
            one.paid_out,
        ];
        (one.currency.code(), all.map(SignedMoney::amount))
    };
    report.iter().map(of).collect()
}

fn added<const N: usize, K: Ord>(
    to: &mut BTreeMap<K, [i128; N]>,
    more: impl IntoIterator<Item = (K, [i128; N])>,
) {
    for (key, amounts) in more {
        let sums = to.entry(key).or_insert([0; N]);
        sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
    }
}

fn without_zeros<const N: usize, K: Ord>(map: BTreeMap<K, [i128; N]>) -> BTreeMap<K, [i128; N]> {
    map.into_iter().filter(|(_, amounts)| *amounts != [0; N]).collect()
}

proptest! {
    #[test]
    fn earnings_add_up_to_the_balances(entries in entries(), from in 0..100_i64, length in 0..100_i64) {
        let span = span(from, from + length);
        let before = entries.iter().filter(|entry| entry.at < span.start());
        let until = entries.iter().filter(|entry| entry.at < span.end());
        let opening = Balances::of(before.flat_map(|entry| &entry.movements));
        let closing = Balances::of(until.flat_map(|entry| &entry.movements));
        let report = earnings(&entries, span);
        for one in &report {
            let amount = |figure: SignedMoney| figure.amount();
            prop_assert_eq!(amount(one.opening_balance), opening.get(Account::Expert, one.currency));
            prop_assert_eq!(amount(one.closing_balance), closing.get(Account::Expert, one.currency));
            let commissioned = amount(one.gross_paid) - amount(one.refunded) - amount(one.disputed) - amount(one.fee)
                - amount(one.processing_fees) - amount(one.refund_processing_costs);
            prop_assert_eq!(commissioned + amount(one.carried_by_platform), amount(one.net_earned));
            let change = amount(one.net_earned) - amount(one.paid_out);
            prop_assert_eq!(amount(one.opening_balance) + change, amount(one.closing_balance));
        }
        // No currency with a balance is omitted.
        for code in ["EUR", "JPY", "KWD"] {
            let is_listed = report.iter().any(|one| one.currency.code() == code);
            prop_assert!(is_listed || closing.get(Account::Expert, currency(code)) == 0);
        }
    }

    #[test]
    fn adjacent_periods_add_up(entries in entries(), mut cuts in prop::collection::vec(0..100_i64, 0..5)) {
        cuts.extend([0, 100]);
        cuts.sort_unstable();
        let whole = figures(&earnings(&entries, span(0, 100)));
        let mut sum = BTreeMap::new();
        let mut carried: BTreeMap<&str, i128> = BTreeMap::new();
        for pair in cuts.windows(2) {
            let part = earnings(&entries, span(pair[0], pair[1]));
            for one in &part {
                let opening = carried.get(one.currency.code()).copied().unwrap_or(0);
                prop_assert_eq!(one.opening_balance.amount(), opening);
                carried.insert(one.currency.code(), one.closing_balance.amount());
            }
            added(&mut sum, figures(&part));
        }
        prop_assert_eq!(without_zeros(sum), without_zeros(whole));
    }

    #[test]
    fn commission_adds_up_to_the_balances_over_time_and_experts(entries in entries(), cut in 0..100_i64) {
        let figures = |one: &Commission| {
            [one.fee, one.fee_refunded, one.processing_fees, one.dispute_fees, one.net, one.passing_through]
                .map(SignedMoney::amount)
        };
        let by_code = |report: &CommissionTotals| {
            report.total.iter().map(|one| (one.currency.code(), figures(one))).collect::<BTreeMap<_, _>>()
        };
        let whole = commission(&entries, span(0, 100));
        let balances = Balances::of(entries.iter().flat_map(|entry| &entry.movements));
        for code in ["EUR", "JPY", "KWD"] {
            let currency = currency(code);
            let figures = by_code(&whole).get(code).copied().unwrap_or_default();
            let at_gateways = [Account::Platform, Account::ProcessingCosts];
            let at_gateways: i128 = at_gateways.iter().map(|account| balances.get(*account, currency)).sum();
            prop_assert_eq!(figures[4] + figures[5], at_gateways);
            prop_assert_eq!(figures[2] + figures[3], balances.get(Account::Gateway, currency));
        }
        let mut of_experts = BTreeMap::new();
        added(&mut of_experts, whole.by_expert.iter().map(|(_, one)| (one.currency.code(), figures(one))));
        prop_assert_eq!(without_zeros(of_experts), without_zeros(by_code(&whole)));
        let mut sum = BTreeMap::new();
        added(&mut sum, by_code(&commission(&entries, span(0, cut))));
        added(&mut sum, by_code(&commission(&entries, span(cut, 100))));
        prop_assert_eq!(without_zeros(sum), without_zeros(by_code(&whole)));
    }

    #[test]
    fn decimal_equals_the_amount(amount in any::<i64>(), code in 0..3_usize) {
        let sum = SignedMoney::new(amount.into(), currency(["EUR", "JPY", "KWD"][code]));
        let text = sum.decimal();
        prop_assert_eq!(text.replace('.', "").parse::<i64>(), Ok(amount));
        let digits = text.split_once('.').map_or(0, |(_, behind)| behind.len());
        prop_assert_eq!(digits, usize::from(sum.currency().exponent()));
    }
}
