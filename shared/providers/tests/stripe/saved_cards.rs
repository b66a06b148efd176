//! Cards that are saved at booking and charged near the session.

use app::payments::ports::PayWith;
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{Decline, IntentStatus, Payment, Plan, References};

use crate::fixture::{Fixture, VISA};

/// A payment whose card is saved.
pub async fn saved(fixture: &Fixture, card: &str) -> Payment {
    let mut payment = fixture.payment(Plan::SaveCard, 10_000, "EUR");
    let pay_with = fixture.open(&mut payment).await;
    assert!(
        matches!(&pay_with, PayWith::ClientSecret(secret) if secret.starts_with("seti_")),
        "{pay_with:?}"
    );
    assert_eq!(fixture.status(&payment).await, IntentStatus::Open);
    if fixture.pay(&payment, card) && fixture.status(&payment).await == IntentStatus::Open {
        fixture.simulator.authenticate(Fixture::intent(&payment), true).expect("passed");
    }
    payment
}

/// The same after its card was charged.
pub async fn charged(fixture: &Fixture, payment: &Payment, amount: u64, at_once: bool) -> Payment {
    let request = Payment { intent_number: payment.intent_number + 1, ..payment.clone() };
    let amount = payment.amount.with_amount(amount).expect("small");
    let intent = fixture.stripe.charges.charge_saved_card(&request, amount, at_once).await.expect("charged");
    Payment { references: References { intent: Some(intent), ..payment.references.clone() }, ..request }
}

#[tokio::test]
async fn saved_card_is_authorized_and_captured() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let fetched = fixture.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::CardSaved, PayWith::None));
    // One request for the card, and one to find an intent that charges it.
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 2);

    fixture.clock.advance(20 * 86_400);
    let payment = charged(&fixture, &payment, 10_000, false).await;
    let holds =
        fixture.stripe.charges.capabilities().saved_card_authorization_validity.expect("cards are saved");
    match fixture.status(&payment).await {
        IntentStatus::Authorized { capture_before } => {
            assert_eq!(capture_before.seconds(), fixture.clock.now() + holds);
        }
        status => panic!("{status:?}"),
    }
    fixture.assert_ledger_agrees().await;
    fixture.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Captured), (1, 10_000));
}

#[tokio::test]
async fn saved_card_is_charged_a_part_at_once() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let payment = charged(&fixture, &payment, 2_550, true).await;
    assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Captured), (1, 2_550));
    assert_eq!(fixture.moved(MovementKind::Fee), (1, 255));
    assert_eq!(fixture.moved(MovementKind::Authorized), (0, 0));
}

#[tokio::test]
async fn bank_requires_authentication_by_the_client() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, "4000002760003184").await;
    assert_eq!(fixture.status(&payment).await, IntentStatus::CardSaved);
    let payment = charged(&fixture, &payment, 10_000, false).await;
    let fetched = fixture.fetch_payment(&payment).await;
    let decline = Some(Decline::AuthenticationRequired);
    assert_eq!((fetched.snapshot.status, fetched.snapshot.decline), (IntentStatus::Open, decline));
    assert!(matches!(&fetched.pay_with, PayWith::ClientSecret(secret) if secret.starts_with("pi_")));

    // The client pays the same intent and authenticates.
    assert!(fixture.pay(&payment, "4000002760003184"));
    fixture.simulator.authenticate(Fixture::intent(&payment), true).expect("passed");
    let snapshot = fixture.fetch_payment(&payment).await.snapshot;
    assert!(matches!(snapshot.status, IntentStatus::Authorized { .. }), "{snapshot:?}");
    assert_eq!(snapshot.decline, None);
    fixture.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn declined_saved_card_is_replaced_by_a_new_intent() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, "4000000000000341").await;
    let payment = charged(&fixture, &payment, 10_000, false).await;
    let snapshot = fixture.fetch_payment(&payment).await.snapshot;
    assert_eq!((snapshot.status, snapshot.decline), (IntentStatus::Open, Some(Decline::Refused)));

    fixture.stripe.charges.cancel(&payment).await.expect("cancelled");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
    let references = References { intent: None, ..payment.references.clone() };
    let mut reopened =
        Payment { plan: Plan::Authorize, intent_number: payment.intent_number + 1, references, ..payment };
    fixture.open(&mut reopened).await;
    assert!(reopened.references.setup.is_some() && reopened.references.customer.is_some());
    assert!(fixture.pay(&reopened, VISA));
    assert!(matches!(fixture.status(&reopened).await, IntentStatus::Authorized { .. }));
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn cancelling_detaches_the_card() {
    let fixture = Fixture::new().await;
    let saved_card = saved(&fixture, VISA).await;
    fixture.stripe.charges.cancel(&saved_card).await.expect("detached");
    let fetched = fixture.fetch_payment(&saved_card).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Cancelled, PayWith::None));
    fixture.stripe.charges.cancel(&saved_card).await.expect("nothing to do");
    let amount = saved_card.amount;
    assert!(fixture.stripe.charges.charge_saved_card(&saved_card, amount, false).await.is_err());

    let fixture = Fixture::new().await;
    let mut never_saved = fixture.payment(Plan::SaveCard, 10_000, "EUR");
    fixture.open(&mut never_saved).await;
    fixture.stripe.charges.cancel(&never_saved).await.expect("cancelled");
    assert_eq!(fixture.status(&never_saved).await, IntentStatus::Cancelled);
    fixture.stripe.charges.cancel(&never_saved).await.expect("nothing to do");

    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let authorized = charged(&fixture, &payment, 10_000, false).await;
    fixture.fetch_payment(&authorized).await;
    fixture.stripe.charges.cancel(&authorized).await.expect("released and detached");
    assert_eq!(fixture.status(&authorized).await, IntentStatus::Cancelled);
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
    fixture.assert_ledger_agrees().await;
}
