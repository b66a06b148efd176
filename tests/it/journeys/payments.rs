//! Payments that are late, repeated, missing, or reported by no webhook.

use domain::payments::payment::{Payment, PaymentState};
use serde_json::json;
use simulators::stripe::Faults;

use crate::harness::{GOOD_CARD, TestApp, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

#[tokio::test]
async fn declined_card_can_be_replaced() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let declined = test.stripe().pay(intent(&booked), "4000000000000002").expect_err("declined");
    assert_eq!(declined.status, 402);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn payment_with_3d_secure_confirms_after_authentication() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let waiting =
        test.stripe().pay(intent(&booked), "4000002760003184").expect("the bank requests authentication");
    assert_eq!(waiting["status"], "requires_action");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    test.stripe().authenticate(intent(&booked), true).expect("the bank agrees");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn unpaid_hold_expires_at_the_sweep_and_cannot_be_paid() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.advance(599);
    test.sweep().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    test.advance(1);
    test.sweep().await;
    let expired = test.appointment(&id(&booked)).await;
    assert_eq!((&expired["status"], &expired["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    assert!(test.stripe().pay(intent(&booked), GOOD_CARD).is_err());
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    // The expert receives nothing, and the client sees the outcome.
    let list = |side: &str| format!("/v1/appointments?as={side}");
    let of_expert = test.get(&list("expert")).signed_in_as("ada").send().await.expect(200);
    assert_eq!(of_expert["appointments"], json!([]));
    let of_client = test.get(&list("client")).signed_in_as("alan").send().await.expect(200);
    assert_eq!(of_client["appointments"][0]["status"], "expired");
}

#[tokio::test]
async fn expired_hold_can_be_taken_before_the_sweep() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let first = test.book(&offer, AT, "k").await.expect(201);
    test.advance(600);
    let second = test.book_as("grace", &offer, "2027-01-05T10:30:00Z", "k").await.expect(201);
    assert_eq!(test.appointment(&id(&first)).await["status"], "expired");
    // The first client pays before the intent is cancelled.
    test.stripe().pay(intent(&first), GOOD_CARD).expect("the card works");
    test.stripe().pay(intent(&second), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let late = test.appointment(&id(&first)).await;
    assert_eq!((&late["status"], &late["payment"]["state"]), (&json!("expired"), &json!("refunded")));
    let published = test.stack.bus.published();
    let refunded = published.iter().find(|event| event.kind == "payment.refunded").expect("a refund");
    let charge = &refunded.detail["payment"]["final_charge"];
    assert_eq!(charge, &json!({ "amount": 0, "currency": "EUR" }), "an expired appointment costs nothing");
    let path = format!("/v1/appointments/{}", id(&second));
    let winner = test.get(&path).signed_in_as("grace").send().await.expect(200);
    assert_eq!((&winner["status"], &winner["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
}

#[tokio::test]
async fn late_payment_of_a_free_slot_confirms_the_booking() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    test.advance(700);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn order_number_and_loss_of_webhooks_do_not_matter() {
    let cases = [
        Faults { duplicate_deliveries: true, ..Faults::default() },
        Faults { out_of_order: true, duplicate_deliveries: true, ..Faults::default() },
        Faults { delay_deliveries_seconds: 120, ..Faults::default() },
        Faults { drop_webhooks: true, ..Faults::default() },
    ];
    for faults in cases {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        test.stripe().set_faults(faults.clone());
        let booked = test.book(&offer, AT, "k").await.expect(201);
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        test.stack.run_until_idle().await;
        test.advance(130);
        test.stack.run_until_idle().await;
        if faults.drop_webhooks {
            // The job at the end of the hold reads the payment from Stripe.
            assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
            test.advance(480);
            test.sweep().await;
        }
        assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed", "{faults:?}");
        test.post_action("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
        for _ in 0..3 {
            test.advance(130);
            test.sweep().await;
        }
        assert_eq!(test.appointment(&id(&booked)).await["payment"]["state"], "refunded", "{faults:?}");
        let events = test.stack.bus.published();
        assert_eq!(
            events.iter().filter(|event| event.kind == "appointment.confirmed").count(),
            1,
            "{faults:?}"
        );
        let count = |kind: &str| test.stripe().events().iter().filter(|event| event["type"] == kind).count();
        assert_eq!((count("payment_intent.succeeded"), count("refund.created")), (1, 1), "{faults:?}");
    }
}

#[tokio::test]
async fn hold_whose_webhook_is_lost_is_confirmed_when_its_client_reads_the_payment() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.stripe().set_faults(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let path = format!("/v1/appointments/{}/payment", id(&booked));
    test.get(&path).signed_in_as("alan").send().await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending", "it is not paid");
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.get(&path).signed_in_as("ada").send().await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(
        test.appointment(&id(&booked)).await["status"],
        "pending",
        "its expert learns nothing from Stripe"
    );
    test.get(&path).signed_in_as("alan").send().await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn expired_hold_that_is_paid_is_not_reclaimed() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let (table, appointment) = (&test.stack.app.store, id(&booked).parse().expect("an id"));
    // The payment job has stopped after it had recorded the payment.
    let payment = table.appointment_record(appointment).await.expect("readable").expect("a record").payment;
    let payment = payment.expect("a payment");
    let authorized = PaymentState::Authorized { capture_before: test.stack.app.now().plus(86_400) };
    let mut transaction = store::Transaction::new();
    let authorized = Payment { state: authorized, version: payment.version + 1, ..payment };
    transaction.put_payment(&authorized).expect("storable");
    table.commit(transaction).await.expect("committed");
    test.advance(700);
    assert_eq!(test.book_as("grace", &offer, AT, "k").await.problem(409), "slot-taken");
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
}

#[tokio::test]
async fn stripe_faults_lose_and_repeat_nothing() {
    let fresh = Faults::default;
    for faults in [Faults { fail_before_acting: 1, ..fresh() }, Faults { lose_responses: 1, ..fresh() }] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        test.stripe().set_faults(faults.clone());
        let failed = test.book(&offer, AT, "k").await;
        assert_eq!(failed.problem(503), "unavailable", "{faults:?}");
        // The hold remains, and the repeated request continues where this one stopped.
        assert_eq!(test.book_as("grace", &offer, AT, "k").await.problem(409), "slot-taken");
        test.advance(20);
        let booked = test.book(&offer, AT, "k").await.expect(201);
        let intents =
            test.stripe().events().iter().filter(|event| event["type"] == "payment_intent.created").count();
        assert_eq!(intents, 1, "{faults:?}");
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        test.stack.run_until_idle().await;
        test.post_action("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
        // Each request of the refund fails once.
        for _ in 0..6 {
            test.stripe().set_faults(faults.clone());
            test.stack.run_until_idle().await;
            test.stripe().set_faults(Faults::default());
            test.advance(240);
            test.sweep().await;
        }
        assert_eq!(test.appointment(&id(&booked)).await["payment"]["state"], "refunded", "{faults:?}");
        let refunds = test.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
        assert_eq!(refunds, 1, "{faults:?}");
    }
}

#[tokio::test]
async fn repeated_booking_after_the_hold_reports_that_it_expired() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    assert_eq!(test.book(&offer, AT, "k").await.problem(503), "unavailable");
    test.advance(700);
    assert_eq!(test.book(&offer, AT, "k").await.problem(409), "hold-expired");
    test.sweep().await;
    assert_eq!(test.book(&offer, AT, "k").await.problem(409), "hold-expired");
    test.book(&offer, AT, "k2").await.expect(201);
}

#[tokio::test]
async fn expert_without_an_account_can_offer_free_sessions_only() {
    let test = TestApp::new().await;
    let expert = test.expert(&crate::harness::office_hours()).await;
    let session_type = test.session_type(&expert, &paid_hour()).await;
    let offer = crate::harness::Offer { expert: expert.clone(), session_type };
    assert_eq!(test.book(&offer, AT, "k").await.problem(409), "payments-not-ready");
    let path = format!("/v1/experts/{expert}/payment-accounts/stripe");
    assert_eq!(test.get(&path).signed_in_as("ada").send().await.problem(404), "not-found");
    let account = test.onboard(&expert).await;
    test.book(&offer, AT, "k").await.expect(201);
    // Stripe disables the account and sends a webhook.
    test.stripe()
        .onboard(&account, simulators::stripe::Onboarding::Restricted)
        .expect("it can be restricted");
    test.stack.run_until_idle().await;
    assert_eq!(test.book(&offer, "2027-01-05T14:00:00Z", "k2").await.problem(409), "payments-not-ready");
}

#[tokio::test]
async fn platform_fee_can_be_zero() {
    let test =
        TestApp::with(|config| config.settings.fee = domain::Rate::from_basis_points(0).expect("a rate"))
            .await;
    let offer = test.offer(&paid_hour()).await;
    let id = test.book_and_pay(&offer, AT, "k").await;
    test.post_action("alan", &id, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id).await["payment"]["state"], "refunded");
    let balances = test.stripe().balances();
    assert!(
        balances
            .iter()
            .filter(|one| one.owner == "clients" || one.owner.starts_with("acct_"))
            .all(|one| one.amount == 0)
    );
}

#[tokio::test]
async fn permanent_refusal_by_stripe_frees_the_slot() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    // Stripe has restricted the account, and the webhook that says so has not arrived yet.
    let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
    let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let account = account["account"].as_str().expect("an account");
    test.stripe().onboard(account, simulators::stripe::Onboarding::Restricted).expect("it exists");
    assert_eq!(test.book(&offer, AT, "k").await.problem(409), "payment-refused");
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    assert_eq!(test.book(&offer, AT, "k").await.problem(409), "hold-expired");
    test.sweep().await;
    let list = test.get("/v1/appointments?as=client").signed_in_as("alan").send().await.expect(200);
    assert_eq!(list["appointments"][0]["status"], "expired");
}

#[tokio::test]
async fn unknown_payment_gateway_is_not_found() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    for gateway in ["klarna", "Stripe", "stripe%20"] {
        let account = format!("/v1/experts/{}/payment-accounts/{gateway}", offer.expert);
        assert_eq!(test.get(&account).signed_in_as("ada").send().await.problem(404), "not-found");
        let onboarding = test.post(&format!("{account}/onboarding")).signed_in_as("ada").send().await;
        assert_eq!(onboarding.problem(404), "not-found");
        let webhook = test.post(&format!("/v1/webhooks/{gateway}")).json(&json!({ "id": "evt_1" }));
        assert_eq!(webhook.send().await.problem(404), "not-found");
    }
}
