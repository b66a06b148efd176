//! Messages that are not PayPal's, or not what they were, or come twice, or never.

use serde_json::{Value, json};
use simulators::paypal::Faults;

use super::{Market, PAID, SOON};
use crate::harness::{Reply, id, intent, paid_hour};

type Headers = Vec<(&'static str, String)>;

async fn post(market: &Market, headers: &Headers, body: &str) -> Reply {
    let ask = market.world.post("/v1/webhooks/paypal");
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).raw(body.to_owned()).send().await
}

/// The event that an order was approved, as PayPal would write it, and an appointment that waits for it.
async fn approved() -> (Market, String, String) {
    let market = Market::new(&paid_hour()).await;
    market.set(Faults { drop_webhooks: true, ..Faults::default() });
    let booked = market.book(SOON, "k").await.expect(201);
    market.approve(&booked, "good");
    let order = market.paypal().object(intent(&booked)).expect("it is there");
    // Members out of order, as no library writes them anew.
    let body = format!(
        "{{\"resource\": {order}, \"id\":\"WH-1\",  \"event_type\":\"CHECKOUT.ORDER.APPROVED\",\"event_version\":\"1.0\"}}"
    );
    (market, id(&booked), body)
}

#[tokio::test]
async fn what_paypal_did_not_send_is_refused() {
    let (market, appointment, body) = approved().await;
    let good: Headers = market.paypal().webhook_headers(&body).expect("signed");
    let changed = |name: &str, value: &str| -> Headers {
        let change = |(known, old): &(&'static str, String)| {
            (*known, if *known == name { value.to_owned() } else { old.clone() })
        };
        good.iter().map(change).collect()
    };
    let other = market.paypal().webhook_headers("{}").expect("signed");
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
        (market.paypal().webhook_headers("[").expect("signed"), "[".to_owned()),
        (market.paypal().webhook_headers("[]").expect("signed"), "[]".to_owned()),
        (market.paypal().webhook_headers("").expect("signed"), String::new()),
    ];
    for (headers, body) in refused {
        assert_eq!(
            post(&market, &headers, &body).await.problem(400),
            "webhook-refused",
            "{headers:?} {body}"
        );
    }
    let large = " ".repeat(300 * 1024);
    assert_eq!(post(&market, &good, &large).await.problem(413), "too-large");
    market.world.stack.settle().await;
    assert_eq!(market.status(&appointment).await, "pending");
    // Signed too long ago, or as it seems in the future.
    for seconds in [301, -602] {
        market.world.pass(seconds);
        assert_eq!(post(&market, &good, &body).await.problem(400), "webhook-refused", "{seconds}");
    }
    market.world.pass(301);
    assert_eq!(post(&market, &good, &body).await.status, 204);
    market.world.stack.settle().await;
    assert_eq!(market.status(&appointment).await, "confirmed");
}

#[tokio::test]
async fn copies_and_lies_change_nothing() {
    let (market, appointment, body) = approved().await;
    for _ in 0..3 {
        let headers = market.paypal().webhook_headers(&body).expect("signed");
        assert_eq!(post(&market, &headers, &body).await.status, 204);
        market.world.stack.settle().await;
    }
    assert_eq!(market.cents().await, PAID);
    // Even one that is signed only says where to look.
    let unpaid = market.book("2027-01-05T12:00:00Z", "k2").await.expect(201);
    for (number, kind) in ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.DENIED", "CHECKOUT.ORDER.APPROVED"]
        .into_iter()
        .enumerate()
    {
        let named = json!({ "custom_id": id(&unpaid), "purchase_units": [{ "custom_id": id(&unpaid) }] });
        let body =
            json!({ "id": format!("WH-lie-{number}"), "event_type": kind, "resource": named }).to_string();
        let headers = market.paypal().webhook_headers(&body).expect("signed");
        assert_eq!(post(&market, &headers, &body).await.status, 204);
    }
    market.world.stack.settle().await;
    assert_eq!(market.status(&id(&unpaid)).await, "pending");
    // About nothing of ours, or nothing that PayPal still knows.
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
        let headers = market.paypal().webhook_headers(&body).expect("signed");
        assert_eq!(post(&market, &headers, &body).await.status, 204, "{kind}");
    }
    market.world.stack.settle().await;
    assert_eq!(market.status(&appointment).await, "confirmed");
    assert_eq!(market.cents().await, PAID);
}

#[tokio::test]
async fn a_message_that_cannot_be_checked_is_asked_for_again() {
    let (market, appointment, body) = approved().await;
    let headers = market.paypal().webhook_headers(&body).expect("signed");
    let switches = market.paypal().faults();
    for fault in [
        Faults { fail_before_acting: 1, ..switches.clone() },
        Faults { lose_responses: 1, ..switches.clone() },
        Faults { rate_limit: 1, ..switches },
    ] {
        market.set(fault);
        assert_eq!(post(&market, &headers, &body).await.problem(503), "unavailable");
    }
    assert_eq!(post(&market, &headers, &body).await.status, 204);
    market.world.stack.settle().await;
    assert_eq!(market.status(&appointment).await, "confirmed");
}

#[tokio::test]
async fn without_any_message_the_holds_end_finds_what_was_approved() {
    let (market, appointment, _) = approved().await;
    market.world.pass(600);
    market.world.sweep().await;
    assert_eq!(market.status(&appointment).await, "confirmed");
    assert_eq!(market.cents().await, PAID);
    // What follows needs none either.
    market.act("ada", &appointment, "cancel").await;
    assert_eq!(market.cents().await, super::BACK);
}
