//! Lost responses, faults after an action, expired keys, webhooks in any order: each movement happens exactly once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::payments::ledger::MovementKind;
use serde_json::{Value, json};
use simulators::paypal::{Faults, PAYMENTS_KEEP_REQUEST_IDS};

use super::{BACK, DAY, FRIDAY, PAID, PayPalTest, SOON, authorized_hour, tiered};
use crate::harness::{id, paid_hour};

/// Voids an authorization with the platform's keys, without the platform knowing of it.
pub(super) async fn void(paypal: &PayPalTest, authorization: &str, seller: &str) {
    let base = &paypal.test.stack.environment.addresses.paypal_simulator;
    let base = base.as_deref().expect("the simulator runs");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = http
        .post(format!("{base}/v1/oauth2/token"))
        .basic_auth("paypal-client-local", Some("paypal-secret-local"));
    let token = token.form(&[("grant_type", "client_credentials")]).send().await.expect("a response");
    let token: Value = token.json().await.expect("JSON");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "paypal-client-local", "payer_id": seller });
    let done = http
        .post(format!("{base}/v2/payments/authorizations/{authorization}/void"))
        .bearer_auth(token["access_token"].as_str().expect("a token"))
        .header("PayPal-Auth-Assertion", format!("{}.{}.", part(json!({ "alg": "none" })), part(claims)))
        .json(&json!({}))
        .send()
        .await
        .expect("a response");
    assert!(done.status().is_success(), "{done:?}");
}

/// The faults, which last until they are removed: one of the first requests succeeds but its response is lost; requests fail, and
/// webhooks are duplicated, delayed or lost.
fn faults() -> Vec<Faults> {
    let lost = (0..5).flat_map(|spare_calls| {
        [
            Faults { spare_calls, fail_after_acting: 1, ..Faults::default() },
            Faults {
                spare_calls,
                lose_responses: 2,
                drop_webhooks: spare_calls % 2 == 0,
                ..Faults::default()
            },
        ]
    });
    let messages = [
        Faults { fail_before_acting: 1, duplicate_deliveries: true, out_of_order: true, ..Faults::default() },
        Faults { spare_calls: 1, fail_before_acting: 1, drop_webhooks: true, ..Faults::default() },
        Faults { rate_limit: 2, delay_deliveries_seconds: 7_000, ..Faults::default() },
    ];
    lost.chain(messages).collect()
}

#[tokio::test]
async fn capture_happens_once_despite_faults() {
    for terms in [paid_hour(), authorized_hour()] {
        for faults in faults() {
            let paypal = PayPalTest::new(&terms).await;
            let booked = paypal.book(SOON, "k").await.expect(201);
            paypal.set(faults.clone());
            paypal.approve(&booked, "good");
            paypal.test.stack.run_until_idle().await;
            for _ in 0..12 {
                paypal.test.advance(120);
                paypal.test.sweep().await;
            }
            assert_eq!(paypal.status(&id(&booked)).await, "confirmed", "{faults:?}");
            paypal.advance_to("2027-01-07T08:00:00Z").await;
            paypal.set(Faults::default());
            assert_eq!(paypal.state(&id(&booked)).await, "paid", "{faults:?}");
            assert_eq!(paypal.cents().await, PAID, "{faults:?}");
            assert_eq!(paypal.events("PAYMENT.CAPTURE.COMPLETED"), 1, "{faults:?}");
        }
    }
}

#[tokio::test]
async fn capture_of_an_authorization_happens_once_despite_faults() {
    // With and without the reauthorization that precedes a late capture.
    for (start, end) in [(SOON, "2027-01-05T11:00:00Z"), (FRIDAY, "2027-01-08T11:00:00Z")] {
        for faults in faults() {
            let paypal = PayPalTest::new(&authorized_hour()).await;
            let appointment = paypal.book_and_pay(start).await;
            paypal.advance_to(end).await;
            paypal.set(faults.clone());
            paypal.post_action("ada", &appointment, "complete").await;
            paypal.days(1).await;
            paypal.set(Faults::default());
            assert_eq!(paypal.state(&appointment).await, "paid", "{faults:?}");
            assert_eq!(paypal.cents().await, PAID, "{faults:?}");
            assert_eq!(paypal.events("PAYMENT.CAPTURE.COMPLETED"), 1, "{faults:?}");
        }
    }
}

#[tokio::test]
async fn refund_happens_once_despite_faults() {
    for faults in faults() {
        let paypal = PayPalTest::new(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        paypal.set(faults.clone());
        paypal.post_action("ada", &appointment, "cancel").await;
        paypal.days(1).await;
        // PayPal's idempotency keys have expired.
        paypal.test.advance(PAYMENTS_KEEP_REQUEST_IDS + DAY);
        paypal.days(1).await;
        paypal.set(Faults::default());
        assert_eq!(paypal.state(&appointment).await, "refunded", "{faults:?}");
        assert_eq!(paypal.cents().await, BACK, "{faults:?}");
        assert_eq!(paypal.events("PAYMENT.CAPTURE.REFUNDED"), 1, "{faults:?}");
    }
}

#[tokio::test]
async fn refund_with_a_lost_response_is_not_repeated_after_the_key_expired() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    // The requests: read the order and its disputes, read the order again, and refund.
    paypal.set(Faults { spare_calls: 3, lose_responses: 1, drop_webhooks: true, ..Faults::default() });
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(
        (paypal.events("PAYMENT.CAPTURE.REFUNDED"), paypal.simulator().faults().lose_responses),
        (1, 0)
    );
    assert_eq!(paypal.state(&appointment).await, "paid", "the refund is not recorded yet");
    paypal.test.advance(PAYMENTS_KEEP_REQUEST_IDS + DAY);
    paypal.test.sweep().await;
    assert_eq!(
        (paypal.state(&appointment).await, paypal.events("PAYMENT.CAPTURE.REFUNDED")),
        (serde_json::json!("refunded"), 1)
    );
    assert_eq!(paypal.cents().await, BACK);
}

#[tokio::test]
async fn void_happens_once_despite_faults() {
    for faults in faults() {
        let paypal = PayPalTest::new(&tiered(authorized_hour())).await;
        let appointment = paypal.book_and_pay(FRIDAY).await;
        paypal.set(faults.clone());
        paypal.post_action("alan", &appointment, "cancel").await;
        paypal.days(1).await;
        paypal.set(Faults::default());
        assert_eq!(paypal.state(&appointment).await, "cancelled", "{faults:?}");
        assert_eq!(paypal.kinds().await, [MovementKind::Authorized, MovementKind::Released], "{faults:?}");
        assert_eq!(paypal.cents().await, [0; 4], "{faults:?}");
        assert_eq!(paypal.events("PAYMENT.AUTHORIZATION.VOIDED"), 1, "{faults:?}");
    }
}

#[tokio::test]
async fn repeated_booking_continues_after_a_lost_response() {
    for terms in [paid_hour(), authorized_hour()] {
        for fault in [
            Faults { fail_before_acting: 1, ..Faults::default() },
            Faults { fail_after_acting: 1, ..Faults::default() },
            Faults { lose_responses: 1, ..Faults::default() },
            Faults { rate_limit: 1, ..Faults::default() },
        ] {
            let paypal = PayPalTest::new(&terms).await;
            paypal.set(fault.clone());
            let stopped = paypal.book(SOON, "k").await;
            assert_eq!(stopped.problem(503), "unavailable");
            assert!(!stopped.body.to_string().to_lowercase().contains("paypal"), "{:#}", stopped.body);
            let booked = paypal.book(SOON, "k").await.expect(201);
            assert!(booked["payment"]["pay_page"].is_string(), "{booked:#}");
            paypal.approve(&booked, "good");
            paypal.test.stack.run_until_idle().await;
            assert_eq!(paypal.status(&id(&booked)).await, "confirmed", "{fault:?}");
            paypal.cents().await;
        }
    }
}
