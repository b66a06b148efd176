//! Stripe's messages.

use std::collections::BTreeSet;

use app::payments::ports::{WebhookError, WebhookEvent, WebhookSubject};
use domain::Timestamp;
use domain::payments::payment::Plan;
use serde_json::Value;
use simulators::stripe::{LATER_AFTER, PayoutOutcome, signature_header};

use crate::saved_cards::{asked, saved};
use crate::world::{CONNECT_SECRET, VISA, WEBHOOK_SECRET, World};

async fn read(world: &World, secret: &str, event: &Value) -> Result<WebhookEvent, WebhookError> {
    let body = event.to_string();
    let now = world.clock.now();
    let signature = signature_header(secret, now, &body);
    let headers = |name: &str| (name == "stripe-signature").then(|| signature.clone());
    world.stripe.webhooks.read_webhook(&headers, body.as_bytes(), Timestamp::from_seconds(now)).await
}

#[tokio::test]
async fn every_message_of_a_payment_leads_to_it() {
    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let payment = asked(&world, &payment, 10_000, false).await;
    world.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    world.refund(&payment, 1_000, true, 1).await;
    let dispute = world.simulator.dispute(World::intent(&payment), None, "fraudulent").expect("disputed");
    world.clock.advance(LATER_AFTER);
    let appointment = payment.appointment;
    let mut led = BTreeSet::new();
    for event in world.simulator.events() {
        let WebhookEvent { id, subject } = read(&world, WEBHOOK_SECRET, &event).await.expect("an event");
        assert_eq!(id, event["id"]);
        if subject == (WebhookSubject::Payment { appointment }) {
            led.insert(event["type"].as_str().expect("a type").to_owned());
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
        assert!(led.contains(kind), "{kind} is not among {led:?}");
    }
    // Stripe sends it again when we could not find out what it is about.
    let event =
        world.simulator.events().into_iter().find(|event| event["data"]["object"]["id"] == dispute["id"]);
    let event = event.expect("told");
    world.switch(|switches| switches.fail_before_acting = 1);
    let failed = read(&world, WEBHOOK_SECRET, &event).await;
    assert!(matches!(failed, Err(WebhookError::Unavailable(_))), "{failed:?}");
    let mut strange = event.clone();
    strange["data"]["object"]["payment_intent"] = "pi_unheard_of".into();
    assert_eq!(
        read(&world, WEBHOOK_SECRET, &strange).await.map(|notice| notice.subject),
        Ok(WebhookSubject::Nothing)
    );
}

#[tokio::test]
async fn messages_about_accounts_come_with_their_own_secret() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    world.fetch_payment(&payment).await;
    world.simulator.pay_out(&world.account, None, None, PayoutOutcome::Paid).expect("paid out");
    world.simulator.deauthorize(&world.account).expect("left");
    let account = || world.account.clone();
    let mut told = BTreeSet::new();
    for event in world.simulator.events().iter().filter(|event| event["account"].is_string()) {
        let notice = read(&world, CONNECT_SECRET, event).await.expect("an event");
        let kind = event["type"].as_str().expect("a type").to_owned();
        let expected = match kind.split('.').next() {
            Some("account" | "capability") => WebhookSubject::Account { account: account() },
            Some("payout") => WebhookSubject::Payouts { account: account() },
            _ => WebhookSubject::Nothing,
        };
        assert_eq!(notice.subject, expected, "{kind}");
        told.insert(kind);
    }
    for kind in ["account.updated", "account.application.deauthorized", "payout.paid"] {
        assert!(told.contains(kind), "{kind} is not among {told:?}");
    }
}

#[tokio::test]
async fn messages_of_others_are_refused() {
    let world = World::new().await;
    let event = world.simulator.events().into_iter().next().expect("an account was opened");
    assert_eq!(read(&world, "whsec_other", &event).await, Err(WebhookError::Signature));
    let body = event.to_string();
    let now = Timestamp::from_seconds(world.clock.now());
    assert_eq!(
        world.stripe.webhooks.read_webhook(&|_| None, body.as_bytes(), now).await,
        Err(WebhookError::Signature)
    );
    let old = signature_header(WEBHOOK_SECRET, now.seconds() - 301, &body);
    let headers = |_: &str| Some(old.clone());
    assert_eq!(
        world.stripe.webhooks.read_webhook(&headers, body.as_bytes(), now).await,
        Err(WebhookError::Stale)
    );
}
