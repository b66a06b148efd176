//! PayPal's webhooks: forged, altered, duplicate, false and lost ones.

use serde_json::{Value, json};
use simulators::paypal::Faults;

use super::{PAID, PayPalTest, SOON};
use crate::harness::{Response, id, intent, paid_hour};

type Headers = Vec<(&'static str, String)>;

async fn post(paypal: &PayPalTest, headers: &Headers, body: &str) -> Response {
    let ask = paypal.test.post("/v1/webhooks/paypal");
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).raw(body.to_owned()).send().await
}

/// A webhook that an order was approved, as PayPal sends it, and the pending appointment of the order.
async fn approved() -> (PayPalTest, String, String) {
    let paypal = PayPalTest::new(&paid_hour()).await;
    paypal.set(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = paypal.book(SOON, "k").await.expect(201);
    paypal.approve(&booked, "good");
    let order = paypal.simulator().object(intent(&booked)).expect("it exists");
    // The members are in an order that no JSON library would reproduce.
    let body = format!(
        "{{\"resource\": {order}, \"id\":\"WH-1\",  \"event_type\":\"CHECKOUT.ORDER.APPROVED\",\"event_version\":\"1.0\"}}"
    );
    (paypal, id(&booked), body)
}

#[tokio::test]
async fn webhook_not_from_paypal_is_refused() {
    let (paypal, appointment, body) = approved().await;
    let good: Headers = paypal.simulator().webhook_headers(&body).expect("signed");
    let changed = |name: &str, value: &str| -> Headers {
        let change = |(known, old): &(&'static str, String)| {
            (*known, if *known == name { value.to_owned() } else { old.clone() })
        };
        good.iter().map(change).collect()
    };
    let other = paypal.simulator().webhook_headers("{}").expect("signed");
    let refused: Vec<(Headers, String)> = vec![
        (Vec::new(), body.clone()),
        (good.clone(), body.replace("  ", " ")),
        (good.clone(), body.replace("APPROVED", "COMPLETED")),
        (good.clone(), serde_json::from_str::<Value>(&body).expect("JSON").to_string()),
        (changed("paypal-transmission-sig", "AAAA"), body.clone()),
        (changed("paypal-transmission-id", "another"), body.clone()),
        (changed("paypal-transmission-time", "2027-01-04T08:00:01Z"), body.clone()),
        (changed("paypal-transmission-time", "yesterday"), body.clone()),
        (changed("paypal-cert-url", "https://evil.example/cert"), body.clone()),
        (changed("paypal-auth-algo", "none"), body.clone()),
        (other.clone(), body.clone()),
        (other, "{}".to_owned()),
        (paypal.simulator().webhook_headers("[").expect("signed"), "[".to_owned()),
        (paypal.simulator().webhook_headers("[]").expect("signed"), "[]".to_owned()),
        (paypal.simulator().webhook_headers("").expect("signed"), String::new()),
    ];
    for (headers, body) in refused {
        assert_eq!(
            post(&paypal, &headers, &body).await.problem(400),
            "webhook-refused",
            "{headers:?} {body}"
        );
    }
    let large = " ".repeat(300 * 1024);
    assert_eq!(post(&paypal, &good, &large).await.problem(413), "content-too-large");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&appointment).await, "pending");
    // The signature is too old, or in the future.
    for seconds in [301, -602] {
        paypal.test.advance(seconds);
        assert_eq!(post(&paypal, &good, &body).await.problem(400), "webhook-refused", "{seconds}");
    }
    paypal.test.advance(301);
    assert_eq!(post(&paypal, &good, &body).await.status, 204);
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
}

#[tokio::test]
async fn forged_webhooks_cost_no_call_at_paypal() {
    let (paypal, appointment, body) = approved().await;
    let good: Headers = paypal.simulator().webhook_headers(&body).expect("signed");
    let with = |name: &str, value: &str| -> Headers {
        good.iter()
            .map(|(known, old)| (*known, if *known == name { value.to_owned() } else { old.clone() }))
            .collect()
    };
    // Every call of PayPal's API fails from now on.
    paypal.set(Faults { drop_webhooks: true, fail_before_acting: u32::MAX, ..Faults::default() });
    let signature = &good.iter().find(|(name, _)| *name == "paypal-transmission-sig").expect("signed").1;
    let other = paypal.simulator().webhook_headers("{}").expect("signed");
    for _ in 0..30 {
        for headers in [
            &with("paypal-transmission-id", "forged"),
            &with("paypal-transmission-sig", &signature.chars().rev().collect::<String>()),
            &with("paypal-cert-url", "https://evil.example/v1/notifications/certs/CERT-1"),
            &other,
        ] {
            assert_eq!(post(&paypal, headers, &body).await.problem(400), "webhook-refused");
        }
    }
    // A genuine one needs no call either.
    assert_eq!(post(&paypal, &good, &body).await.status, 204);
    let unused = paypal.simulator().faults().fail_before_acting;
    assert_eq!(unused, u32::MAX, "there were calls");

    // A signature of another kind cannot be verified here. PayPal is asked a few times a minute.
    for _ in 0..30 {
        let refused = post(&paypal, &with("paypal-auth-algo", "SHA512withRSA"), &body).await;
        assert!(refused.status.is_server_error(), "{:#}", refused.body);
    }
    assert_eq!(paypal.simulator().faults().fail_before_acting, u32::MAX - 10);
    paypal.set(Faults { drop_webhooks: true, ..Faults::default() });
    paypal.test.advance(60);
    let refused = post(&paypal, &with("paypal-auth-algo", "SHA512withRSA"), &body).await;
    assert_eq!(refused.problem(400), "webhook-refused", "PayPal is asked again");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
}

#[tokio::test]
async fn duplicate_and_false_webhooks_change_nothing() {
    let (paypal, appointment, body) = approved().await;
    for _ in 0..3 {
        let headers = paypal.simulator().webhook_headers(&body).expect("signed");
        assert_eq!(post(&paypal, &headers, &body).await.status, 204);
        paypal.test.stack.run_until_idle().await;
    }
    assert_eq!(paypal.cents().await, PAID);
    // Even the content of a signed webhook is not trusted.
    let unpaid = paypal.book("2027-01-05T12:00:00Z", "k2").await.expect(201);
    for (number, kind) in ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.DENIED", "CHECKOUT.ORDER.APPROVED"]
        .into_iter()
        .enumerate()
    {
        let named = json!({ "custom_id": id(&unpaid), "purchase_units": [{ "custom_id": id(&unpaid) }] });
        let body =
            json!({ "id": format!("WH-lie-{number}"), "event_type": kind, "resource": named }).to_string();
        let headers = paypal.simulator().webhook_headers(&body).expect("signed");
        assert_eq!(post(&paypal, &headers, &body).await.status, 204);
    }
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&unpaid)).await, "pending");
    // Webhooks about objects that are unknown to the platform or no longer exist at PayPal.
    for (number, (kind, resource)) in [
        ("PAYMENT.CAPTURE.COMPLETED", json!({ "custom_id": "apt_00000000000000000000000001" })),
        (
            "PAYMENT.CAPTURE.REVERSED",
            json!({ "links": [{ "rel": "up", "href": "https://x/v2/payments/captures/GONE" }] }),
        ),
        (
            "CUSTOMER.DISPUTE.CREATED",
            json!({ "disputed_transactions": [{ "seller_transaction_id": "GONE" }] }),
        ),
        ("MERCHANT.ONBOARDING.COMPLETED", json!({ "tracking_id": "exp_00000000000000000000000001" })),
        ("BILLING.PLAN.CREATED", json!(null)),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "id": format!("WH-other-{number}"), "event_type": kind, "resource": resource })
            .to_string();
        let headers = paypal.simulator().webhook_headers(&body).expect("signed");
        assert_eq!(post(&paypal, &headers, &body).await.status, 204, "{kind}");
    }
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
    assert_eq!(paypal.cents().await, PAID);
}

#[tokio::test]
async fn webhook_that_cannot_be_verified_is_requested_again() {
    let (paypal, appointment, body) = approved().await;
    let headers = paypal.simulator().webhook_headers(&body).expect("signed");
    let faults = paypal.simulator().faults();
    // The platform cannot verify signatures of another kind, and asks PayPal.
    let other_kind = |(name, value): &(&'static str, String)| match *name {
        "paypal-auth-algo" => (*name, "SHA512withRSA".to_owned()),
        _ => (*name, value.clone()),
    };
    let to_ask: Headers = headers.iter().map(other_kind).collect();
    for fault in [
        Faults { fail_before_acting: 1, ..faults.clone() },
        Faults { lose_responses: 1, ..faults.clone() },
        Faults { rate_limit: 1, ..faults },
    ] {
        paypal.set(fault);
        assert_eq!(post(&paypal, &to_ask, &body).await.problem(503), "unavailable");
    }
    assert_eq!(
        post(&paypal, &to_ask, &body).await.problem(400),
        "webhook-refused",
        "PayPal did not sign this"
    );
    assert_eq!(post(&paypal, &headers, &body).await.status, 204);
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
}

#[tokio::test]
async fn approved_payment_is_found_at_the_end_of_the_hold_without_webhooks() {
    let (paypal, appointment, _) = approved().await;
    paypal.test.advance(600);
    paypal.test.sweep().await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
    assert_eq!(paypal.cents().await, PAID);
    // The following steps need no webhook either.
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(paypal.cents().await, super::BACK);
}
