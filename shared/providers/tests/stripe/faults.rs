//! Answers that are lost, keys that are forgotten: everything is done once.

use app::payments::ports::{PaymentError, PaymentGateway};
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{IntentStatus, Payment, Plan};
use simulators::stripe::DisputeOutcome;

use crate::saved_cards::{asked, saved};
use crate::world::{BUYER, VISA, World};

fn unavailable<T: std::fmt::Debug>(result: Result<T, PaymentError>) {
    assert!(matches!(result, Err(PaymentError::Unavailable(_) | PaymentError::Failed(_))), "{result:?}");
}

/// Runs an order whose answer is lost, then runs it again; with `forget`, after Stripe forgot its key.
macro_rules! twice {
    ($world:expr, $forget:expr, $order:expr) => {{
        $world.lose_answers_to_orders(1);
        unavailable($order.await);
        if $forget {
            $world.switch(|switches| switches.prune_keys = true);
        }
        $order.await.expect("the second time")
    }};
}

#[tokio::test]
async fn opened_once() {
    let world = World::new().await;
    let payment = world.payment(Plan::Charge, 10_000, "EUR");
    let opened = twice!(world, false, world.stripe.open(&payment, &BUYER));
    assert_eq!(world.stripe.open(&payment, &BUYER).await, Ok(opened));
    let saved = world.payment(Plan::SaveCard, 10_000, "EUR");
    world.lose_answers_to_orders(2);
    unavailable(world.stripe.open(&saved, &BUYER).await);
    unavailable(world.stripe.open(&saved, &BUYER).await);
    let opened = world.stripe.open(&saved, &BUYER).await.expect("the third time");
    assert_eq!(world.stripe.open(&saved, &BUYER).await, Ok(opened));
    let count = |kind: &str| {
        let events = world.simulator.events();
        events.iter().filter(|event| event["type"] == kind).count()
    };
    let made = ["payment_intent.created", "customer.created", "setup_intent.created"];
    assert_eq!(made.map(count), [1, 1, 1]);
}

#[tokio::test]
async fn opened_anew_once() {
    for forget in [false, true] {
        let world = World::new().await;
        let payment = saved(&world, VISA).await;
        let anew = Payment { plan: Plan::Authorise, intents: 3, ..payment };
        let opened = twice!(world, forget, world.stripe.open(&anew, &BUYER));
        assert_eq!(
            world.stripe.open(&anew, &BUYER).await.map(|opened| opened.references),
            Ok(opened.references)
        );
        let intents = world.simulator.events();
        assert_eq!(intents.iter().filter(|event| event["type"] == "payment_intent.created").count(), 1);
    }
}

#[tokio::test]
async fn a_saved_card_is_asked_once() {
    for (forget, card) in
        [(false, VISA), (true, VISA), (false, "4000000000000341"), (true, "4000000000000341")]
    {
        let world = World::new().await;
        let payment = saved(&world, card).await;
        let wanted = Payment { intents: 2, ..payment.clone() };
        world.lose_answers_to_orders(1);
        unavailable(world.stripe.use_saved_card(&wanted, payment.amount, false).await);
        if forget {
            world.switch(|switches| switches.prune_keys = true);
        }
        // Who looks finds what nobody could note.
        let fetched = world.stripe.fetch_payment(&payment).await.expect("fetched");
        let noted = payment.with_intent(fetched.unrecorded_intent.expect("it is there"));
        let again = world.stripe.fetch_payment(&noted).await.expect("fetched");
        assert_eq!((again.unrecorded_intent, &again.snapshot), (None, &fetched.snapshot));
        match fetched.snapshot.status {
            IntentStatus::Authorised { .. } if card == VISA => {}
            IntentStatus::Open if card != VISA => assert!(fetched.snapshot.decline.is_some()),
            status => panic!("{status:?}"),
        }
        let charges = world.simulator.events();
        let asked = charges.iter().filter(|event| event["data"]["object"]["object"] == "charge").count();
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn what_a_saved_card_was_asked_for_is_found_also_after_a_refusal() {
    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let wanted = Payment { intents: 2, ..payment.clone() };
    world.lose_answers_to_orders(1);
    unavailable(world.stripe.use_saved_card(&wanted, payment.amount, true).await);
    // Nobody knows of it, a part is given back meanwhile, and the same key is refused for the other amount.
    let less = payment.amount.with_amount(5_000).expect("an amount");
    let refused = world.stripe.use_saved_card(&wanted, less, true).await;
    assert!(matches!(&refused, Err(PaymentError::NotNow { .. })), "{refused:?}");
    let refused = Payment { refusals: 1, ..payment };
    let fetched = world.stripe.fetch_payment(&refused).await.expect("fetched");
    assert!(fetched.unrecorded_intent.is_some(), "{fetched:?}");
    assert_eq!(fetched.snapshot.status, IntentStatus::Succeeded);
}

#[tokio::test]
async fn captured_once() {
    for forget in [false, true] {
        let world = World::new().await;
        let payment = world.paid(Plan::Authorise, 10_000, "EUR", VISA).await;
        twice!(world, forget, world.stripe.capture(&payment, payment.amount, payment.fee()));
        assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
        world.agrees().await;
        assert_eq!(world.moved(MovementKind::Captured), (1, 10_000));
    }
}

#[tokio::test]
async fn refunded_once() {
    for forget in [false, true] {
        let world = World::new().await;
        let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
        for ordinal in 1..=2 {
            twice!(world, forget, world.try_refund(&payment, 2_500, true, ordinal));
        }
        world.fetch_payment(&payment).await;
        world.agrees().await;
        assert_eq!(world.moved(MovementKind::Refund), (2, 5_000));
    }
}

#[tokio::test]
async fn reversed_and_transferred_once() {
    for forget in [false, true] {
        let world = World::new().await;
        world.earn().await;
        let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
        let dispute = world.simulator.dispute(World::intent(&payment), None, "fraudulent").expect("disputed");
        twice!(world, forget, world.stripe.reverse(&payment, payment.amount, true, 1));
        let id = dispute["id"].as_str().expect("an id");
        world.simulator.close_dispute(id, DisputeOutcome::Won).expect("closed");
        let again = payment.amount.with_amount(9_000).expect("small");
        twice!(world, forget, world.stripe.transfer(&payment, again, 2));
        twice!(world, forget, world.stripe.reverse(&payment, again, false, 2));
        world.fetch_payment(&payment).await;
        world.agrees().await;
        assert_eq!(world.moved(MovementKind::Reversal), (2, 19_000));
        assert_eq!(world.moved(MovementKind::Transfer), (3, 119_000));
    }
}

#[tokio::test]
async fn cancelled_and_forgotten_however_often() {
    let world = World::new().await;
    let payment = saved(&world, VISA).await;
    let payment = asked(&world, &payment, 10_000, false).await;
    // The cancellation of the intent, that of the setup intent, and the detaching.
    for _ in 0..3 {
        world.lose_answers_to_orders(1);
        unavailable(world.stripe.cancel(&payment).await);
    }
    world.stripe.cancel(&payment).await.expect("in the end");
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
}

#[tokio::test]
async fn stripe_fails_before_and_after_it_acts() {
    let world = World::new().await;
    let payment = world.paid(Plan::Authorise, 10_000, "EUR", VISA).await;
    let capture = || world.stripe.capture(&payment, payment.amount, payment.fee());
    world.switch(|switches| switches.rate_limit = 1);
    unavailable(capture().await);
    world.switch(|switches| switches.fail_before_acting = 1);
    unavailable(capture().await);
    assert!(matches!(world.status(&payment).await, IntentStatus::Authorised { .. }));
    world.switch(|switches| switches.fail_after_acting = 1);
    unavailable(capture().await);
    // Its key answers 500 for a day; what became of it is seen by looking.
    unavailable(capture().await);
    assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
    world.switch(|switches| switches.lose_responses = 1);
    unavailable(world.stripe.fetch_payment(&payment).await);
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Captured), (1, 10_000));
}
