//! Charges, authorizations and refunds.

use app::payments::ports::PayWith;
use domain::payments::ledger::{Account, Balances, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, Plan};

use crate::fixture::{BUYER, Fixture, VISA};

const DAY: i64 = 86_400;

#[tokio::test]
async fn charge_and_full_refund_balance() {
    let fixture = Fixture::new().await;
    let mut payment = fixture.payment(Plan::Charge, 10_000, "EUR");
    let pay_with = fixture.open(&mut payment).await;
    assert!(matches!(&pay_with, PayWith::ClientSecret(secret) if secret.starts_with("pi_")), "{pay_with:?}");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Open);
    assert_eq!(fixture.fetch_payment(&payment).await.pay_with, pay_with);

    assert!(fixture.pay(&payment, VISA));
    let fetched = fixture.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Succeeded, PayWith::None));
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 1);
    fixture.assert_ledger_agrees().await;
    let balances = Balances::of(&fixture.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 9_000);

    fixture.refund(&payment, 10_000, true, 1).await;
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 1);
    fixture.assert_ledger_agrees().await;
    let balances = Balances::of(&fixture.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert_eq!(balances.get(Account::Client, payment.amount.currency()), 0);
    for movement in fixture.movements() {
        let known = movement.kind == MovementKind::ProcessingFee || movement.kind == MovementKind::FeeRefund;
        assert_eq!(movement.idempotency_key.is_none(), known, "{movement:?}");
    }
}

#[tokio::test]
async fn partial_refunds_add_up_to_the_charge() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_007, "EUR", VISA).await;
    // More than the ten that come with the charge.
    for ordinal in 1..=13 {
        fixture.refund(&payment, 769, true, ordinal).await;
        fixture.fetch_payment(&payment).await;
        fixture.assert_ledger_agrees().await;
    }
    fixture.refund(&payment, 10, true, 14).await;
    // The refunds, the reversals and the fee refunds that did not come with the charge.
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 4);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Refund), (14, 10_007));
    let balances = Balances::of(&fixture.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert!(fixture.try_refund(&payment, 1, true, 15).await.is_err());
}

#[tokio::test]
async fn refund_without_the_expert_leaves_the_transfer() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    fixture.refund(&payment, 3_000, false, 1).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Reversal), (0, 0));
    // A separate order takes the expert's share back, and refunds the fee.
    let part = payment.amount.with_amount(3_000).expect("small");
    fixture.stripe.charges.reverse(&payment, part, true, 1).await.expect("reversed");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Reversal), (1, 3_000));
    assert_eq!(fixture.moved(MovementKind::FeeRefund), (1, 300));
}

#[tokio::test]
async fn authorization_is_captured_in_part() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Authorize, 10_000, "EUR", VISA).await;
    let capture_before = match fixture.status(&payment).await {
        IntentStatus::Authorized { capture_before } => capture_before.seconds(),
        status => panic!("{status:?}"),
    };
    assert_eq!(capture_before, fixture.clock.now() + 7 * DAY);
    fixture.assert_ledger_agrees().await;

    fixture.clock.advance(2 * DAY);
    let part = payment.amount.with_amount(6_001).expect("small");
    let fee = part.apply_rate(payment.fee_rate);
    fixture.stripe.charges.capture(&payment, part, fee).await.expect("captured");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Captured), (1, 6_001));
    assert_eq!(fixture.moved(MovementKind::Released), (1, 3_999));
    assert_eq!(fixture.moved(MovementKind::Fee), (1, 600));
    assert_eq!(fixture.moved(MovementKind::Refund), (0, 0));
    // Another capture has no effect.
    fixture.stripe.charges.capture(&payment, part, fee).await.expect("captured before");
    fixture.refund(&payment, 6_001, true, 1).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn authorization_is_released_by_cancelling() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Authorize, 10_000, "EUR", VISA).await;
    fixture.fetch_payment(&payment).await;
    fixture.stripe.charges.cancel(&payment).await.expect("cancelled");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Released), (1, 10_000));
    assert_eq!(fixture.moved(MovementKind::Refund), (0, 0));
    fixture.stripe.charges.cancel(&payment).await.expect("nothing to do");
    let part = payment.amount;
    fixture.stripe.charges.capture(&payment, part, payment.fee()).await.expect("too late is not an error");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
}

#[tokio::test]
async fn authorization_expires() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Authorize, 10_000, "EUR", VISA).await;
    fixture.fetch_payment(&payment).await;
    fixture.clock.advance(8 * DAY);
    assert_eq!(fixture.status(&payment).await, IntentStatus::Cancelled);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Authorized), (1, 10_000));
    assert_eq!(fixture.moved(MovementKind::Released), (1, 10_000));
}

#[tokio::test]
async fn captured_payment_is_not_cancelled() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    fixture.stripe.charges.cancel(&payment).await.expect("too late is not an error");
    assert_eq!(fixture.status(&payment).await, IntentStatus::Succeeded);
    let mut open = fixture.payment(Plan::Charge, 10_000, "EUR");
    open.appointment = domain::AppointmentId::from_bits(8);
    fixture.open(&mut open).await;
    fixture.stripe.charges.cancel(&open).await.expect("cancelled");
    let fetched = fixture.fetch_payment(&open).await;
    assert_eq!((fetched.snapshot.status, fetched.pay_with), (IntentStatus::Cancelled, PayWith::None));
    assert_eq!(fetched.snapshot.movements, []);
}

#[tokio::test]
async fn declined_payment_can_be_paid_with_another_card() {
    let fixture = Fixture::new().await;
    let mut payment = fixture.payment(Plan::Charge, 10_000, "EUR");
    fixture.open(&mut payment).await;
    for (card, reason) in [
        ("4000000000009995", Decline::InsufficientFunds),
        ("4000000000000069", Decline::ExpiredCard),
        ("4000000000000127", Decline::WrongDetails),
        ("4000000000000119", Decline::TryLater),
        ("4000000000009987", Decline::Refused),
        ("4000000000009979", Decline::Refused),
    ] {
        assert!(!fixture.pay(&payment, card), "{card}");
        let fetched = fixture.fetch_payment(&payment).await;
        assert_eq!(
            (fetched.snapshot.status, fetched.snapshot.decline),
            (IntentStatus::Open, Some(reason)),
            "{card}"
        );
        assert!(matches!(fetched.pay_with, PayWith::ClientSecret(_)));
        assert_eq!(fetched.snapshot.movements, [], "{card}");
    }
    assert!(fixture.pay(&payment, VISA));
    let fetched = fixture.fetch_payment(&payment).await;
    assert_eq!((fetched.snapshot.status, fetched.snapshot.decline), (IntentStatus::Succeeded, None));
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn failed_authentication_leaves_the_intent_open() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", "4000000000003220").await;
    assert_eq!(fixture.status(&payment).await, IntentStatus::Open);
    let intent = Fixture::intent(&payment);
    assert!(fixture.simulator.authenticate(intent, false).is_err());
    let snapshot = fixture.fetch_payment(&payment).await.snapshot;
    assert_eq!(
        (snapshot.status, snapshot.decline),
        (IntentStatus::Open, Some(Decline::AuthenticationRequired))
    );
}

#[tokio::test]
async fn currencies_with_other_units_balance() {
    for (code, amount, part) in [("KWD", 12_340, 1_110), ("JPY", 10_001, 3_333), ("ISK", 10_000, 3_000)] {
        for plan in [Plan::Charge, Plan::Authorize] {
            let fixture = Fixture::new().await;
            let payment = fixture.paid(plan, amount, code, VISA).await;
            fixture.fetch_payment(&payment).await;
            if plan == Plan::Authorize {
                fixture
                    .stripe
                    .charges
                    .capture(&payment, payment.amount, payment.fee())
                    .await
                    .expect("captured");
                fixture.fetch_payment(&payment).await;
            }
            fixture.assert_ledger_agrees().await;
            assert_eq!(fixture.moved(MovementKind::Captured), (1, amount), "{code}");
            assert_eq!(fixture.moved(MovementKind::Fee), (1, payment.fee().amount()), "{code}");
            fixture.refund(&payment, part, true, 1).await;
            fixture.fetch_payment(&payment).await;
            fixture.assert_ledger_agrees().await;
            fixture.refund(&payment, amount - part, true, 2).await;
            fixture.fetch_payment(&payment).await;
            fixture.assert_ledger_agrees().await;
            let balances = Balances::of(&fixture.movements());
            assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0, "{code}");
        }
    }
}

#[tokio::test]
async fn amount_that_cards_cannot_be_charged_is_refused() {
    let fixture = Fixture::new().await;
    for (code, amount) in [("KWD", 12_345), ("EUR", 1)] {
        let payment = fixture.payment(Plan::Charge, amount, code);
        let refused = fixture.stripe.charges.open(&payment, &BUYER).await;
        assert!(
            matches!(refused, Err(app::payments::ports::GatewayError::Refused { .. })),
            "{code}: {refused:?}"
        );
    }
}
