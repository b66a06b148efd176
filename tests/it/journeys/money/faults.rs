//! Lost answers, faults after acting, pruned keys, webhooks in any order: each movement happens once all the same.

use serde_json::json;
use simulators::stripe::Faults;

use super::authorised_hour;
use crate::harness::{GOOD_CARD, World, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

/// What can go wrong with each call, and the webhooks with it.
fn faults() -> Vec<Faults> {
    let webhooks = [
        Faults::default(),
        Faults { duplicate_deliveries: true, out_of_order: true, ..Faults::default() },
        Faults { drop_webhooks: true, ..Faults::default() },
        Faults { delay_deliveries_seconds: 7_000, ..Faults::default() },
    ];
    let calls = |webhooks: &Faults| {
        [
            Faults { fail_before_acting: 1, ..webhooks.clone() },
            Faults { fail_after_acting: 1, ..webhooks.clone() },
            Faults { lose_responses: 1, ..webhooks.clone() },
            Faults { rate_limit: 2, ..webhooks.clone() },
        ]
    };
    webhooks.iter().flat_map(calls).collect()
}

/// As Stripe does after a day.
fn forget_keys(world: &World) {
    let switches = world.stripe().faults();
    world.stripe().set_faults(Faults { prune_keys: true, ..switches });
}

/// Turns the wheels for some days, with keys forgotten on the way.
async fn days(world: &World, days: i64) {
    for _ in 0..days * 4 {
        world.pass(6 * 3_600);
        world.stack.settle().await;
        world.sweep().await;
    }
}

#[tokio::test]
async fn refunds_happen_once_whatever_goes_wrong() {
    for switches in faults() {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        let appointment = world.secured(&offer, AT).await;
        world.stripe().set_faults(switches.clone());
        world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
        world.stack.settle().await;
        forget_keys(&world);
        days(&world, 2).await;
        assert_eq!(world.payment(&appointment).await["state"], "refunded", "{switches:?}");
        let refunds =
            world.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
        assert_eq!(refunds, 1, "{switches:?}");
        world.balances(&offer).await;
    }
}

#[tokio::test]
async fn a_saved_card_is_asked_once_whatever_goes_wrong() {
    for switches in faults() {
        let world = World::new().await;
        let offer = world.offer(&authorised_hour()).await;
        let appointment = world.secured(&offer, LATER).await;
        world.until("2027-01-21T08:00:00Z").await;
        world.stripe().set_faults(switches.clone());
        for _ in 0..6 {
            world.pass(6 * 3_600);
            world.sweep().await;
            forget_keys(&world);
        }
        assert_eq!(world.payment(&appointment).await["state"], "authorised", "{switches:?}");
        world.until("2027-01-27T08:00:00Z").await;
        assert_eq!(world.payment(&appointment).await["state"], "paid", "{switches:?}");
        let balances = world.balances(&offer).await;
        assert_eq!(
            balances.get(domain::payments::ledger::Account::Client, domain::Currency::EUR),
            -8_000,
            "{switches:?}"
        );
    }
}

#[tokio::test]
async fn a_capture_whose_answer_was_lost_is_not_made_again() {
    for switches in faults() {
        let world = World::new().await;
        let offer = world.offer(&authorised_hour()).await;
        let appointment = world.secured(&offer, AT).await;
        world.until("2027-01-05T11:00:00Z").await;
        world.stripe().set_faults(switches.clone());
        world.act("ada", &appointment, "complete", &json!(null)).await.expect(200);
        world.stack.settle().await;
        forget_keys(&world);
        days(&world, 1).await;
        assert_eq!(world.payment(&appointment).await["state"], "paid", "{switches:?}");
        world.balances(&offer).await;
    }
}

#[tokio::test]
async fn booking_goes_on_where_a_lost_answer_stopped_it() {
    for (terms, start) in [(paid_hour(), AT), (authorised_hour(), AT), (authorised_hour(), LATER)] {
        for fault in [
            Faults { fail_before_acting: 1, ..Faults::default() },
            Faults { lose_responses: 1, ..Faults::default() },
            Faults { rate_limit: 1, ..Faults::default() },
        ] {
            let world = World::new().await;
            let offer = world.offer(&terms).await;
            world.stripe().set_faults(fault.clone());
            let first = world.book(&offer, start, "k").await;
            let booked = match first.status.as_u16() {
                201 => first.body,
                503 => world.book(&offer, start, "k").await.expect(201),
                other => panic!("{other}: {:#}", first.body),
            };
            world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
            world.stack.settle().await;
            assert_eq!(world.appointment(&id(&booked)).await["status"], "confirmed", "{fault:?}");
            world.balances(&offer).await;
        }
    }
}

/// Stripe keeps a fault with its key for a day; what is owed does not wait for that.
#[tokio::test]
async fn what_stripe_failed_at_is_done_within_the_hour() {
    let within_the_hour = async |world: &World| {
        for _ in 0..12 {
            world.pass(300);
            world.stack.settle().await;
            world.sweep().await;
        }
    };
    let fails = || Faults { fail_for_good: 1, ..Faults::default() };

    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    world.stripe().set_faults(fails());
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.stripe().faults().fail_for_good, 0, "it failed");
    within_the_hour(&world).await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    world.balances(&offer).await;

    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    world.until("2027-01-05T11:00:00Z").await;
    world.stripe().set_faults(fails());
    world.act("ada", &appointment, "complete", &json!(null)).await.expect(200);
    within_the_hour(&world).await;
    assert_eq!(world.payment(&appointment).await["state"], "paid");
    world.balances(&offer).await;

    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let appointment = world.secured(&offer, LATER).await;
    world.until("2027-01-20T20:00:00Z").await;
    assert_eq!(world.payment(&appointment).await["state"], "card_saved");
    world.stripe().set_faults(fails());
    world.until("2027-01-22T08:00:00Z").await;
    assert_eq!(world.payment(&appointment).await["state"], "authorised");
    world.balances(&offer).await;
}
