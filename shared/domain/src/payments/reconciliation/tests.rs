use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::payments::ledger::MovementKind;
use crate::{Currency, Money};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn line(id: &str, object: &str, amount: i64, fee: i64, seconds: i64) -> BookLine {
    let (id, object, kind) = (id.to_owned(), object.to_owned(), "charge".to_owned());
    BookLine { id, object, kind, amount, fee, currency: "EUR".to_owned(), at: at(seconds), appointment: None }
}

fn ledger_movement(kind: MovementKind, object: &str, amount: u64, seconds: i64) -> LedgerMovement {
    let amount = Money::new(amount, Currency::EUR).expect("small");
    let appointment = Some(AppointmentId::from_bits(1));
    LedgerMovement { movement: Movement::new(kind, amount, object, at(seconds), None), appointment }
}

const DAY_TWO: i64 = 2 * DAY;
/// Within the second day.
const MORNING: i64 = DAY_TWO + 8 * HOUR;

fn day_two() -> TimeSpan {
    TimeSpan::new(at(DAY_TWO), at(DAY_TWO + DAY))
}

/// Amount and fee.
type Pair = (i64, i64);

/// Each object with the expected and the found sums.
fn sums_by_object(found: &[Discrepancy]) -> Vec<(&str, Option<Pair>, Option<Pair>)> {
    let sums = |sums: Option<Sums>| sums.map(|sums| (sums.amount, sums.fee));
    found.iter().map(|one| (one.object.as_str(), sums(one.ledger), sums(one.books))).collect()
}

#[test]
fn payment_with_refund_and_dispute_agrees() {
    let lines = [
        line("txn_1", "ch_1", 8_000, 145, MORNING),
        line("txn_2", "tr_1", -8_000, 0, MORNING),
        line("txn_3", "fee_1", 800, 0, MORNING),
        line("txn_4", "re_1", -4_000, 0, MORNING + 9),
        line("txn_5", "trr_1", 4_000, 0, MORNING + 9),
        line("txn_6", "fr_1", -400, 0, MORNING + 9),
        line("txn_7", "dp_1", -4_000, 2_000, MORNING + 99),
        line("txn_8", "dp_1", 4_000, -2_000, MORNING + 999),
    ];
    // The gateway returns its dispute fee when the dispute is won.
    let mut fee_back = ledger_movement(MovementKind::ProcessingFee, "dp_1", 2_000, MORNING + 999);
    (fee_back.movement.from, fee_back.movement.to) = (Account::Gateway, Account::Platform);
    let movements = [
        ledger_movement(MovementKind::Authorized, "ch_1", 9_000, MORNING),
        ledger_movement(MovementKind::Captured, "ch_1", 8_000, MORNING),
        ledger_movement(MovementKind::ProcessingFee, "ch_1", 145, MORNING),
        ledger_movement(MovementKind::Transfer, "tr_1", 8_000, MORNING),
        ledger_movement(MovementKind::Fee, "fee_1", 800, MORNING),
        ledger_movement(MovementKind::Refund, "re_1", 4_000, MORNING + 9),
        ledger_movement(MovementKind::Reversal, "trr_1", 4_000, MORNING + 9),
        ledger_movement(MovementKind::FeeRefund, "fr_1", 400, MORNING + 9),
        ledger_movement(MovementKind::Dispute, "dp_1", 4_000, MORNING + 99),
        ledger_movement(MovementKind::DisputeFee, "dp_1", 2_000, MORNING + 99),
        ledger_movement(MovementKind::DisputeWon, "dp_1", 4_000, MORNING + 999),
        fee_back,
        // The platform's books contain neither of these.
        ledger_movement(MovementKind::Payout, "po_1", 3_600, MORNING + 5_000),
        ledger_movement(MovementKind::ResolvedManually, "by_hand_3", 100, MORNING + 5_000),
    ];
    assert_eq!(compare(&lines, &movements, day_two()), []);
}

#[test]
fn each_kind_of_difference_is_reported_with_both_sums() {
    let lines = [
        line("txn_1", "ch_unknown", 8_000, 145, MORNING),
        line("txn_2", "re_other", -4_000, 0, MORNING),
        line("txn_3", "ch_fee", 100, 20, MORNING),
    ];
    let movements = [
        ledger_movement(MovementKind::Transfer, "tr_gone", 7_000, MORNING),
        ledger_movement(MovementKind::Refund, "re_other", 4_001, MORNING),
        ledger_movement(MovementKind::Captured, "ch_fee", 100, MORNING),
        ledger_movement(MovementKind::ProcessingFee, "ch_fee", 21, MORNING),
    ];
    let found = compare(&lines, &movements, day_two());
    let expected = [
        ("ch_fee", Some((100, 21)), Some((100, 20))),
        ("ch_unknown", None, Some((8_000, 145))),
        ("re_other", Some((-4_001, 0)), Some((-4_000, 0))),
        ("tr_gone", Some((-7_000, 0)), None),
    ];
    assert_eq!(sums_by_object(&found), expected);
    let kinds: Vec<_> = found.iter().map(Discrepancy::kind).collect();
    use DifferenceKind::{AmountDiffers, FeeDiffers, MissingAtGateway, MissingInLedger};
    assert_eq!(kinds, [FeeDiffers, MissingInLedger, AmountDiffers, MissingAtGateway]);
    // The appointment comes from the ledger.
    let whose: Vec<bool> = found.iter().map(|one| one.appointment.is_some()).collect();
    assert_eq!(whose, [true, false, true, true]);
}

#[test]
fn different_currencies_are_a_difference() {
    let mut in_dollars = line("txn_1", "ch_1", 8_000, 0, MORNING);
    in_dollars.currency = "USD".to_owned();
    let movements = [ledger_movement(MovementKind::Captured, "ch_1", 8_000, MORNING)];
    assert_eq!(compare(&[in_dollars], &movements, day_two()).len(), 2);
}

#[test]
fn duplicate_movement_is_a_difference_and_duplicate_line_is_not() {
    let one = line("txn_1", "ch_1", 8_000, 0, MORNING);
    let movement = ledger_movement(MovementKind::Captured, "ch_1", 8_000, MORNING);
    let lines = [one.clone(), one];
    assert_eq!(compare(&lines, std::slice::from_ref(&movement), day_two()), []);
    let found = compare(&lines, &[movement.clone(), movement], day_two());
    assert_eq!(sums_by_object(&found), [("ch_1", Some((16_000, 0)), Some((8_000, 0)))]);
}

#[test]
fn later_lines_of_a_dispute_match_by_their_own_id() {
    let lines = [
        line("txn_1", "dp_1", -100, 0, MORNING),
        line("txn_2", "dp_1", 100, 0, MORNING + 1),
        line("txn_3", "dp_1", -100, 0, MORNING + 2),
    ];
    let movements = [
        ledger_movement(MovementKind::Dispute, "dp_1", 100, MORNING),
        ledger_movement(MovementKind::DisputeWon, "dp_1", 100, MORNING + 1),
        ledger_movement(MovementKind::Dispute, "txn_3", 100, MORNING + 2),
    ];
    assert_eq!(compare(&lines, &movements, day_two()), []);
}

#[test]
fn movements_outside_the_window_are_not_compared() {
    let beyond = MAX_CLOCK_SKEW + 1;
    let lines = [
        line("txn_1", "ch_1", 8_000, 0, DAY_TWO - beyond),
        line("txn_2", "ch_2", 1, 0, DAY_TWO + DAY + beyond),
    ];
    assert_eq!(compare(&lines, &[], day_two()), []);
    // The two sides can report the same event on different sides of the edge. Both sides then belong to the earlier
    // window.
    let lines = [line("txn_1", "ch_1", 8_000, 0, DAY_TWO - 1)];
    let movements = [ledger_movement(MovementKind::Captured, "ch_1", 8_001, DAY_TWO + 1)];
    assert_eq!(compare(&lines, &movements, day_two()), []);
    let day_one = TimeSpan::new(at(DAY), at(DAY_TWO));
    assert_eq!(
        sums_by_object(&compare(&lines, &movements, day_one)),
        [("ch_1", Some((8_001, 0)), Some((8_000, 0)))]
    );
}

/// Each window would agree on its own, because the duplicate is balanced by a movement beyond the edge.
#[test]
fn duplicate_movement_is_found_near_an_edge() {
    let edge = DAY_TWO + 40 * HOUR;
    let lines = [line("txn_1", "re_1", -1, 0, DAY_TWO + HOUR), line("txn_2", "re_1", 1, 0, edge + 1)];
    let refund = ledger_movement(MovementKind::Refund, "re_1", 1, DAY_TWO + HOUR);
    let movements =
        [refund.clone(), refund, ledger_movement(MovementKind::RefundFailed, "re_1", 1, edge - 1)];
    let windows = [TimeSpan::new(at(DAY_TWO), at(edge)), TimeSpan::new(at(edge), at(edge + DAY))];
    let found: Vec<_> = windows.iter().flat_map(|window| compare(&lines, &movements, *window)).collect();
    assert_eq!(sums_by_object(&found), [("re_1", Some((-1, 0)), Some((0, 0)))]);
}

#[test]
fn windows_are_adjacent_and_end_an_hour_before_now() {
    let now = at(100 * DAY);
    let first = next_window(None, now);
    assert_eq!((first.end(), first.seconds()), (now.plus(-MIN_MOVEMENT_AGE), DAY));
    assert!(next_window(Some(first.end()), now).is_empty());
    assert_eq!(next_window(Some(first.end()), now.plus(HOUR)), TimeSpan::new(first.end(), now));
    // After a long pause, each window is one day.
    let behind = next_window(Some(at(50 * DAY)), now);
    assert_eq!((behind.start(), behind.seconds()), (at(50 * DAY), DAY));
    // If the clock goes back, nothing is compared twice.
    assert!(next_window(Some(now), now.plus(-DAY)).is_empty());
}

#[test]
fn lines_that_do_not_belong_to_payments_are_excluded() {
    for included in
        ["charge", "refund", "refund_failure", "adjustment", "transfer", "application_fee", "what"]
    {
        assert_eq!(exclusion_reason(GatewayKind::Stripe, included), None, "{included}");
    }
    for excluded in ["payout", "topup", "stripe_fee"] {
        assert!(exclusion_reason(GatewayKind::Stripe, excluded).is_some(), "{excluded}");
        assert_eq!(exclusion_reason(GatewayKind::Paypal, excluded), None, "{excluded}");
    }
}

#[test]
fn difference_is_tracked_until_both_sides_agree() {
    let seen = compare(&[line("txn_1", "ch_1", 5, 0, MORNING + 10)], &[], day_two()).remove(0);
    let first = Difference::new(GatewayKind::Stripe, seen.clone(), true, at(1));
    assert!(!first.confirmed && first.resolved_at.is_none());
    assert_eq!(first.recheck_window(), TimeSpan::new(at(MORNING - HOUR), at(MORNING + HOUR)));
    let mut later = seen;
    later.moved = (at(MORNING + HOUR), at(MORNING + HOUR));
    let again = first.observed_again(later, at(2));
    assert!(again.confirmed);
    assert_eq!((again.version, again.first_seen_at, again.last_seen_at), (2, at(1), at(2)));
    assert_eq!(again.recheck_window(), TimeSpan::new(at(MORNING - HOUR), at(MORNING + 2 * HOUR)));
    let resolved = again.resolved(at(3));
    assert_eq!((resolved.version, resolved.resolved_at), (3, Some(at(3))));
}

/// An event at the gateway, as both sides report it.
#[derive(Debug, Clone)]
struct Event {
    object: String,
    lines: Vec<BookLine>,
    movements: Vec<LedgerMovement>,
}

const HOURS: i64 = 30;
const BEGIN: i64 = 10 * DAY;

/// An event whose line is split into parts, and whose movements are up to a minute earlier or later.
fn event(number: usize) -> impl Strategy<Value = Event> {
    let split = prop::collection::vec(-5_000..5_000_i64, 0..3);
    let facts =
        (1..90_000_i64, any::<bool>(), 0..3_000_i64, 0..HOURS * HOUR, prop::option::of(1..HOURS * HOUR));
    (facts, split, -60..=60_i64, any::<Index>()).prop_map(move |(facts, split, skew, twice)| {
        let (size, comes, fee, second, back_after) = facts;
        let object = format!("ob_{number}");
        let amount = if comes { size } else { -size };
        let mut lines = Vec::new();
        let mut movements = Vec::new();
        let mut add = |amount: i64, fee: i64, second: i64, kinds: [MovementKind; 2]| {
            let mut parts = split.clone();
            parts.push(amount - split.iter().sum::<i64>());
            for (place, part) in parts.iter().enumerate() {
                let id = format!("txn_{number}_{}_{place}", lines.len());
                lines.push(line(&id, &object, *part, if place == 0 { fee } else { 0 }, second));
            }
            let kind = if amount > 0 { kinds[0] } else { kinds[1] };
            movements.push(ledger_movement(kind, &object, amount.unsigned_abs(), second + skew));
            if fee > 0 {
                movements.push(ledger_movement(
                    MovementKind::ProcessingFee,
                    &object,
                    fee.unsigned_abs(),
                    second + skew,
                ));
            }
        };
        add(amount, fee, BEGIN + second, [MovementKind::Captured, MovementKind::Refund]);
        if let Some(after) = back_after {
            let later = BEGIN + (second + after).min(HOURS * HOUR);
            add(-amount, 0, later, [MovementKind::RefundFailed, MovementKind::Dispute]);
        }
        lines.push(lines[twice.index(lines.len())].clone());
        Event { object, lines, movements }
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    (1..6_usize).prop_flat_map(|count| (0..count).map(event).collect::<Vec<_>>())
}

/// The books and the ledger in a random order.
fn mixed(events: &[Event], order: u64) -> (Vec<BookLine>, Vec<LedgerMovement>) {
    let mut lines: Vec<BookLine> = events.iter().flat_map(|event| event.lines.clone()).collect();
    let mut movements: Vec<LedgerMovement> =
        events.iter().flat_map(|event| event.movements.clone()).collect();
    let place = |at: usize| {
        (at as u64 + 1).wrapping_mul(order | 1).rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let mut keyed: Vec<_> = lines.drain(..).enumerate().map(|(at, one)| (place(at), one)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    let mut keyed_movements: Vec<_> =
        movements.drain(..).enumerate().map(|(at, one)| (place(at), one)).collect();
    keyed_movements.sort_by_key(|(key, _)| *key);
    (
        keyed.into_iter().map(|(_, one)| one).collect(),
        keyed_movements.into_iter().map(|(_, one)| one).collect(),
    )
}

/// Compares everything window by window.
fn objects_that_differ(lines: &[BookLine], movements: &[LedgerMovement], cuts: &[i64]) -> BTreeSet<String> {
    let mut edges: Vec<i64> = cuts.iter().map(|cut| BEGIN + cut).collect();
    edges.extend([BEGIN - HOUR, BEGIN + (HOURS + 1) * HOUR]);
    edges.sort_unstable();
    let windows = edges.windows(2).map(|pair| TimeSpan::new(at(pair[0]), at(pair[1])));
    windows.flat_map(|window| compare(lines, movements, window)).map(|one| one.object).collect()
}

fn cuts() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(0..HOURS * HOUR, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn matching_books_and_ledger_have_no_difference(events in events(), cuts in cuts(), order in any::<u64>()) {
        let (lines, movements) = mixed(&events, order);
        prop_assert_eq!(objects_that_differ(&lines, &movements, &cuts), BTreeSet::new());
    }

    #[test]
    fn exactly_the_changed_objects_differ(
        mut events in events(),
        cuts in cuts(),
        order in any::<u64>(),
        which in any::<Index>(),
        place in any::<Index>(),
        change in 0..6_u8,
        by in 1..9_000_i64,
    ) {
        let which = which.index(events.len());
        let event = &mut events[which];
        // A duplicated line must be changed in both places.
        event.lines.pop();
        let movement = place.index(event.movements.len());
        let line = place.index(event.lines.len());
        match change {
            0 => { event.movements.remove(movement); }
            1 => { let twice = event.movements[movement].clone(); event.movements.push(twice); }
            2 => {
                let one = &mut event.movements[movement].movement;
                one.amount = Money::new(one.amount.amount() + by.unsigned_abs(), Currency::EUR).expect("small");
            }
            3 => event.lines[line].amount += by,
            4 => event.lines[line].fee += by,
            _ => {
                let more = BookLine { id: "txn_more".to_owned(), amount: by, ..event.lines[line].clone() };
                event.lines.push(more);
            }
        }
        let object = event.object.clone();
        let (lines, movements) = mixed(&events, order);
        prop_assert_eq!(objects_that_differ(&lines, &movements, &cuts), BTreeSet::from([object]));
    }

    #[test]
    fn order_of_lines_and_movements_does_not_matter(
        events in events(),
        missing in any::<Index>(),
        orders in any::<[u64; 2]>(),
    ) {
        let window = TimeSpan::new(at(BEGIN - HOUR), at(BEGIN + (HOURS + 1) * HOUR));
        let [one, other] = orders.map(|order| {
            let (lines, mut movements) = mixed(&events, order);
            let gone = &events[missing.index(events.len())].movements[0];
            movements.retain(|ledger_movement| ledger_movement != gone);
            compare(&lines, &movements, window)
        });
        prop_assert_eq!(one, other);
    }
}
