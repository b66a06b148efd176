//! Lost answers, faults after acting, forgotten keys, messages in any order: each movement happens once all the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::payments::ledger::MovementKind;
use serde_json::{Value, json};
use simulators::paypal::{Faults, PAYMENTS_KEEP_REQUEST_IDS};

use super::{BACK, DAY, FRIDAY, Market, PAID, SOON, authorised_hour, tiered};
use crate::harness::{id, paid_hour};

/// Somebody who has the platform's keys lets go of an authorisation.
pub(super) async fn void(market: &Market, authorisation: &str, seller: &str) {
    let base = &market.world.stack.surroundings.addresses.paypal_simulator;
    let base = base.as_deref().expect("the simulator runs");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = http
        .post(format!("{base}/v1/oauth2/token"))
        .basic_auth("paypal-client-local", Some("paypal-secret-local"));
    let token = token.form(&[("grant_type", "client_credentials")]).send().await.expect("an answer");
    let token: Value = token.json().await.expect("JSON");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "paypal-client-local", "payer_id": seller });
    let done = http
        .post(format!("{base}/v2/payments/authorizations/{authorisation}/void"))
        .bearer_auth(token["access_token"].as_str().expect("a token"))
        .header("PayPal-Auth-Assertion", format!("{}.{}.", part(json!({ "alg": "none" })), part(claims)))
        .json(&json!({}))
        .send()
        .await
        .expect("an answer");
    assert!(done.status().is_success(), "{done:?}");
}

/// What can go wrong, until it is set right: each of the first calls in turn does what it was asked to and its answer is lost; and calls that do
/// nothing, with messages that come twice, late or never.
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
async fn taking_happens_once_whatever_goes_wrong() {
    for terms in [paid_hour(), authorised_hour()] {
        for switches in faults() {
            let market = Market::new(&terms).await;
            let booked = market.book(SOON, "k").await.expect(201);
            market.set(switches.clone());
            market.approve(&booked, "good");
            market.world.stack.settle().await;
            for _ in 0..12 {
                market.world.pass(120);
                market.world.sweep().await;
            }
            assert_eq!(market.status(&id(&booked)).await, "confirmed", "{switches:?}");
            market.until("2027-01-07T08:00:00Z").await;
            market.set(Faults::default());
            assert_eq!(market.state(&id(&booked)).await, "paid", "{switches:?}");
            assert_eq!(market.cents().await, PAID, "{switches:?}");
            assert_eq!(market.events("PAYMENT.CAPTURE.COMPLETED"), 1, "{switches:?}");
        }
    }
}

#[tokio::test]
async fn taking_what_is_set_aside_happens_once_whatever_goes_wrong() {
    // With and without the renewal that a late capture begins with.
    for (start, end) in [(SOON, "2027-01-05T11:00:00Z"), (FRIDAY, "2027-01-08T11:00:00Z")] {
        for switches in faults() {
            let market = Market::new(&authorised_hour()).await;
            let appointment = market.paid(start).await;
            market.until(end).await;
            market.set(switches.clone());
            market.act("ada", &appointment, "complete").await;
            market.days(1).await;
            market.set(Faults::default());
            assert_eq!(market.state(&appointment).await, "paid", "{switches:?}");
            assert_eq!(market.cents().await, PAID, "{switches:?}");
            assert_eq!(market.events("PAYMENT.CAPTURE.COMPLETED"), 1, "{switches:?}");
        }
    }
}

#[tokio::test]
async fn giving_back_happens_once_whatever_goes_wrong() {
    for switches in faults() {
        let market = Market::new(&paid_hour()).await;
        let appointment = market.paid(SOON).await;
        market.set(switches.clone());
        market.act("ada", &appointment, "cancel").await;
        market.days(1).await;
        // PayPal has forgotten every key by now.
        market.world.pass(PAYMENTS_KEEP_REQUEST_IDS + DAY);
        market.days(1).await;
        market.set(Faults::default());
        assert_eq!(market.state(&appointment).await, "refunded", "{switches:?}");
        assert_eq!(market.cents().await, BACK, "{switches:?}");
        assert_eq!(market.events("PAYMENT.CAPTURE.REFUNDED"), 1, "{switches:?}");
    }
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_seen_when_paypal_forgot_the_key() {
    let market = Market::new(&paid_hour()).await;
    let appointment = market.paid(SOON).await;
    // The order and its disputes are read, the order once more, and the refund is given.
    market.set(Faults { spare_calls: 3, lose_responses: 1, drop_webhooks: true, ..Faults::default() });
    market.act("ada", &appointment, "cancel").await;
    assert_eq!((market.events("PAYMENT.CAPTURE.REFUNDED"), market.paypal().faults().lose_responses), (1, 0));
    assert_eq!(market.state(&appointment).await, "paid", "nobody knows yet");
    market.world.pass(PAYMENTS_KEEP_REQUEST_IDS + DAY);
    market.world.sweep().await;
    assert_eq!(
        (market.state(&appointment).await, market.events("PAYMENT.CAPTURE.REFUNDED")),
        (serde_json::json!("refunded"), 1)
    );
    assert_eq!(market.cents().await, BACK);
}

#[tokio::test]
async fn letting_go_happens_once_whatever_goes_wrong() {
    for switches in faults() {
        let market = Market::new(&tiered(authorised_hour())).await;
        let appointment = market.paid(FRIDAY).await;
        market.set(switches.clone());
        market.act("alan", &appointment, "cancel").await;
        market.days(1).await;
        market.set(Faults::default());
        assert_eq!(market.state(&appointment).await, "cancelled", "{switches:?}");
        assert_eq!(market.kinds().await, [MovementKind::Authorised, MovementKind::Released], "{switches:?}");
        assert_eq!(market.cents().await, [0; 4], "{switches:?}");
        assert_eq!(market.events("PAYMENT.AUTHORIZATION.VOIDED"), 1, "{switches:?}");
    }
}

#[tokio::test]
async fn booking_goes_on_where_a_lost_answer_stopped_it() {
    for terms in [paid_hour(), authorised_hour()] {
        for fault in [
            Faults { fail_before_acting: 1, ..Faults::default() },
            Faults { fail_after_acting: 1, ..Faults::default() },
            Faults { lose_responses: 1, ..Faults::default() },
            Faults { rate_limit: 1, ..Faults::default() },
        ] {
            let market = Market::new(&terms).await;
            market.set(fault.clone());
            let stopped = market.book(SOON, "k").await;
            assert_eq!(stopped.problem(503), "unavailable");
            assert!(!stopped.body.to_string().to_lowercase().contains("paypal"), "{:#}", stopped.body);
            let booked = market.book(SOON, "k").await.expect(201);
            assert!(booked["payment"]["pay_page"].is_string(), "{booked:#}");
            market.approve(&booked, "good");
            market.world.stack.settle().await;
            assert_eq!(market.status(&id(&booked)).await, "confirmed", "{fault:?}");
            market.cents().await;
        }
    }
}
