//! Stripe's webhook events.

use std::collections::BTreeSet;

use app::payments::ports::{WebhookError, WebhookEvent, WebhookSubject};
use domain::Timestamp;
use domain::payments::payment::Plan;
use serde_json::Value;
use simulators::stripe::{LATER_AFTER, PayoutOutcome, signature_header};

use crate::fixture::{CONNECT_SECRET, Fixture, VISA, WEBHOOK_SECRET};
use crate::saved_cards::{charged, saved};

async fn read(fixture: &Fixture, secret: &str, event: &Value) -> Result<WebhookEvent, WebhookError> {
    let body = event.to_string();
    let now = fixture.clock.now();
    let signature = signature_header(secret, now, &body);
    let headers = |name: &str| (name == "stripe-signature").then(|| signature.clone());
    fixture.stripe.webhooks.read_webhook(&headers, body.as_bytes(), Timestamp::from_seconds(now)).await
}

#[tokio::test]
async fn events_of_a_payment_lead_to_it() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let payment = charged(&fixture, &payment, 10_000, false).await;
    fixture.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    fixture.refund(&payment, 1_000, true, 1).await;
    let dispute = fixture.simulator.dispute(Fixture::intent(&payment), None, "fraudulent").expect("disputed");
    fixture.clock.advance(LATER_AFTER);
    let appointment = payment.appointment;
    let mut kinds = BTreeSet::new();
    for event in fixture.simulator.events() {
        let WebhookEvent { id, subject } = read(&fixture, WEBHOOK_SECRET, &event).await.expect("an event");
        assert_eq!(id, event["id"]);
        if subject == (WebhookSubject::Payment { appointment }) {
            kinds.insert(event["type"].as_str().expect("a type").to_owned());
        }
    }
    for kind in [
        "charge.captured",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.refunded",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.created",
        "payment_intent.succeeded",
        "refund.created",
        "setup_intent.succeeded",
        "transfer.created",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    // If the subject cannot be read, an error makes Stripe send the event again.
    let event =
        fixture.simulator.events().into_iter().find(|event| event["data"]["object"]["id"] == dispute["id"]);
    let event = event.expect("sent");
    fixture.switch(|switches| switches.fail_before_acting = 1);
    let failed = read(&fixture, WEBHOOK_SECRET, &event).await;
    assert!(matches!(failed, Err(WebhookError::Unavailable(_))), "{failed:?}");
    let mut unknown = event.clone();
    unknown["data"]["object"]["payment_intent"] = "pi_unknown".into();
    assert_eq!(
        read(&fixture, WEBHOOK_SECRET, &unknown).await.map(|event| event.subject),
        Ok(WebhookSubject::Nothing)
    );
}

#[tokio::test]
async fn events_of_accounts_are_signed_with_their_own_secret() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    fixture.fetch_payment(&payment).await;
    fixture.simulator.pay_out(&fixture.account, None, None, PayoutOutcome::Paid).expect("paid out");
    fixture.simulator.deauthorize(&fixture.account).expect("deauthorized");
    let account = || fixture.account.clone();
    let mut kinds = BTreeSet::new();
    for event in fixture.simulator.events().iter().filter(|event| event["account"].is_string()) {
        let read = read(&fixture, CONNECT_SECRET, event).await.expect("an event");
        let kind = event["type"].as_str().expect("a type").to_owned();
        let expected = match kind.split('.').next() {
            Some("account" | "capability") => WebhookSubject::Account { account: account() },
            Some("payout") => WebhookSubject::Payouts { account: account() },
            _ => WebhookSubject::Nothing,
        };
        assert_eq!(read.subject, expected, "{kind}");
        kinds.insert(kind);
    }
    for kind in ["account.updated", "account.application.deauthorized", "payout.paid"] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}

#[tokio::test]
async fn events_with_invalid_signatures_are_refused() {
    let fixture = Fixture::new().await;
    let event = fixture.simulator.events().into_iter().next().expect("an account was opened");
    assert_eq!(read(&fixture, "whsec_other", &event).await, Err(WebhookError::Signature));
    let body = event.to_string();
    let now = Timestamp::from_seconds(fixture.clock.now());
    assert_eq!(
        fixture.stripe.webhooks.read_webhook(&|_| None, body.as_bytes(), now).await,
        Err(WebhookError::Signature)
    );
    let old = signature_header(WEBHOOK_SECRET, now.seconds() - 301, &body);
    let headers = |_: &str| Some(old.clone());
    assert_eq!(
        fixture.stripe.webhooks.read_webhook(&headers, body.as_bytes(), now).await,
        Err(WebhookError::Stale)
    );
}
