//! Random stories of a payment: actions of clients, experts, administrators and banks, and passing time. Each story
//! must end with every party having its share. A failing story is printed.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::gateway::{Card, Outside};
use super::platform::Act;
use super::world::{Beginning, Mark, Moment, What, World};
use super::*;
use crate::experts::policy::{CancellationPolicy, Percent, ReschedulePolicy, ReschedulePrice, Tier};
use crate::kernel::time::MINUTE;
use crate::scheduling::party::Party;
use crate::{Currency, Rate};

fn percent() -> impl Strategy<Value = u8> {
    prop_oneof![Just(100_u8), 1..100_u8, Just(50)]
}

fn outside() -> impl Strategy<Value = Outside> {
    const ORDERS: [Option<OrderKind>; 5] = [
        None,
        Some(OrderKind::Capture),
        Some(OrderKind::Refund),
        Some(OrderKind::Reversal),
        Some(OrderKind::Transfer),
    ];
    let card = select(&[Card::Good, Card::WantsItsOwner, Card::Declines, Card::NotAsked][..]);
    prop_oneof![
        4 => Just(Outside::ClientPays),
        1 => Just(Outside::ClientPaysSlowly),
        1 => Just(Outside::DebitArrives),
        1 => Just(Outside::DebitFails),
        1 => Just(Outside::AuthorizationEnds),
        1 => Just(Outside::SomebodyCancelsTheIntent),
        2 => card.prop_map(Outside::CardBecomes),
        1 => select(&ORDERS[..]).prop_map(Outside::GatewayRefuses),
        3 => Just(Outside::LastRefundFails),
        2 => percent().prop_map(|percent| Outside::DisputeOpens { percent }),
        1 => Just(Outside::BankAsks),
        1 => Just(Outside::BankIsContent),
        2 => Just(Outside::DisputeWon),
        1 => Just(Outside::DisputeLost),
        1 => (1..100_u8).prop_map(|percent| Outside::DisputePartlyWon { percent }),
        2 => (percent(), any::<bool>())
            .prop_map(|(percent, from_expert)| Outside::SomebodyRefunds { percent, from_expert }),
    ]
}

fn party() -> impl Strategy<Value = Party> {
    select(&[Party::Client, Party::Expert, Party::Platform][..])
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => party().prop_map(Act::Cancel),
        2 => (0..=100_u8).prop_map(|percent| Act::CancelAtCost { percent }),
        2 => (party(), 0..=100_u8).prop_map(|(by, percent)| Act::Complete { by, percent }),
        2 => (party(), party()).prop_map(|(missed_by, by)| Act::NoShow { missed_by, by }),
        2 => percent().prop_map(|percent| Act::GiveBack { percent }),
        2 => (party(), -200..800_i64, 0..=100_u8)
            .prop_map(|(by, hours, price_percent)| Act::Move { by, hours, price_percent }),
        2 => Just(Act::TryAgain),
        1 => Just(Act::ResolveManually),
        1 => Just(Act::TakeSlot),
        2 => prop_oneof![0..400_u64, 0..2_000_000_u64].prop_map(|steps| Act::CauseCost { steps }),
    ]
}

fn moment() -> impl Strategy<Value = Moment> {
    const MARKS: [Mark; 6] =
        [Mark::HoldEnd, Mark::Start, Mark::End, Mark::Wake, Mark::ActionDeadline, Mark::LastCapture];
    let what = prop_oneof![
        4 => outside().prop_map(What::Outside),
        4 => act().prop_map(What::Act),
        1 => select(&[MINUTE, HOUR, 12 * HOUR, DAY, 3 * DAY, 9 * DAY][..]).prop_map(What::Wait),
        3 => (select(&MARKS[..]), select(&[-CAPTURE_MARGIN, -1, 0, 1, DAY][..]))
            .prop_map(|(mark, seconds)| What::WaitFor(mark, seconds)),
    ];
    let meanwhile = prop::option::weighted(0.2, outside());
    (what, prop::bool::weighted(0.8), meanwhile, prop::bool::weighted(0.2))
        .prop_map(|(what, heard, meanwhile, forgets)| Moment { what, heard, meanwhile, forgets })
}

fn price() -> impl Strategy<Value = Money> {
    const CODES: [&str; 8] = ["EUR", "USD", "JPY", "KWD", "ISK", "MGA", "HUF", "UGX"];
    let any_steps = prop_oneof![0..40_u64, 0..2_000_u64, any::<u64>()];
    (select(&CODES[..]), any_steps).prop_map(|(code, steps)| {
        let currency = Currency::try_from(code.to_owned()).expect("a code in use");
        let (limits, step) = (currency.charge_limits(), currency.charge_step());
        let most = (limits.end() - limits.start()) / step;
        Money::new(limits.start() + steps % (most + 1) * step, currency).expect("within the limits")
    })
}

fn policy() -> impl Strategy<Value = CancellationPolicy> {
    let tiers = (btree_set(0_u8..=100, 0..5), btree_set(0_u16..400, 5));
    (tiers, select(&[0_u16, 10, 120][..]), 0..=100_u8).prop_map(
        |((percents, hours), grace_minutes, no_show)| {
            let percent = |percent| Percent::new(percent).expect("a percentage");
            let steps = hours.into_iter().rev().zip(percents.into_iter().rev());
            let tiers = steps
                .map(|(until_hours_before, of)| Tier { until_hours_before, refund_percent: percent(of) });
            CancellationPolicy {
                tiers: tiers.collect(),
                grace_minutes,
                no_show_refund_percent: percent(no_show),
            }
        },
    )
}

fn beginning() -> impl Strategy<Value = Beginning> {
    let rate = prop_oneof![Just(1_000_u16), 0..=10_000_u16, Just(10_000), Just(0)];
    let collection = select(&[Collection::ChargeAtBooking, Collection::AuthorizeThenCapture][..]);
    let lead = select(&[10, 60, 1_440, 3 * 1_440, 6 * 1_440, 7 * 1_440, 9 * 1_440, 40 * 1_440][..]);
    let length = select(&[10, 60, 1_440][..]);
    let rescheduling = any::<bool>().prop_map(|current| ReschedulePolicy {
        price: if current { ReschedulePrice::Current } else { ReschedulePrice::AsBooked },
        ..ReschedulePolicy::default()
    });
    let payout_timing = select(&PayoutTiming::ALL[..]);
    (
        price(),
        rate,
        (collection, payout_timing),
        prop::bool::weighted(0.8),
        any::<bool>(),
        lead,
        length,
        policy(),
        rescheduling,
    )
        .prop_map(
            |(
                price,
                rate,
                (collection, payout_timing),
                saves_cards,
                stutters,
                lead,
                length,
                cancellation,
                rescheduling,
            )| {
                Beginning {
                    price,
                    fee_rate: Rate::from_basis_points(rate).expect("at most 100 %"),
                    collection,
                    payout_timing,
                    saves_cards,
                    stutters,
                    lead,
                    length,
                    cancellation,
                    rescheduling,
                }
            },
        )
}

/// Most clients pay at once, because otherwise few events would have an effect.
fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let pays = Moment::notified(What::Outside(Outside::ClientPays));
    (prop::bool::weighted(0.9), vec(moment(), 0..14)).prop_map(move |(prompt, mut moments)| {
        if prompt {
            moments.insert(0, pays);
        }
        moments
    })
}

/// The number of stories. Run `STORIES=100000 cargo test -p domain stories` for more.
fn stories() -> u32 {
    std::env::var("STORIES").ok().and_then(|stories| stories.parse().ok()).unwrap_or(4_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: stories(), failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_story_ends_with_correct_shares(
        beginning in beginning(),
        moments in moments(),
        wins in any::<bool>(),
    ) {
        World::begin(beginning).tell(&moments, wins).map_err(TestCaseError::fail)?;
    }
}
