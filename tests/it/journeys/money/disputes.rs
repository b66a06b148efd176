//! Disputes, payouts and accounts that the gateway stops.

use domain::ledger::{Account, MovementKind};
use serde_json::json;
use simulators::stripe::{DisputeOutcome, Onboarding, PayoutOutcome};

use super::authorised_hour;
use crate::harness::{World, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

fn dispute(world: &World, intent: &str, amount: Option<i64>) -> String {
    let dispute = world.stripe().dispute(intent, amount, "fraudulent").expect("it can be disputed");
    dispute["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn what_is_disputed_is_taken_back_from_the_expert_until_it_is_decided() {
    for (outcome, told, expert_has, client) in [
        (DisputeOutcome::Won, "payment.dispute_won", 7_200, -8_000),
        (DisputeOutcome::Lost, "payment.dispute_lost", 0, 0),
    ] {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        let [paid, earned] = world.well_off(&offer, [Account::Client, Account::Expert]).await;
        let appointment = world.secured(&offer, AT).await;
        let read = world.appointment(&appointment).await;
        let dispute = dispute(&world, intent(&read), None);
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["state"], "disputed");
        assert_eq!(world.told("payment.disputed"), 1);
        assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [paid, earned]);
        let (client, expert_has) = (paid + client, earned + expert_has);
        // Whoever calls off meanwhile waits for the bank, and nothing is given twice.
        world.stripe().close_dispute(&dispute, outcome).expect("the bank decides");
        world.stack.settle().await;
        assert_eq!(world.told(told), 1, "{told}");
        assert_eq!(
            world.cents(&offer, [Account::Client, Account::Expert]).await,
            [client, expert_has],
            "{told}"
        );
        for _ in 0..3 {
            world.pass(90_000);
            world.sweep().await;
        }
        assert_eq!(
            world.cents(&offer, [Account::Client, Account::Expert]).await,
            [client, expert_has],
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_part_that_is_disputed_leaves_the_rest() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let [paid, earned] = world.well_off(&offer, [Account::Client, Account::Expert]).await;
    let appointment = world.secured(&offer, AT).await;
    let read = world.appointment(&appointment).await;
    let dispute = dispute(&world, intent(&read), Some(3_000));
    world.stack.settle().await;
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 5_000, earned + 4_500]);
    world.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    world.stack.settle().await;
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 8_000, earned + 7_200]);
}

#[tokio::test]
async fn calling_off_what_is_disputed_gives_nothing_twice() {
    for (outcome, refunded) in [(DisputeOutcome::Won, 8_000), (DisputeOutcome::Lost, 0)] {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        let appointment = world.secured(&offer, AT).await;
        let read = world.appointment(&appointment).await;
        let dispute = dispute(&world, intent(&read), None);
        world.stack.settle().await;
        world.act("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        world.stack.settle().await;
        assert_eq!(world.cents(&offer, [Account::Client]).await, [0]);
        world.stripe().close_dispute(&dispute, outcome).expect("the bank decides");
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["refunded"]["amount"], refunded);
        assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
    }
}

#[tokio::test]
async fn payouts_are_in_the_ledger_also_when_they_come_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.secured(&offer, AT).await;
    let path = format!("/v1/experts/{}/stripe-connection", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    for (outcome, bank) in [(PayoutOutcome::Paid, 5_000), (PayoutOutcome::Failed, 5_000)] {
        let amount = if bank == 5_000 && outcome == PayoutOutcome::Paid { 5_000 } else { 1_000 };
        world.stripe().pay_out(account, Some(amount), Some("eur"), outcome).expect("there is enough");
        world.stack.settle().await;
        world.pass(3_600);
        world.stack.settle().await;
        assert_eq!(world.cents(&offer, [Account::Expert, Account::Bank]).await, [7_200 - bank, bank]);
    }
    let kinds = world.kinds(&offer).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == MovementKind::PayoutFailed).count(), 1);
}

#[tokio::test]
async fn a_stopped_account_takes_no_new_bookings_and_keeps_the_old_ones() {
    let world = World::new().await;
    let offer = world.offer(&authorised_hour()).await;
    let paid = world.secured(&offer, AT).await;
    let saved = world.secured(&offer, LATER).await;
    let path = format!("/v1/experts/{}/stripe-connection", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    world.stripe().deauthorize(&account).expect("it was authorised");
    world.stack.settle().await;
    let refused = world.book(&offer, "2027-01-06T10:00:00Z", "new").await;
    assert_eq!(refused.problem(409), "payments-not-ready");
    assert_eq!(world.appointment(&paid).await["status"], "confirmed");
    // Whose card cannot be charged for this expert any more is told, and nobody waits in vain.
    world.until("2027-01-24T10:00:00Z").await;
    let now = world.appointment(&saved).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert_eq!(world.told("payment.action_required"), 1);
}

#[tokio::test]
async fn a_restricted_account_is_seen_and_comes_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/stripe-connection", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    world.stripe().onboard(&account, Onboarding::Restricted).expect("it can be");
    world.stack.settle().await;
    assert_eq!(world.book(&offer, AT, "k1").await.problem(409), "payments-not-ready");
    world.stripe().onboard(&account, Onboarding::Complete).expect("it can be");
    world.stack.settle().await;
    world.book(&offer, AT, "k2").await.expect(201);
}
