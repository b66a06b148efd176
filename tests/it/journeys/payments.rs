//! Money that comes late, twice, not at all, or when nobody listens.

use serde_json::json;
use simulators::stripe::Faults;

use crate::harness::{GOOD_CARD, World, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

#[tokio::test]
async fn a_declined_card_can_be_followed_by_a_good_one() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let booked = world.book(&offer, AT, "k").await.expect(201);
    let declined = world.stripe().pay(intent(&booked), "4000000000000002").expect_err("declined");
    assert_eq!(declined.status, 402);
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "pending");
    world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn three_d_secure_confirms_only_after_the_bank_agreed() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let booked = world.book(&offer, AT, "k").await.expect(201);
    let waiting = world.stripe().pay(intent(&booked), "4000002760003184").expect("it asks");
    assert_eq!(waiting["status"], "requires_action");
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "pending");
    world.stripe().authenticate(intent(&booked), true).expect("the bank agrees");
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn an_unpaid_hold_ends_at_the_sweep_and_can_no_longer_be_paid() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let booked = world.book(&offer, AT, "k").await.expect(201);
    world.pass(599);
    world.sweep().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "pending");
    world.pass(1);
    world.sweep().await;
    let expired = world.appointment(&id(&booked)).await;
    assert_eq!((&expired["status"], &expired["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    assert!(world.stripe().pay(intent(&booked), GOOD_CARD).is_err());
    assert_eq!(world.starts(&offer, "2027-01-05").await.len(), 15);
    // It is nothing to the expert, and the client sees what became of it.
    let list = |side: &str| format!("/v1/appointments?as={side}");
    let of_expert = world.get(&list("expert")).person("ada").send().await.expect(200);
    assert_eq!(of_expert["appointments"], json!([]));
    let of_client = world.get(&list("client")).person("alan").send().await.expect(200);
    assert_eq!(of_client["appointments"][0]["status"], "expired");
}

#[tokio::test]
async fn who_comes_after_an_expired_hold_takes_the_slot_before_any_sweep() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let first = world.book(&offer, AT, "k").await.expect(201);
    world.pass(600);
    let second = world.book_as("grace", &offer, "2027-01-05T10:30:00Z", "k").await.expect(201);
    assert_eq!(world.appointment(&id(&first)).await["status"], "expired");
    // The first client pays all the same, before anybody could cancel the intent.
    world.stripe().pay(intent(&first), GOOD_CARD).expect("the card works");
    world.stripe().pay(intent(&second), GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    let late = world.appointment(&id(&first)).await;
    assert_eq!((&late["status"], &late["payment"]["state"]), (&json!("expired"), &json!("refunded")));
    let path = format!("/v1/appointments/{}", id(&second));
    let final_charge = world.get(&path).person("grace").send().await.expect(200);
    assert_eq!(
        (&final_charge["status"], &final_charge["payment"]["state"]),
        (&json!("confirmed"), &json!("paid"))
    );
}

#[tokio::test]
async fn paying_after_the_hold_keeps_a_slot_that_nobody_took() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let booked = world.book(&offer, AT, "k").await.expect(201);
    world.pass(700);
    world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    assert_eq!(world.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn webhooks_may_come_twice_late_out_of_order_or_not_at_all() {
    let cases = [
        Faults { duplicate_deliveries: true, ..Faults::default() },
        Faults { out_of_order: true, duplicate_deliveries: true, ..Faults::default() },
        Faults { delay_deliveries_seconds: 120, ..Faults::default() },
        Faults { drop_webhooks: true, ..Faults::default() },
    ];
    for switches in cases {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        world.stripe().set_faults(switches.clone());
        let booked = world.book(&offer, AT, "k").await.expect(201);
        world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        world.stack.settle().await;
        world.pass(130);
        world.stack.settle().await;
        if switches.drop_webhooks {
            // The hold's own timer asks Stripe.
            assert_eq!(world.appointment(&id(&booked)).await["status"], "pending");
            world.pass(480);
            world.sweep().await;
        }
        assert_eq!(world.appointment(&id(&booked)).await["status"], "confirmed", "{switches:?}");
        world.act("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
        for _ in 0..3 {
            world.pass(130);
            world.sweep().await;
        }
        assert_eq!(world.appointment(&id(&booked)).await["payment"]["state"], "refunded", "{switches:?}");
        let events = world.stack.bus.published();
        assert_eq!(
            events.iter().filter(|event| event.kind == "appointment.confirmed").count(),
            1,
            "{switches:?}"
        );
        let count = |kind: &str| world.stripe().events().iter().filter(|event| event["type"] == kind).count();
        assert_eq!((count("payment_intent.succeeded"), count("refund.created")), (1, 1), "{switches:?}");
    }
}

#[tokio::test]
async fn a_stripe_that_fails_or_hangs_up_loses_and_doubles_nothing() {
    let fresh = Faults::default;
    for switches in [Faults { fail_before_acting: 1, ..fresh() }, Faults { lose_responses: 1, ..fresh() }] {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        world.stripe().set_faults(switches.clone());
        let failed = world.book(&offer, AT, "k").await;
        assert_eq!(failed.problem(503), "unavailable", "{switches:?}");
        // The hold stands, and the same request goes on where this one stopped.
        assert_eq!(world.book_as("grace", &offer, AT, "k").await.problem(409), "slot-taken");
        world.pass(20);
        let booked = world.book(&offer, AT, "k").await.expect(201);
        let intents =
            world.stripe().events().iter().filter(|event| event["type"] == "payment_intent.created").count();
        assert_eq!(intents, 1, "{switches:?}");
        world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        world.stack.settle().await;
        world.act("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
        // Each call of the refund fails once.
        for _ in 0..6 {
            world.stripe().set_faults(switches.clone());
            world.stack.settle().await;
            world.stripe().set_faults(Faults::default());
            world.pass(240);
            world.sweep().await;
        }
        assert_eq!(world.appointment(&id(&booked)).await["payment"]["state"], "refunded", "{switches:?}");
        let refunds =
            world.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
        assert_eq!(refunds, 1, "{switches:?}");
    }
}

#[tokio::test]
async fn a_repeat_after_the_hold_ended_is_told_so() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    world.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    assert_eq!(world.book(&offer, AT, "k").await.problem(503), "unavailable");
    world.pass(700);
    assert_eq!(world.book(&offer, AT, "k").await.problem(409), "hold-ended");
    world.sweep().await;
    assert_eq!(world.book(&offer, AT, "k").await.problem(409), "hold-ended");
    world.book(&offer, AT, "k2").await.expect(201);
}

#[tokio::test]
async fn an_expert_without_an_account_gives_only_free_sessions() {
    let world = World::new().await;
    let expert = world.expert(&crate::harness::office_hours()).await;
    let session_type = world.session_type(&expert, &paid_hour()).await;
    let offer = crate::harness::Offer { expert: expert.clone(), session_type };
    assert_eq!(world.book(&offer, AT, "k").await.problem(409), "payments-not-ready");
    let path = format!("/v1/experts/{expert}/payment-accounts/stripe");
    assert_eq!(world.get(&path).person("ada").send().await.problem(404), "not-found");
    let account = world.onboard(&expert).await;
    world.book(&offer, AT, "k").await.expect(201);
    // Stripe stops the account; its message is enough.
    world
        .stripe()
        .onboard(&account, simulators::stripe::Onboarding::Restricted)
        .expect("it can be restricted");
    world.stack.settle().await;
    assert_eq!(world.book(&offer, "2027-01-05T14:00:00Z", "k2").await.problem(409), "payments-not-ready");
}

#[tokio::test]
async fn a_platform_may_keep_nothing() {
    let world =
        World::with(|config| config.settings.fee = domain::Rate::from_basis_points(0).expect("a rate")).await;
    let offer = world.offer(&paid_hour()).await;
    let id = world.paid(&offer, AT, "k").await;
    world.act("alan", &id, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.appointment(&id).await["payment"]["state"], "refunded");
    let balances = world.stripe().balances();
    assert!(
        balances
            .iter()
            .filter(|one| one.owner == "guests" || one.owner.starts_with("acct_"))
            .all(|one| one.amount == 0)
    );
}

#[tokio::test]
async fn what_stripe_refuses_for_good_blocks_nobody() {
    let world = World::new().await;
    let mut terms = paid_hour();
    // A currency in which Stripe charges nobody.
    terms["price"]["currency"] = json!("CUP");
    let offer = world.offer(&terms).await;
    assert_eq!(world.book(&offer, AT, "k").await.problem(409), "payment-refused");
    assert_eq!(world.starts(&offer, "2027-01-05").await.len(), 15);
    assert_eq!(world.book(&offer, AT, "k").await.problem(409), "hold-ended");
    world.sweep().await;
    let list = world.get("/v1/appointments?as=client").person("alan").send().await.expect(200);
    assert_eq!(list["appointments"][0]["status"], "expired");
}

#[tokio::test]
async fn an_unknown_payment_gateway_is_not_found() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    for gateway in ["klarna", "Stripe", "stripe%20"] {
        let account = format!("/v1/experts/{}/payment-accounts/{gateway}", offer.expert);
        assert_eq!(world.get(&account).person("ada").send().await.problem(404), "not-found");
        let onboarding = world.post(&format!("{account}/onboarding")).person("ada").send().await;
        assert_eq!(onboarding.problem(404), "not-found");
        let webhook = world.post(&format!("/v1/webhooks/{gateway}")).json(&json!({ "id": "evt_1" }));
        assert_eq!(webhook.send().await.problem(404), "not-found");
    }
}
