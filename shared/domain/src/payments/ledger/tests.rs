//! Movements that snapshots report in any order and any number of times are recorded once and give the same totals.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::kernel::money::tests::currency;

pub(crate) const KINDS: [MovementKind; 17] = [
    MovementKind::Authorized,
    MovementKind::Released,
    MovementKind::Captured,
    MovementKind::ProcessingFee,
    MovementKind::Transfer,
    MovementKind::Fee,
    MovementKind::Refund,
    MovementKind::RefundFailed,
    MovementKind::Reversal,
    MovementKind::FeeRefund,
    MovementKind::Dispute,
    MovementKind::DisputeFee,
    MovementKind::DisputeWon,
    MovementKind::Payout,
    MovementKind::PayoutFailed,
    MovementKind::ResolvedManually,
    MovementKind::ProcessingCost,
];

fn movement(kind: MovementKind, amount: u64, object: impl Into<String>) -> Movement {
    let amount = Money::new(amount, Currency::EUR).expect("small");
    Movement::new(kind, amount, object, Timestamp::MIN, None)
}

/// Movements of few objects, so that duplicates occur.
fn movements() -> impl Strategy<Value = Vec<Movement>> {
    let one = (select(&KINDS[..]), 0..5_u8, 1..100_u64, any::<bool>(), any::<bool>());
    let one = one.prop_map(|(kind, object, amount, set_aside, dollars)| {
        let mut movement = movement(kind, amount, format!("object_{object}"));
        if dollars {
            movement.amount = Money::new(amount, currency("USD")).expect("small");
        }
        let from =
            if set_aside && kind == MovementKind::Captured { Account::Authorized } else { movement.from };
        movement.with_source(from)
    });
    vec(one, 0..40)
}

fn events(movements: &[Movement]) -> Vec<(MovementKind, String)> {
    let mut events: Vec<_> = movements.iter().map(|one| (one.kind, one.object.clone())).collect();
    events.sort();
    events
}

/// Records the new movements of each snapshot in turn.
fn record(snapshots: &[Vec<Movement>]) -> Vec<Movement> {
    let mut ledger = Vec::new();
    for snapshot in snapshots {
        let new: Vec<Movement> = new_movements(&ledger, snapshot).into_iter().cloned().collect();
        ledger.extend(new);
    }
    ledger
}

/// All movements of a payment, oldest first. 90 of 100 are captured. 40 are refunded in two refunds, one of which
/// fails and is resolved manually. A dispute of 50 is won except for 5, and the expert gets their share again.
fn a_whole_payment() -> Vec<Movement> {
    vec![
        movement(MovementKind::Authorized, 100, "auth_1"),
        movement(MovementKind::Captured, 90, "ch_1").with_source(Account::Authorized),
        movement(MovementKind::Released, 10, "rel_1"),
        movement(MovementKind::ProcessingFee, 3, "ch_1"),
        movement(MovementKind::Transfer, 90, "tr_1"),
        movement(MovementKind::Fee, 9, "fee_1"),
        movement(MovementKind::Refund, 30, "re_1"),
        movement(MovementKind::Reversal, 30, "trr_1"),
        movement(MovementKind::FeeRefund, 3, "fr_1"),
        movement(MovementKind::Refund, 10, "re_2"),
        movement(MovementKind::RefundFailed, 10, "re_2"),
        movement(MovementKind::ResolvedManually, 10, "by_hand_1"),
        movement(MovementKind::Dispute, 50, "dp_1"),
        movement(MovementKind::DisputeFee, 15, "dp_1"),
        movement(MovementKind::Reversal, 60, "trr_2"),
        movement(MovementKind::FeeRefund, 6, "fr_2"),
        movement(MovementKind::DisputeWon, 45, "dp_1"),
        movement(MovementKind::Transfer, 40, "tr_2"),
        movement(MovementKind::Payout, 40, "po_1"),
        movement(MovementKind::PayoutFailed, 40, "po_1"),
    ]
}

#[test]
fn totals_and_balances_of_a_complete_payment_add_up() {
    let whole = a_whole_payment();
    let totals = Totals::of(&whole);
    let expected = Totals {
        authorized: 0,
        captured: 90,
        refunded: 40,
        disputed: 5,
        dispute_won: 45,
        transferred: 130,
        reversed: 90,
        fee: 9,
        fee_refunded: 9,
        failed_refunds: 1,
    };
    assert_eq!(totals, expected);
    assert_eq!((totals.net_paid(), totals.expert_balance()), (45, 40));
    let balances = Balances::of(&whole);
    let of = |account| balances.get(account, Currency::EUR);
    assert_eq!(Account::ALL.map(of), [-45, 0, -13, 40, 18, 0, 0]);
    assert_eq!(balances.get(Account::Client, currency("USD")), 0);
    let all: Vec<_> = balances.iter().filter(|(_, _, amount)| *amount != 0).collect();
    let expected =
        [(Account::Client, -45), (Account::Platform, -13), (Account::Expert, 40), (Account::Gateway, 18)];
    assert_eq!(all, expected.map(|(account, amount)| (account, "EUR", amount)));
}

#[test]
fn won_dispute_is_counted_even_if_more_was_disputed_than_held() {
    // A client who got a partial refund can still dispute the full amount.
    let all = [
        movement(MovementKind::Captured, 100, "ch_1"),
        movement(MovementKind::Refund, 40, "re_1"),
        movement(MovementKind::Dispute, 100, "dp_1"),
    ];
    assert_eq!(Totals::of(&all).net_paid(), 0);
    let won = movement(MovementKind::DisputeWon, 100, "dp_1");
    assert_eq!(Totals::of(all.iter().chain([&won])).net_paid(), 60);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_movement_is_recorded_twice(snapshots in vec(movements(), 0..6)) {
        let ledger = record(&snapshots);
        let mut once = events(&ledger);
        once.dedup();
        prop_assert_eq!(once.len(), ledger.len(), "{:?}", ledger);
        for snapshot in &snapshots {
            prop_assert!(new_movements(&ledger, snapshot).is_empty(), "a known movement is reported as new");
            prop_assert!(snapshot.iter().all(|seen| ledger.iter().any(|known| known.is_same_event(seen))), "a movement is missing");
        }
    }

    #[test]
    fn new_movements_are_unknown_and_keep_their_order(known in movements(), seen in movements()) {
        let new = new_movements(&known, &seen);
        prop_assert!(new.iter().all(|one| !known.iter().any(|other| other.is_same_event(one))));
        let places: Vec<usize> = new.iter().filter_map(|one| seen.iter().position(|other| other.is_same_event(one))).collect();
        prop_assert!(places.is_sorted_by(|one, next| one < next), "{:?}", places);
    }

    #[test]
    fn snapshots_in_any_order_give_the_same_ledger(
        parts in vec(any::<[bool; 5]>(), 20),
        order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
        shuffled in Just(a_whole_payment()).prop_shuffle(),
    ) {
        // Five snapshots with some of the movements, and one with all of them, in another order.
        let whole = a_whole_payment();
        let sees = |snapshot: usize| {
            let seen = whole.iter().zip(&parts).filter(|(_, by)| by[snapshot]);
            seen.map(|(movement, _)| movement.clone()).collect::<Vec<_>>()
        };
        let mut snapshots: Vec<Vec<Movement>> = order.into_iter().map(sees).collect();
        snapshots.push(shuffled);
        let ledger = record(&snapshots);
        prop_assert_eq!(events(&ledger), events(&whole));
        prop_assert_eq!(Totals::of(&ledger), Totals::of(&whole));
        prop_assert_eq!(Balances::of(&ledger), Balances::of(&whole));
    }

    #[test]
    fn totals_are_sums_of_movements(movements in movements()) {
        let sum = |kinds: &[MovementKind]| -> u64 {
            let of_kinds = movements.iter().filter(|one| kinds.contains(&one.kind));
            of_kinds.map(|one| one.amount.amount()).sum()
        };
        use MovementKind::{Authorized, Captured, Dispute, DisputeWon, Fee, FeeRefund, Refund, RefundFailed, Released};
        use MovementKind::{Reversal, ResolvedManually, Transfer};
        let set_aside = movements.iter().filter(|one| one.kind == Captured && one.from == Account::Authorized);
        let out_of_it: u64 = set_aside.map(|one| one.amount.amount()).sum();
        let totals = Totals::of(&movements);
        let expected = Totals {
            authorized: sum(&[Authorized]).saturating_sub(sum(&[Released]) + out_of_it),
            captured: sum(&[Captured]),
            refunded: sum(&[Refund, ResolvedManually]).saturating_sub(sum(&[RefundFailed])),
            disputed: sum(&[Dispute]).saturating_sub(sum(&[DisputeWon])),
            dispute_won: sum(&[DisputeWon]),
            transferred: sum(&[Transfer]),
            reversed: sum(&[Reversal]),
            fee: sum(&[Fee]),
            fee_refunded: sum(&[FeeRefund]),
            failed_refunds: movements.iter().filter(|one| one.kind == RefundFailed).count() as u16,
        };
        prop_assert_eq!(totals, expected);
        let held = sum(&[Captured]) as i64 - expected.refunded as i64 - expected.disputed as i64;
        prop_assert_eq!(totals.net_paid(), held.max(0) as u64);
    }

    #[test]
    fn balances_sum_to_zero_in_each_currency(movements in movements()) {
        let balances = Balances::of(&movements);
        for code in ["EUR", "USD"] {
            let of_code = balances.iter().filter(|(_, of, _)| *of == code);
            prop_assert_eq!(of_code.map(|(_, _, amount)| amount).sum::<i128>(), 0);
            for account in Account::ALL {
                let mut naive = 0_i128;
                for one in movements.iter().filter(|one| one.amount.currency().code() == code) {
                    naive += if one.to == account { one.amount.amount().into() } else { 0 };
                    naive -= if one.from == account { i128::from(one.amount.amount()) } else { 0 };
                }
                prop_assert_eq!(balances.get(account, currency(code)), naive, "{:?}", account);
            }
        }
    }
}
