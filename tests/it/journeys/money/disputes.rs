//! Disputes, payouts and accounts that the gateway stops.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::json;
use simulators::stripe::{DisputeOutcome, Faults, Onboarding, PayoutOutcome};

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
async fn nothing_is_given_back_while_the_bank_decides() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.well_off(&offer, []).await;
    let appointment = world.secured(&offer, AT).await;
    let dispute = dispute(&world, intent(&world.appointment(&appointment).await), Some(4_000));
    world.stack.settle().await;
    let give_back = async |key: &str| {
        let part = json!({ "amount": { "amount": 2_400, "currency": "EUR" } });
        world
            .post(&format!("/v1/appointments/{appointment}/refunds"))
            .person("ada")
            .once(key)
            .json(&part)
            .send()
            .await
    };
    assert_eq!(give_back("a").await.problem(409), "payment-state");
    world.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    world.stack.settle().await;
    give_back("b").await.expect(201);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["refunded"]["amount"], 2_400, "and nothing more");
    world.balances(&offer).await;
}

#[tokio::test]
async fn payouts_are_in_the_ledger_also_when_they_come_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.secured(&offer, AT).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
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
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    world.stripe().deauthorize(&account).expect("it was authorised");
    world.stack.settle().await;
    let refused = world.book(&offer, "2027-01-06T10:00:00Z", "new").await;
    assert_eq!(refused.problem(409), "payments-not-ready");
    assert_eq!(world.appointment(&paid).await["status"], "confirmed");
    // AppointmentsOf card cannot be charged for this expert any more is told, and nobody waits in vain.
    world.until("2027-01-24T10:00:00Z").await;
    let now = world.appointment(&saved).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert_eq!(world.told("payment.action_required"), 1);
}

#[tokio::test]
async fn what_the_gateway_refuses_to_give_an_expert_again_a_person_decides() {
    for decision in ["try_again", "resolved_manually"] {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        let [paid, earned] = world.well_off(&offer, [Account::Client, Account::Expert]).await;
        let appointment = world.secured(&offer, AT).await;
        let dispute = dispute(&world, intent(&world.appointment(&appointment).await), None);
        world.stack.settle().await;
        // The bank decides for an expert to whom Stripe transfers nothing now.
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = world.get(&path).person("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        world.stripe().onboard(&account, Onboarding::Restricted).expect("it can be");
        world.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
        world.stack.settle().await;
        let seen = async || {
            world.get(&format!("/v1/appointments/{appointment}")).person("ada").send().await.expect(200)
        };
        let eighty = json!({ "amount": 7_200, "currency": "EUR" });
        let needs = json!({ "because": "refused", "order": "transfer", "amount": eighty });
        assert_eq!(seen().await["payment"]["escalation"], needs);
        let of_client = world.payment(&appointment).await;
        assert_eq!((&of_client["state"], of_client.get("escalation")), (&json!("paid"), None));
        world.pass(86_400);
        world.sweep().await;
        assert_eq!(world.told("payment.escalated"), 1, "it is not asked for by itself");
        world.stripe().onboard(&account, Onboarding::Complete).expect("it can be");
        let body = json!({ "resolution": "resolved_manually", "amount": eighty });
        for stranger in ["ada", "alan"] {
            let reply = world.act(stranger, &appointment, "payment/resolution", &body).await;
            assert_eq!(reply.problem(403), "forbidden");
        }
        world.decide(&appointment, decision).await.expect(200);
        world.stack.settle().await;
        assert_eq!(seen().await["payment"].get("escalation"), None);
        let again = world.act("margaret", &appointment, "payment/resolution", &body).await;
        assert_eq!(again.problem(409), "payment-state");
        let expert = earned + if decision == "try_again" { 7_200 } else { 0 };
        assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 8_000, expert]);
    }
}

#[tokio::test]
async fn what_is_left_after_a_lost_dispute_is_settled_by_hand() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.well_off(&offer, []).await;
    let appointment = world.secured(&offer, AT).await;
    let dispute = dispute(&world, intent(&world.appointment(&appointment).await), Some(3_000));
    world.stripe().close_dispute(&dispute, DisputeOutcome::Lost).expect("the bank decides");
    world.stack.settle().await;
    // Seen in one look, and both are told.
    assert_eq!((world.told("payment.disputed"), world.told("payment.dispute_lost")), (1, 1));
    let quote = world.get(&format!("/v1/appointments/{appointment}/cancellation")).person("ada").send().await;
    assert_eq!(quote.expect(200)["refund"]["amount"], 5_000, "the rest went back already");
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    let seen =
        async || world.get(&format!("/v1/appointments/{appointment}")).person("ada").send().await.expect(200);
    let fifty = json!({ "amount": 5_000, "currency": "EUR" });
    let needs = json!({ "because": "dispute_lost", "amount": fifty });
    assert_eq!(seen().await["payment"]["escalation"], needs);
    assert_eq!(world.decide(&appointment, "try_again").await.problem(409), "payment-state");
    world.decide(&appointment, "resolved_manually").await.expect(200);
    world.stack.settle().await;
    let payment = seen().await["payment"].clone();
    assert_eq!((&payment["refunded"]["amount"], payment.get("escalation")), (&json!(5_000), None));
    assert!(world.kinds(&offer).await.contains(&MovementKind::ResolvedManually));
}

#[tokio::test]
async fn what_waited_for_money_goes_on_as_soon_as_there_is_some() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    let dispute = dispute(&world, intent(&world.appointment(&appointment).await), None);
    world.stack.settle().await;
    // What the bank gave back went for fees: too little is there to give the expert their part again.
    world.stripe().close_dispute(&dispute, DisputeOutcome::Won).expect("the bank decides");
    world.stack.settle().await;
    assert_eq!(world.cents(&offer, [Account::Expert]).await, [0]);
    assert_eq!(world.told("payment.escalated"), 0, "nobody has to do anything");
    // Stripe keeps its answer with the key for a day, and by then it is another amount too.
    let back = json!({ "amount": { "amount": 1_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    world.post(&path).person("ada").once("r").json(&back).send().await.expect(201);
    let [paid, earned] = world.well_off(&offer, [Account::Client, Account::Expert]).await;
    for _ in 0..3 {
        world.pass(3_600);
        world.sweep().await;
    }
    let expected = [paid, earned.max(90_000 + 6_300)];
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, expected);
    assert_eq!(world.told("payment.escalated"), 0);
}

#[tokio::test]
async fn what_somebody_refunded_at_stripe_and_the_bank_sent_back_is_the_experts_again() {
    const REFUNDS_FAIL: &str = "4000000000005126";
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let [paid, earned] = world.well_off(&offer, [Account::Client, Account::Expert]).await;
    let booked = world.booked_with(&offer, AT, REFUNDS_FAIL).await;
    let form = [
        ("payment_intent", intent(&booked)),
        ("amount", "2000"),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    let url = world.stack.stripe_url.as_ref().expect("it runs").join("v1/refunds").expect("a URL");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.post(url).bearer_auth("sk_test_local").form(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    world.stack.settle().await;
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [paid - 6_000, earned + 5_400]);
    for _ in 0..3 {
        world.pass(120);
        world.stack.settle().await;
        world.sweep().await;
        let now = world.cents(&offer, [Account::Client, Account::Expert]).await;
        assert_eq!(now, [paid - 8_000, earned + 7_200], "once");
    }
    assert_eq!(world.stripe().events().iter().filter(|event| event["type"] == "transfer.created").count(), 3);
    world.act("ada", &crate::harness::id(&booked), "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.cents(&offer, [Account::Expert]).await, [earned]);
}

#[tokio::test]
async fn a_payout_whose_message_was_lost_is_found_the_next_day() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.secured(&offer, AT).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    for bank in [2_000, 3_000] {
        let deaf = Faults { drop_webhooks: true, ..Faults::default() };
        world.stripe().set_faults(deaf);
        world
            .stripe()
            .pay_out(
                account,
                Some(if bank == 2_000 { 2_000 } else { 1_000 }),
                Some("eur"),
                PayoutOutcome::Paid,
            )
            .expect("there is enough");
        world.pass(25 * 3_600);
        world.sweep().await;
        assert_eq!(world.cents(&offer, [Account::Expert, Account::Bank]).await, [7_200 - bank, bank]);
    }
}

#[tokio::test]
async fn a_restricted_account_is_seen_and_comes_back() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = world.get(&path).person("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account").to_owned();
    world.stripe().onboard(&account, Onboarding::Restricted).expect("it can be");
    world.stack.settle().await;
    assert_eq!(world.book(&offer, AT, "k1").await.problem(409), "payments-not-ready");
    world.stripe().onboard(&account, Onboarding::Complete).expect("it can be");
    world.stack.settle().await;
    world.book(&offer, AT, "k2").await.expect(201);
}
