//! A card saved at booking, and asked near the time.

use app::payments::ports::PayWith;
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{Decline, IntentStatus, Payment, Plan, References};

use crate::world::{VISA, World};

/// A payment whose card is saved.
pub async fn saved(world: &World, card: &str) -> Payment {
    let mut payment = world.payment(Plan::SaveCard, 10_000, "EUR");
    let pay_with = world.open(&mut payment).await;
    assert!(
        matches!(&pay_with, PayWith::ClientSecret(secret) if secret.starts_with("seti_")),
        "{pay_with:?}"
    );
    assert_eq!(world.status(&payment).await, IntentStatus::Open);
    if world.pay(&payment, card) && world.status(&payment).await == IntentStatus::Open {
        world.simulator.authenticate(World::intent(&payment), true).expect("passed");
    }
    payment
}

/// The same once its card was asked.
pub async fn asked(world: &World, payment: &Payment, amount: u64, at_once: bool) -> Payment {
    let wanted = Payment { intents: payment.intents + 1, ..payment.clone() };
    let amount = payment.amount.with_amount(amount).expect("small");
    let intent = world.stripe.charges.use_saved_card(&wanted, amount, at_once).await.expect("asked");
    Payment { references: References { intent: Some(intent), ..payment.references.clone() }, ..wanted }
}

#[tokio::test]
async fn saved_authorised_and_taken() {
    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let fetched = world.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::CardSaved, PayWith::Nothing));
    // The card, and whether it was asked.
    assert_eq!(world.requests_of_a_look(&payment).await, 2);

    world.clock.advance(20 * 86_400);
    let payment = asked(&world, &payment, 10_000, false).await;
    let holds = world.stripe.charges.capabilities().later_authorisation_holds.expect("cards are saved");
    match world.status(&payment).await {
        IntentStatus::Authorised { capture_before } => {
            assert_eq!(capture_before.seconds(), world.clock.now() + holds);
        }
        status => panic!("{status:?}"),
    }
    world.agrees().await;
    world.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Captured), (1, 10_000));
}

#[tokio::test]
async fn a_part_is_taken_at_once() {
    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let payment = asked(&world, &payment, 2_550, true).await;
    assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Captured), (1, 2_550));
    assert_eq!(world.moved(MovementKind::Fee), (1, 255));
    assert_eq!(world.moved(MovementKind::Authorised), (0, 0));
}

#[tokio::test]
async fn the_bank_wants_to_hear_from_the_client() {
    let world = World::new().await;
    let payment = saved(&world, "4000002760003184").await;
    assert_eq!(world.status(&payment).await, IntentStatus::CardSaved);
    let payment = asked(&world, &payment, 10_000, false).await;
    let fetched = world.fetch_payment(&payment).await;
    let decline = Some(Decline::AuthenticationRequired);
    assert_eq!((fetched.snapshot.status, fetched.snapshot.decline), (IntentStatus::Open, decline));
    assert!(matches!(&fetched.pay_with, PayWith::ClientSecret(secret) if secret.starts_with("pi_")));

    // The same intent is paid with the client there.
    assert!(world.pay(&payment, "4000002760003184"));
    world.simulator.authenticate(World::intent(&payment), true).expect("passed");
    let snapshot = world.fetch_payment(&payment).await.snapshot;
    assert!(matches!(snapshot.status, IntentStatus::Authorised { .. }), "{snapshot:?}");
    assert_eq!(snapshot.decline, None);
    world.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
    world.fetch_payment(&payment).await;
    world.agrees().await;
}

#[tokio::test]
async fn a_declined_card_and_an_intent_anew() {
    let world = World::new().await;
    let payment = saved(&world, "4000000000000341").await;
    let payment = asked(&world, &payment, 10_000, false).await;
    let snapshot = world.fetch_payment(&payment).await.snapshot;
    assert_eq!((snapshot.status, snapshot.decline), (IntentStatus::Open, Some(Decline::Refused)));

    world.stripe.charges.cancel(&payment).await.expect("cancelled");
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
    let references = References { intent: None, ..payment.references.clone() };
    let mut anew = Payment { plan: Plan::Authorise, intents: payment.intents + 1, references, ..payment };
    world.open(&mut anew).await;
    assert!(anew.references.setup.is_some() && anew.references.customer.is_some());
    assert!(world.pay(&anew, VISA));
    assert!(matches!(world.status(&anew).await, IntentStatus::Authorised { .. }));
    world.agrees().await;
}

#[tokio::test]
async fn a_card_is_forgotten() {
    let world = World::new().await;
    let saved_card = saved(&world, VISA).await;
    world.stripe.charges.cancel(&saved_card).await.expect("forgotten");
    let fetched = world.fetch_payment(&saved_card).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Cancelled, PayWith::Nothing));
    world.stripe.charges.cancel(&saved_card).await.expect("nothing to do");
    let amount = saved_card.amount;
    assert!(world.stripe.charges.use_saved_card(&saved_card, amount, false).await.is_err());

    let world = World::new().await;
    let mut never_saved = world.payment(Plan::SaveCard, 10_000, "EUR");
    world.open(&mut never_saved).await;
    world.stripe.charges.cancel(&never_saved).await.expect("cancelled");
    assert_eq!(world.status(&never_saved).await, IntentStatus::Cancelled);
    world.stripe.charges.cancel(&never_saved).await.expect("nothing to do");

    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let authorised = asked(&world, &payment, 10_000, false).await;
    world.fetch_payment(&authorised).await;
    world.stripe.charges.cancel(&authorised).await.expect("let go and forgotten");
    assert_eq!(world.status(&authorised).await, IntentStatus::Cancelled);
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
    world.agrees().await;
}
