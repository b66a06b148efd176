//! Refunds: partial, in every currency, made at the gateway, and failing at the client's bank.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, TestApp, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

async fn refund(
    test: &TestApp,
    who: &str,
    appointment: &str,
    key: &str,
    amount: &Value,
) -> crate::harness::Response {
    let path = format!("/v1/appointments/{appointment}/refunds");
    test.post(&path).signed_in_as(who).idempotency_key(key).json(&json!({ "amount": amount })).send().await
}

fn euros(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "EUR" })
}

#[tokio::test]
async fn partial_refunds_add_up_to_the_cent() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(1_005);
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let mut back = 0;
    for (step, cents) in [333, 1, 335, 336].into_iter().enumerate() {
        refund(&test, "ada", &appointment, &format!("r{step}"), &euros(cents)).await.expect(201);
        test.stack.run_until_idle().await;
        back += cents;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["refunded"]["amount"], back);
        let [client, expert, platform, gateway] =
            test.cents(&offer, [Account::Client, Account::Expert, Account::Platform, Account::Gateway]).await;
        assert_eq!(client, i128::from(back - 1_005));
        assert_eq!(client + expert + platform + gateway, 0);
        assert!(expert >= 0, "no balance is negative");
    }
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    let fee = |movements: &[domain::payments::ledger::Movement], kind| -> u64 {
        movements.iter().filter(|one| one.kind == kind).map(|one| one.amount.amount()).sum()
    };
    let movements = test.movements(&offer).await;
    assert_eq!(fee(&movements, MovementKind::Fee), 101);
    assert_eq!(fee(&movements, MovementKind::FeeRefund), 101, "the whole fee is returned");
}

#[tokio::test]
async fn every_movement_has_its_gateway_object_and_idempotency_key() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    refund(&test, "ada", &appointment, "r", &euros(1_000)).await.expect(201);
    test.stack.run_until_idle().await;
    for movement in test.movements(&offer).await {
        assert!(test.stripe().object(&movement.object).is_some(), "{movement:?}");
        // The platform does not request the processing fee, nor the return of its own fee with a refund.
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
async fn each_currency_has_its_own_minor_unit() {
    for (code, price, back, fee) in [
        ("JPY", 1_005, 333, 101),
        ("KWD", 3_130, 1_110, 310),
        ("ISK", 1_500, 700, 150),
        ("HUF", 200_050, 100_000, 20_005),
    ] {
        let test = TestApp::new().await;
        let mut terms = paid_hour();
        terms["durations"][0]["price"] = json!({ "amount": price, "currency": code });
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let path = format!("/v1/appointments/{appointment}");
        let of_expert = test.get(&path).signed_in_as("ada").send().await.expect(200);
        assert_eq!(of_expert["payment"]["platform_fee"]["amount"], fee, "{code}");
        let amount = json!({ "amount": back, "currency": code });
        refund(&test, "ada", &appointment, "r", &amount).await.expect(201);
        test.stack.run_until_idle().await;
        let payment = test.payment(&appointment).await;
        assert_eq!(
            (&payment["paid"]["amount"], &payment["refunded"]["amount"]),
            (&json!(price), &json!(back)),
            "{code}"
        );
        test.balances(&offer).await;
        test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded", "{code}");
        let balances = test.balances(&offer).await;
        let currency = code.to_owned().try_into().expect("a currency");
        assert_eq!(
            (balances.get(Account::Client, currency), balances.get(Account::Expert, currency)),
            (0, 0)
        );
    }
}

/// A card whose refunds fail after a minute.
const REFUNDS_FAIL: &str = "4000000000005126";

async fn refund_that_fails(test: &TestApp) -> (Offer, String) {
    let offer = test.offer(&paid_hour()).await;
    let appointment = id(&test.book_with_card(&offer, AT, REFUNDS_FAIL).await);
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    test.advance(120);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refund_failed");
    assert_eq!((test.published("payment.refund_failed"), test.published("payment.escalated")), (1, 1));
    // The failed refund belongs to the platform, not to the expert, until it is refunded again.
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 0]);
    (offer, appointment)
}

#[tokio::test]
async fn administrators_list_escalations() {
    let test = TestApp::new().await;
    let list = async |query: &str| {
        test.get(&format!("/v1/escalations{query}")).signed_in_as("margaret").send().await.expect(200)
    };
    assert_eq!(list("").await, json!({ "escalations": [], "truncated": false }));
    let (offer, first) = refund_that_fails(&test).await;
    let second = id(&test.book_with_card(&offer, "2027-01-06T14:00:00Z", REFUNDS_FAIL).await);
    test.post_action("ada", &second, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(
        list("").await["escalations"].as_array().map(Vec::len),
        Some(1),
        "the refund has not failed yet"
    );
    test.advance(120);
    test.stack.run_until_idle().await;
    let page = list("?limit=1").await;
    let eighty = json!({ "amount": 8_000, "currency": "EUR" });
    assert_eq!(
        page["escalations"],
        json!([{
            "appointment_id": first,
            "gateway": "stripe",
            "amount": eighty,
            "escalation": { "reason": "refund_failed", "amount": eighty },
            "intent": intent(&test.appointment(&first).await),
        }])
    );
    let rest =
        list(&format!("?limit=1&cursor={}", page["next_cursor"].as_str().expect("there is more"))).await;
    assert_eq!(rest["escalations"][0]["appointment_id"], second.as_str());
    assert_eq!(rest.get("next_cursor"), None);
    // A payment that a newer release has written is named.
    let shown = test.database("Scan", &json!({ "TableName": "expert-connect" })).await;
    let payment = shown["Items"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|item| item["SK"]["S"] == "PAY" && item["PK"]["S"] == format!("APT#{second}"));
    let payment = payment.expect("it is stored").clone();
    let mut newer = payment.clone();
    newer["schema"] = json!({ "N": "99" });
    let put = async |item: &Value| {
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
    };
    put(&newer).await;
    let page = list("").await;
    assert_eq!((page["escalations"].as_array().map(Vec::len), &page["truncated"]), (Some(1), &json!(true)));
    let unreadable = json!([{ "appointment_id": second, "reason": "newer_release" }]);
    assert_eq!(page["unreadable"], unreadable);
    put(&payment).await;
    // A resolved escalation is no longer listed.
    test.resolve(&first, "resolved_manually").await.expect(200);
    test.resolve(&second, "try_again").await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(list("").await, json!({ "escalations": [], "truncated": false }));
    for wrong in ["?limit=0", "?limit=101", "?cursor=x", "?before=x"] {
        let response = test.get(&format!("/v1/escalations{wrong}")).signed_in_as("margaret").send().await;
        assert_eq!(response.problem(422), "invalid", "{wrong}");
    }
    for stranger in ["ada", "alan"] {
        assert_eq!(test.get("/v1/escalations").signed_in_as(stranger).send().await.problem(403), "forbidden");
    }
}

#[tokio::test]
async fn failed_refund_is_escalated_and_can_be_retried_or_resolved_manually() {
    for decision in ["try_again", "resolved_manually"] {
        let test = TestApp::new().await;
        let (offer, appointment) = refund_that_fails(&test).await;
        for _ in 0..3 {
            test.advance(7_200);
            test.sweep().await;
        }
        let refunds = |test: &TestApp| {
            test.stripe().events().iter().filter(|event| event["type"] == "refund.created").count()
        };
        assert_eq!(refunds(&test), 1, "the refund is not retried automatically");
        let eighty = json!({ "amount": 8_000, "currency": "EUR" });
        let body = json!({ "resolution": "resolved_manually", "amount": eighty });
        assert_eq!(
            test.post_action("ada", &appointment, "payment/resolution", &body).await.problem(403),
            "forbidden"
        );
        test.resolve(&appointment, decision).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded", "{decision}");
        if decision == "try_again" {
            assert_eq!(refunds(&test), 2);
            test.balances(&offer).await;
        } else {
            let kinds = test.kinds(&offer).await;
            assert_eq!(kinds.last(), Some(&MovementKind::ResolvedManually));
            assert_eq!(
                test.post_action("margaret", &appointment, "payment/resolution", &body).await.problem(409),
                "payment-state"
            );
        }
    }
}

#[tokio::test]
async fn pending_refund_is_not_repeated() {
    const REFUNDS_WAIT: &str = "4000000000007726";
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = id(&test.book_with_card(&offer, AT, REFUNDS_WAIT).await);
    test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    test.advance(120);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn late_payment_is_refunded_in_full() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let slow = test.book(&offer, AT, "slow").await.expect(201);
    test.advance(601);
    let quick = test.book_as("katherine", &offer, AT, "quick").await.expect(201);
    test.stripe().pay(intent(&quick), GOOD_CARD).expect("the card works");
    test.stripe().pay(intent(&slow), GOOD_CARD).expect("the intent is not cancelled yet");
    test.stack.run_until_idle().await;
    let late = test.appointment(&id(&slow)).await;
    assert_eq!((&late["status"], &late["payment"]["state"]), (&json!("expired"), &json!("refunded")));
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 7_200]);
}

#[tokio::test]
async fn each_payment_has_a_receipt_and_each_refund_a_credit_note() {
    let test = TestApp::new().await;
    let (_, appointment) = refund_that_fails(&test).await;
    let path = format!("/v1/appointments/{appointment}/receipts");
    let list = test.get(&path).signed_in_as("alan").send().await.expect(200);
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
async fn refund_is_answered_with_the_refund() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    for who in ["alan", "margaret"] {
        assert_eq!(refund(&test, who, &appointment, "r", &euros(2_000)).await.problem(403), "forbidden");
    }
    let first = refund(&test, "ada", &appointment, "r", &euros(2_000)).await;
    assert_eq!(first.status, 201);
    let location = first.headers["location"].to_str().expect("text").to_owned();
    let requested_at = first.body["requested_at"].clone();
    let expected = json!({
        "appointment_id": appointment,
        "amount": euros(2_000),
        "state": "pending",
        "final_charge": euros(6_000),
        "requested_at": requested_at,
    });
    assert_eq!(first.body, expected);
    let again = refund(&test, "ada", &appointment, "r", &euros(2_000)).await;
    assert_eq!(
        (again.headers["location"].to_str().expect("text"), again.body),
        (location.as_str(), expected)
    );
    test.stack.run_until_idle().await;
    let payment = test.get(&location).signed_in_as("ada").send().await.expect(200);
    assert_eq!(payment["refunded"], euros(2_000));
    let second = refund(&test, "ada", &appointment, "r2", &euros(500)).await.expect(201);
    assert_eq!(second["final_charge"], euros(5_500));
}

#[tokio::test]
async fn manual_resolution_of_another_amount_is_refused() {
    const REFUNDS_FAIL: &str = "4000000000005126";
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = id(&test.book_with_card(&offer, AT, REFUNDS_FAIL).await);
    let euros = |cents: u64| json!({ "amount": cents, "currency": "EUR" });
    let path = format!("/v1/appointments/{appointment}/refunds");
    let part = json!({ "amount": euros(3_000) });
    test.post(&path).signed_in_as("ada").idempotency_key("r").json(&part).send().await.expect(201);
    test.stack.run_until_idle().await;
    test.advance(120);
    test.stack.run_until_idle().await;
    let needs = async || {
        let seen = test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("margaret").send().await;
        seen.expect(200)["payment"]["escalation"].clone()
    };
    assert_eq!(needs().await, json!({ "reason": "refund_failed", "amount": euros(3_000) }));
    let decide = async |body: &serde_json::Value| {
        test.post_action("margaret", &appointment, "payment/resolution", body).await
    };
    decide(&json!({ "resolution": "resolved_manually" })).await.problem(422);
    decide(&json!({ "resolution": "try_again", "amount": euros(3_000) })).await.problem(422);
    // The amount has increased: a manual resolution of 30 euros is refused, before and after the job has run.
    test.post_action("ada", &appointment, "cancel", &json!(null)).await.expect(200);
    let thirty = json!({ "resolution": "resolved_manually", "amount": euros(3_000) });
    assert_eq!(decide(&thirty).await.problem(409), "payment-state");
    test.stack.run_until_idle().await;
    assert_eq!(decide(&thirty).await.problem(409), "payment-state");
    assert_eq!(needs().await, json!({ "reason": "refund_failed", "amount": euros(8_000) }));
    assert_eq!(
        test.published("payment.escalated"),
        2,
        "the amount is higher, so the event is published again"
    );
    decide(&json!({ "resolution": "resolved_manually", "amount": euros(8_000) })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
}
