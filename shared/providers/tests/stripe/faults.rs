//! Lost responses and deleted idempotency keys: every order still has one effect.

use app::payments::ports::GatewayError;
use domain::payments::ledger::MovementKind;
use domain::payments::payment::{IntentStatus, Payment, Plan};
use simulators::stripe::DisputeOutcome;

use crate::fixture::{BUYER, Fixture, VISA};
use crate::payouts;
use crate::saved_cards::{charged, saved};

fn unavailable<T: std::fmt::Debug>(result: Result<T, GatewayError>) {
    assert!(matches!(result, Err(GatewayError::Unavailable(_) | GatewayError::Failed(_))), "{result:?}");
}

/// Sends an order whose response is lost, then sends it again. With `forget`, Stripe deletes the key in between.
macro_rules! twice {
    ($fixture:expr, $forget:expr, $order:expr) => {{
        $fixture.lose_responses_to_orders(1);
        unavailable($order.await);
        if $forget {
            $fixture.switch(|switches| switches.clear_idempotency_keys = true);
        }
        $order.await.expect("the second time")
    }};
}

#[tokio::test]
async fn payment_is_opened_once() {
    let fixture = Fixture::new().await;
    let payment = fixture.payment(Plan::Charge, 10_000, "EUR");
    let opened = twice!(fixture, false, fixture.stripe.charges.open(&payment, &BUYER));
    assert_eq!(fixture.stripe.charges.open(&payment, &BUYER).await, Ok(opened));
    let saved = fixture.payment(Plan::SaveCard, 10_000, "EUR");
    fixture.lose_responses_to_orders(2);
    unavailable(fixture.stripe.charges.open(&saved, &BUYER).await);
    unavailable(fixture.stripe.charges.open(&saved, &BUYER).await);
    let opened = fixture.stripe.charges.open(&saved, &BUYER).await.expect("the third time");
    assert_eq!(fixture.stripe.charges.open(&saved, &BUYER).await, Ok(opened));
    let count = |kind: &str| {
        let events = fixture.simulator.events();
        events.iter().filter(|event| event["type"] == kind).count()
    };
    let created = ["payment_intent.created", "customer.created", "setup_intent.created"];
    assert_eq!(created.map(count), [1, 1, 1]);
}

#[tokio::test]
async fn further_intent_is_created_once() {
    for forget in [false, true] {
        let fixture = Fixture::new().await;
        let payment = saved(&fixture, VISA).await;
        let reopened = Payment { plan: Plan::Authorize, intent_number: 3, ..payment };
        let opened = twice!(fixture, forget, fixture.stripe.charges.open(&reopened, &BUYER));
        assert_eq!(
            fixture.stripe.charges.open(&reopened, &BUYER).await.map(|opened| opened.references),
            Ok(opened.references)
        );
        let intents = fixture.simulator.events();
        assert_eq!(intents.iter().filter(|event| event["type"] == "payment_intent.created").count(), 1);
    }
}

#[tokio::test]
async fn saved_card_is_charged_once() {
    for (forget, card) in
        [(false, VISA), (true, VISA), (false, "4000000000000341"), (true, "4000000000000341")]
    {
        let fixture = Fixture::new().await;
        let payment = saved(&fixture, card).await;
        let request = Payment { intent_number: 2, ..payment.clone() };
        fixture.lose_responses_to_orders(1);
        unavailable(fixture.stripe.charges.charge_saved_card(&request, payment.amount, false).await);
        if forget {
            fixture.switch(|switches| switches.clear_idempotency_keys = true);
        }
        // The snapshot shows the intent that could not be recorded.
        let fetched = fixture.stripe.charges.fetch_payment(&payment).await.expect("fetched");
        let recorded = payment.with_intent(fetched.unrecorded_intent.expect("it is there"));
        let again = fixture.stripe.charges.fetch_payment(&recorded).await.expect("fetched");
        assert_eq!((again.unrecorded_intent, &again.snapshot), (None, &fetched.snapshot));
        match fetched.snapshot.status {
            IntentStatus::Authorized { .. } if card == VISA => {}
            IntentStatus::Open if card != VISA => assert!(fetched.snapshot.decline.is_some()),
            status => panic!("{status:?}"),
        }
        let charges = fixture.simulator.events();
        let attempts = charges.iter().filter(|event| event["data"]["object"]["object"] == "charge").count();
        assert_eq!(attempts, 1);
    }
}

#[tokio::test]
async fn charge_of_a_saved_card_is_found_after_a_refusal() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let request = Payment { intent_number: 2, ..payment.clone() };
    fixture.lose_responses_to_orders(1);
    unavailable(fixture.stripe.charges.charge_saved_card(&request, payment.amount, true).await);
    // The intent is not recorded, the amount is reduced meanwhile, and Stripe refuses the same key with another amount.
    let less = payment.amount.with_amount(5_000).expect("an amount");
    let refused = fixture.stripe.charges.charge_saved_card(&request, less, true).await;
    assert!(matches!(&refused, Err(GatewayError::NotNow { .. })), "{refused:?}");
    let refused = Payment { refusals: 1, ..payment };
    let fetched = fixture.stripe.charges.fetch_payment(&refused).await.expect("fetched");
    assert!(fetched.unrecorded_intent.is_some(), "{fetched:?}");
    assert_eq!(fetched.snapshot.status, IntentStatus::Succeeded);
}

#[tokio::test]
async fn authorization_is_captured_once() {
    for forget in [false, true] {
        let fixture = Fixture::new().await;
        let payment = fixture.paid(Plan::Authorize, 10_000, "EUR", VISA).await;
        twice!(fixture, forget, fixture.stripe.charges.capture(&payment, payment.amount, payment.fee()));
        assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
        fixture.assert_ledger_agrees().await;
        assert_eq!(fixture.moved(MovementKind::Captured), (1, 10_000));
    }
}

#[tokio::test]
async fn refund_has_one_effect() {
    for forget in [false, true] {
        let fixture = Fixture::new().await;
        let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
        for ordinal in 1..=2 {
            twice!(fixture, forget, fixture.try_refund(&payment, 2_500, true, ordinal));
        }
        fixture.fetch_payment(&payment).await;
        fixture.assert_ledger_agrees().await;
        assert_eq!(fixture.moved(MovementKind::Refund), (2, 5_000));
    }
}

#[tokio::test]
async fn reversal_and_transfer_have_one_effect() {
    for forget in [false, true] {
        let fixture = Fixture::new().await;
        fixture.earn().await;
        let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
        let dispute =
            fixture.simulator.dispute(Fixture::intent(&payment), None, "fraudulent").expect("disputed");
        twice!(fixture, forget, fixture.stripe.charges.reverse(&payment, payment.amount, true, 1));
        let id = dispute["id"].as_str().expect("an id");
        fixture.simulator.close_dispute(id, DisputeOutcome::Won).expect("closed");
        let again = payment.amount.with_amount(9_000).expect("small");
        twice!(fixture, forget, fixture.stripe.charges.transfer(&payment, again, 2));
        twice!(fixture, forget, fixture.stripe.charges.reverse(&payment, again, false, 2));
        fixture.fetch_payment(&payment).await;
        fixture.assert_ledger_agrees().await;
        assert_eq!(fixture.moved(MovementKind::Reversal), (2, 19_000));
        assert_eq!(fixture.moved(MovementKind::Transfer), (3, 119_000));
    }
}

#[tokio::test]
async fn payout_and_taking_it_back_have_one_effect() {
    for forget in [false, true] {
        let fixture = Fixture::new().await;
        let payment = payouts::held(&fixture, Plan::Charge).await;
        let share = |amount, fee| payouts::share(&payment, amount, fee);
        twice!(fixture, forget, fixture.stripe.charges.pay_out(&payment, share(10_000, 1_000), 1));
        twice!(fixture, forget, fixture.stripe.charges.take_back(&payment, share(5_000, 500), 1));
        assert_eq!(payouts::expert(&fixture, &payment).await, 4_500);
        assert_eq!(fixture.moved(MovementKind::Transfer), (1, 10_000));
        assert_eq!(fixture.moved(MovementKind::Reversal), (1, 5_000));
    }
}

#[tokio::test]
async fn cancelling_can_be_repeated_until_it_succeeds() {
    let fixture = Fixture::new().await;
    let payment = saved(&fixture, VISA).await;
    let payment = charged(&fixture, &payment, 10_000, false).await;
    // Cancelling takes three requests: for the intent, the setup intent and the card.
    for _ in 0..3 {
        fixture.lose_responses_to_orders(1);
        unavailable(fixture.stripe.charges.cancel(&payment).await);
    }
    fixture.stripe.charges.cancel(&payment).await.expect("in the end");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
}

#[tokio::test]
async fn internal_error_before_or_after_acting_is_found_by_fetching() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Authorize, 10_000, "EUR", VISA).await;
    let capture = || fixture.stripe.charges.capture(&payment, payment.amount, payment.fee());
    fixture.switch(|switches| switches.rate_limit = 1);
    unavailable(capture().await);
    fixture.switch(|switches| switches.fail_before_acting = 1);
    unavailable(capture().await);
    assert!(matches!(fixture.status(&payment).await, IntentStatus::Authorized { .. }));
    fixture.switch(|switches| switches.fail_after_acting = 1);
    unavailable(capture().await);
    // Stripe replays status 500 for the same key for a day. Fetching the payment shows that it acted.
    unavailable(capture().await);
    assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
    fixture.switch(|switches| switches.lose_responses = 1);
    unavailable(fixture.stripe.charges.fetch_payment(&payment).await);
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Captured), (1, 10_000));
}
