//! Money taken at once or set aside first, and given back.

use app::payments::ports::PayWith;
use domain::payments::ledger::{Account, Balances, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, Plan};

use crate::world::{BUYER, VISA, World};

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_charge_and_its_full_refund() {
    let world = World::new().await;
    let mut payment = world.payment(Plan::Charge, 10_000, "EUR");
    let pay_with = world.open(&mut payment).await;
    assert!(matches!(&pay_with, PayWith::ClientSecret(secret) if secret.starts_with("pi_")), "{pay_with:?}");
    assert_eq!(world.status(&payment).await, IntentStatus::Open);
    assert_eq!(world.fetch_payment(&payment).await.pay_with, pay_with);

    assert!(world.pay(&payment, VISA));
    let fetched = world.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Succeeded, PayWith::Nothing));
    assert_eq!(world.requests_of_a_look(&payment).await, 1);
    world.agrees().await;
    let balances = Balances::of(&world.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 9_000);

    world.refund(&payment, 10_000, true, 1).await;
    assert_eq!(world.requests_of_a_look(&payment).await, 1);
    world.agrees().await;
    let balances = Balances::of(&world.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert_eq!(balances.get(Account::Client, payment.amount.currency()), 0);
    for movement in world.movements() {
        let known = movement.kind == MovementKind::ProcessingFee || movement.kind == MovementKind::FeeRefund;
        assert_eq!(movement.idempotency_key.is_none(), known, "{movement:?}");
    }
}

#[tokio::test]
async fn refunds_in_parts_to_the_last_unit() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_007, "EUR", VISA).await;
    // More than the ten that come with the charge.
    for ordinal in 1..=13 {
        world.refund(&payment, 769, true, ordinal).await;
        world.fetch_payment(&payment).await;
        world.agrees().await;
    }
    world.refund(&payment, 10, true, 14).await;
    // The refunds, the reversals and the fee refunds that did not come with the charge.
    assert_eq!(world.requests_of_a_look(&payment).await, 4);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Refund), (14, 10_007));
    let balances = Balances::of(&world.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert!(world.try_refund(&payment, 1, true, 15).await.is_err());
}

#[tokio::test]
async fn a_refund_that_the_expert_has_no_part_in() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    world.refund(&payment, 3_000, false, 1).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Reversal), (0, 0));
    // Then the expert's part is taken by an order of its own, with the fee.
    let part = payment.amount.with_amount(3_000).expect("small");
    world.stripe.charges.reverse(&payment, part, true, 1).await.expect("reversed");
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Reversal), (1, 3_000));
    assert_eq!(world.moved(MovementKind::FeeRefund), (1, 300));
}

#[tokio::test]
async fn an_authorisation_is_taken_in_part() {
    let world = World::new().await;
    let payment = world.paid(Plan::Authorise, 10_000, "EUR", VISA).await;
    let capture_before = match world.status(&payment).await {
        IntentStatus::Authorised { capture_before } => capture_before.seconds(),
        status => panic!("{status:?}"),
    };
    assert_eq!(capture_before, world.clock.now() + 7 * DAY);
    world.agrees().await;

    world.clock.advance(2 * DAY);
    let part = payment.amount.with_amount(6_001).expect("small");
    let fee = part.share(payment.fee_rate);
    world.stripe.charges.capture(&payment, part, fee).await.expect("captured");
    assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Captured), (1, 6_001));
    assert_eq!(world.moved(MovementKind::Released), (1, 3_999));
    assert_eq!(world.moved(MovementKind::Fee), (1, 600));
    assert_eq!(world.moved(MovementKind::Refund), (0, 0));
    // Asked again, and also with another amount, it is done.
    world.stripe.charges.capture(&payment, part, fee).await.expect("captured before");
    world.refund(&payment, 6_001, true, 1).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
}

#[tokio::test]
async fn an_authorisation_is_let_go() {
    let world = World::new().await;
    let payment = world.paid(Plan::Authorise, 10_000, "EUR", VISA).await;
    world.fetch_payment(&payment).await;
    world.stripe.charges.cancel(&payment).await.expect("cancelled");
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Released), (1, 10_000));
    assert_eq!(world.moved(MovementKind::Refund), (0, 0));
    world.stripe.charges.cancel(&payment).await.expect("nothing to do");
    let part = payment.amount;
    world.stripe.charges.capture(&payment, part, payment.fee()).await.expect("snapshot by looking");
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
}

#[tokio::test]
async fn an_authorisation_runs_out() {
    let world = World::new().await;
    let payment = world.paid(Plan::Authorise, 10_000, "EUR", VISA).await;
    world.fetch_payment(&payment).await;
    world.clock.advance(8 * DAY);
    assert_eq!(world.status(&payment).await, IntentStatus::Cancelled);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Authorised), (1, 10_000));
    assert_eq!(world.moved(MovementKind::Released), (1, 10_000));
}

#[tokio::test]
async fn what_was_taken_is_not_cancelled() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    world.stripe.charges.cancel(&payment).await.expect("too late is no error");
    assert_eq!(world.status(&payment).await, IntentStatus::Succeeded);
    let mut open = world.payment(Plan::Charge, 10_000, "EUR");
    open.appointment = domain::AppointmentId::from_bits(8);
    world.open(&mut open).await;
    world.stripe.charges.cancel(&open).await.expect("cancelled");
    let fetched = world.fetch_payment(&open).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Cancelled, PayWith::Nothing));
    assert_eq!(fetched.snapshot.movements, []);
}

#[tokio::test]
async fn declined_and_paid_anew() {
    let world = World::new().await;
    let mut payment = world.payment(Plan::Charge, 10_000, "EUR");
    world.open(&mut payment).await;
    for (card, why) in [
        ("4000000000009995", Decline::InsufficientFunds),
        ("4000000000000069", Decline::ExpiredCard),
        ("4000000000000127", Decline::WrongDetails),
        ("4000000000000119", Decline::TryLater),
        ("4000000000009987", Decline::Refused),
        ("4000000000009979", Decline::Refused),
    ] {
        assert!(!world.pay(&payment, card), "{card}");
        let fetched = world.fetch_payment(&payment).await;
        assert_eq!(
            (fetched.snapshot.status, fetched.snapshot.decline),
            (IntentStatus::Open, Some(why)),
            "{card}"
        );
        assert!(matches!(fetched.pay_with, PayWith::ClientSecret(_)));
        assert_eq!(fetched.snapshot.movements, [], "{card}");
    }
    assert!(world.pay(&payment, VISA));
    let fetched = world.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.snapshot.decline), (IntentStatus::Succeeded, None));
    world.agrees().await;
}

#[tokio::test]
async fn a_challenge_that_is_not_passed() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", "4000000000003220").await;
    assert_eq!(world.status(&payment).await, IntentStatus::Open);
    let intent = World::intent(&payment);
    assert!(world.simulator.authenticate(intent, false).is_err());
    let snapshot = world.fetch_payment(&payment).await.snapshot;
    assert_eq!(
        (snapshot.status, snapshot.decline),
        (IntentStatus::Open, Some(Decline::AuthenticationRequired))
    );
}

#[tokio::test]
async fn currencies_of_every_kind() {
    for (code, amount, part) in [("KWD", 12_340, 1_110), ("JPY", 10_001, 3_333), ("ISK", 10_000, 3_000)] {
        for plan in [Plan::Charge, Plan::Authorise] {
            let world = World::new().await;
            let payment = world.paid(plan, amount, code, VISA).await;
            world.fetch_payment(&payment).await;
            if plan == Plan::Authorise {
                world
                    .stripe
                    .charges
                    .capture(&payment, payment.amount, payment.fee())
                    .await
                    .expect("captured");
                world.fetch_payment(&payment).await;
            }
            world.agrees().await;
            assert_eq!(world.moved(MovementKind::Captured), (1, amount), "{code}");
            assert_eq!(world.moved(MovementKind::Fee), (1, payment.fee().amount()), "{code}");
            world.refund(&payment, part, true, 1).await;
            world.fetch_payment(&payment).await;
            world.agrees().await;
            world.refund(&payment, amount - part, true, 2).await;
            world.fetch_payment(&payment).await;
            world.agrees().await;
            let balances = Balances::of(&world.movements());
            assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0, "{code}");
        }
    }
}

#[tokio::test]
async fn what_no_card_can_be_charged_is_refused() {
    let world = World::new().await;
    for (code, amount) in [("KWD", 12_345), ("EUR", 1)] {
        let payment = world.payment(Plan::Charge, amount, code);
        let refused = world.stripe.charges.open(&payment, &BUYER).await;
        assert!(
            matches!(refused, Err(app::payments::ports::PaymentError::Refused { .. })),
            "{code}: {refused:?}"
        );
    }
}
