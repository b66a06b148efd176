//! Giving back: in parts, in every currency, by hand at the gateway, and when the client's bank does not take it.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, World, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

async fn refund(
    world: &World,
    who: &str,
    appointment: &str,
    key: &str,
    amount: &Value,
) -> crate::harness::Reply {
    let path = format!("/v1/appointments/{appointment}/refunds");
    world.post(&path).person(who).once(key).json(&json!({ "amount": amount })).send().await
}

fn euros(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "EUR" })
}

#[tokio::test]
async fn parts_add_up_to_the_last_cent() {
    let world = World::new().await;
    let mut terms = paid_hour();
    terms["price"]["amount"] = json!(1_005);
    let offer = world.offer(&terms).await;
    let appointment = world.secured(&offer, AT).await;
    let mut back = 0;
    for (step, cents) in [333, 1, 335, 336].into_iter().enumerate() {
        refund(&world, "ada", &appointment, &format!("r{step}"), &euros(cents)).await.expect(201);
        world.stack.settle().await;
        back += cents;
        let payment = world.payment(&appointment).await;
        assert_eq!(payment["refunded"]["amount"], back);
        let [client, expert, platform, gateway] = world
            .cents(&offer, [Account::Client, Account::Expert, Account::Platform, Account::Gateway])
            .await;
        assert_eq!(client, i128::from(back - 1_005));
        assert_eq!(client + expert + platform + gateway, 0);
        assert!(expert >= 0, "nobody goes negative");
    }
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    let fee = |movements: &[domain::payments::ledger::Movement], kind| -> u64 {
        movements.iter().filter(|one| one.kind == kind).map(|one| one.amount.amount()).sum()
    };
    let movements = world.movements(&offer).await;
    assert_eq!(fee(&movements, MovementKind::Fee), 101);
    assert_eq!(fee(&movements, MovementKind::FeeRefund), 101, "all of the fee went back");
}

#[tokio::test]
async fn every_movement_names_its_object_and_what_we_asked_with() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    refund(&world, "ada", &appointment, "r", &euros(1_000)).await.expect(201);
    world.stack.settle().await;
    for movement in world.movements(&offer).await {
        assert!(world.stripe().object(&movement.object).is_some(), "{movement:?}");
        // What the gateway takes for itself nobody asked for, and with a refund it gives the fee back by itself.
        if matches!(movement.kind, MovementKind::ProcessingFee | MovementKind::FeeRefund) {
            continue;
        }
        assert!(
            movement.idempotency_key.as_deref().is_some_and(|key| key.starts_with(&appointment)),
            "{movement:?}"
        );
    }
}

#[tokio::test]
async fn each_currency_has_its_own_digits() {
    for (code, price, back, fee) in [
        ("JPY", 1_005, 333, 101),
        ("KWD", 3_130, 1_110, 310),
        ("ISK", 1_500, 700, 150),
        ("HUF", 20_050, 10_000, 2_005),
    ] {
        let world = World::new().await;
        let mut terms = paid_hour();
        terms["price"] = json!({ "amount": price, "currency": code });
        let offer = world.offer(&terms).await;
        let appointment = world.secured(&offer, AT).await;
        let path = format!("/v1/appointments/{appointment}");
        let of_expert = world.get(&path).person("ada").send().await.expect(200);
        assert_eq!(of_expert["payment"]["fee"]["amount"], fee, "{code}");
        let amount = json!({ "amount": back, "currency": code });
        refund(&world, "ada", &appointment, "r", &amount).await.expect(201);
        world.stack.settle().await;
        let payment = world.payment(&appointment).await;
        assert_eq!(
            (&payment["paid"]["amount"], &payment["refunded"]["amount"]),
            (&json!(price), &json!(back)),
            "{code}"
        );
        world.balances(&offer).await;
        world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["state"], "refunded", "{code}");
        let balances = world.balances(&offer).await;
        let currency = code.to_owned().try_into().expect("a currency");
        assert_eq!(
            (balances.get(Account::Client, currency), balances.get(Account::Expert, currency)),
            (0, 0)
        );
    }
}

/// A card whose refunds come back a minute later.
const REFUNDS_FAIL: &str = "4000000000005126";

async fn refund_that_fails(world: &World) -> (Offer, String) {
    let offer = world.offer(&paid_hour()).await;
    let appointment = id(&world.booked_with(&offer, AT, REFUNDS_FAIL).await);
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    world.pass(120);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refund_failed");
    assert_eq!((world.told("payment.refund_failed"), world.told("payment.escalated")), (1, 1));
    // The expert has nothing of it, and the platform keeps it for the client.
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 0]);
    (offer, appointment)
}

#[tokio::test]
async fn administrators_list_what_waits_for_them() {
    let world = World::new().await;
    let list = async |asked: &str| {
        world.get(&format!("/v1/escalations{asked}")).person("margaret").send().await.expect(200)
    };
    assert_eq!(list("").await, json!({ "escalations": [] }));
    let (offer, first) = refund_that_fails(&world).await;
    let second = id(&world.booked_with(&offer, "2027-01-06T14:00:00Z", REFUNDS_FAIL).await);
    world.act("ada", &second, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    assert_eq!(
        list("").await["escalations"].as_array().map(Vec::len),
        Some(1),
        "its refund has not come back yet"
    );
    world.pass(120);
    world.stack.settle().await;
    let page = list("?limit=1").await;
    let eighty = json!({ "amount": 8_000, "currency": "EUR" });
    assert_eq!(
        page["escalations"],
        json!([{
            "appointment_id": first,
            "gateway": "stripe",
            "amount": eighty,
            "escalation": { "because": "refund_failed", "amount": eighty },
            "intent": intent(&world.appointment(&first).await),
        }])
    );
    let rest = list(&format!("?limit=1&after={}", page["next_after"].as_str().expect("there is more"))).await;
    assert_eq!(rest["escalations"][0]["appointment_id"], second.as_str());
    assert_eq!(rest.get("next_after"), None);
    // What is decided is in no list any more.
    world.decide(&first, "resolved_manually").await.expect(200);
    world.decide(&second, "try_again").await.expect(200);
    world.stack.settle().await;
    assert_eq!(list("").await, json!({ "escalations": [] }));
    for wrong in ["?limit=0", "?limit=101", "?after=x", "?before=x"] {
        let reply = world.get(&format!("/v1/escalations{wrong}")).person("margaret").send().await;
        assert_eq!(reply.problem(422), "invalid", "{wrong}");
    }
    for stranger in ["ada", "alan"] {
        assert_eq!(world.get("/v1/escalations").person(stranger).send().await.problem(403), "forbidden");
    }
}

#[tokio::test]
async fn a_failed_refund_waits_for_a_person_who_tries_again_or_settles_it() {
    for decision in ["try_again", "resolved_manually"] {
        let world = World::new().await;
        let (offer, appointment) = refund_that_fails(&world).await;
        for _ in 0..3 {
            world.pass(7_200);
            world.sweep().await;
        }
        let refunds = |world: &World| {
            world.stripe().events().iter().filter(|event| event["type"] == "refund.created").count()
        };
        assert_eq!(refunds(&world), 1, "nobody tries again by themselves");
        let eighty = json!({ "amount": 8_000, "currency": "EUR" });
        let body = json!({ "resolution": "resolved_manually", "amount": eighty });
        assert_eq!(
            world.act("ada", &appointment, "payment/resolution", &body).await.problem(403),
            "forbidden"
        );
        world.decide(&appointment, decision).await.expect(200);
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["state"], "refunded", "{decision}");
        if decision == "try_again" {
            assert_eq!(refunds(&world), 2);
            world.balances(&offer).await;
        } else {
            let kinds = world.kinds(&offer).await;
            assert_eq!(kinds.last(), Some(&MovementKind::ResolvedManually));
            assert_eq!(
                world.act("margaret", &appointment, "payment/resolution", &body).await.problem(409),
                "payment-state"
            );
        }
    }
}

#[tokio::test]
async fn a_pending_refund_is_given_once() {
    const REFUNDS_WAIT: &str = "4000000000007726";
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = id(&world.booked_with(&offer, AT, REFUNDS_WAIT).await);
    world.act("alan", &appointment, "cancel", &json!(null)).await.expect(200);
    world.stack.settle().await;
    world.pass(120);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn money_that_comes_too_late_goes_back_whole() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let slow = world.book(&offer, AT, "slow").await.expect(201);
    world.pass(601);
    let quick = world.book_as("katherine", &offer, AT, "quick").await.expect(201);
    world.stripe().pay(intent(&quick), GOOD_CARD).expect("the card works");
    world.stripe().pay(intent(&slow), GOOD_CARD).expect("before anybody could cancel it");
    world.stack.settle().await;
    let late = world.appointment(&id(&slow)).await;
    assert_eq!((&late["status"], &late["payment"]["state"]), (&json!("expired"), &json!("refunded")));
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 7_200]);
}

#[tokio::test]
async fn each_payment_has_a_receipt_and_each_refund_a_credit_note() {
    let world = World::new().await;
    let (_, appointment) = refund_that_fails(&world).await;
    let path = format!("/v1/appointments/{appointment}/receipts");
    let list = world.get(&path).person("alan").send().await.expect(200);
    let shown: Vec<_> = list["receipts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|receipt| {
            (receipt["kind"].clone(), receipt["number"].clone(), receipt["total"]["amount"].clone())
        })
        .collect();
    assert_eq!(
        shown,
        [
            (json!("receipt"), json!("2027-000001"), json!(8_000)),
            (json!("credit_note"), json!("2027-000002"), json!(8_000)),
            (json!("correction"), json!("2027-000003"), json!(8_000)),
        ],
        "{list:#}"
    );
}

#[tokio::test]
async fn nobody_settles_by_hand_what_they_were_not_shown() {
    const REFUNDS_FAIL: &str = "4000000000005126";
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = id(&world.booked_with(&offer, AT, REFUNDS_FAIL).await);
    let euros = |cents: u64| json!({ "amount": cents, "currency": "EUR" });
    let path = format!("/v1/appointments/{appointment}/refunds");
    let part = json!({ "amount": euros(3_000) });
    world.post(&path).person("ada").once("r").json(&part).send().await.expect(201);
    world.stack.settle().await;
    world.pass(120);
    world.stack.settle().await;
    let needs = async || {
        let seen = world.get(&format!("/v1/appointments/{appointment}")).person("margaret").send().await;
        seen.expect(200)["payment"]["escalation"].clone()
    };
    assert_eq!(needs().await, json!({ "because": "refund_failed", "amount": euros(3_000) }));
    let decide = async |body: &serde_json::Value| {
        world.act("margaret", &appointment, "payment/resolution", body).await
    };
    decide(&json!({ "resolution": "resolved_manually" })).await.problem(422);
    decide(&json!({ "resolution": "try_again", "amount": euros(3_000) })).await.problem(422);
    // More is owed by now: whoever paid the thirty is told, before and after it was looked at.
    world.act("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    let thirty = json!({ "resolution": "resolved_manually", "amount": euros(3_000) });
    assert_eq!(decide(&thirty).await.problem(409), "payment-state");
    world.stack.settle().await;
    assert_eq!(decide(&thirty).await.problem(409), "payment-state");
    assert_eq!(needs().await, json!({ "because": "refund_failed", "amount": euros(8_000) }));
    assert_eq!(world.told("payment.escalated"), 2, "it is subject more, so it is said again");
    decide(&json!({ "resolution": "resolved_manually", "amount": euros(8_000) })).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
}
