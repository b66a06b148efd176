//! Disputes, and refunds that fail.

use domain::payments::ledger::{Account, Balances, MovementKind};
use domain::payments::payment::Plan;
use simulators::stripe::{DisputeOutcome, LATER_AFTER};

use crate::fixture::{Fixture, VISA};

#[tokio::test]
async fn won_dispute_pays_the_expert_again() {
    let fixture = Fixture::new().await;
    fixture.earn().await;
    let before = fixture.movements().len();
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    let euros = |amount| payment.amount.with_amount(amount).expect("small");
    fixture.fetch_payment(&payment).await;
    fixture.clock.advance(60);
    let dispute = fixture.simulator.dispute(Fixture::intent(&payment), None, "fraudulent").expect("disputed");
    assert!(fixture.fetch_payment(&payment).await.snapshot.open_dispute);
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 2);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Dispute), (1, 10_000));
    assert_eq!(fixture.moved(MovementKind::DisputeFee).0, 1);

    fixture.stripe.charges.reverse(&payment, euros(10_000), true, 1).await.expect("reversed");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    let of_payment = |kind| {
        let amounts = fixture.movements().into_iter().skip(before).filter(|movement| movement.kind == kind);
        amounts.fold((0, 0), |(count, sum), movement| (count + 1, sum + movement.amount.amount()))
    };
    let expert = || {
        let balances = Balances::of(&fixture.movements()[before..]);
        balances.get(Account::Expert, payment.amount.currency())
    };
    assert_eq!(expert(), 0);

    fixture.clock.advance(60);
    let id = dispute["id"].as_str().expect("an id");
    fixture.simulator.close_dispute(id, DisputeOutcome::Won).expect("closed");
    assert!(!fixture.fetch_payment(&payment).await.snapshot.open_dispute);
    assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 3);
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::DisputeWon), (1, 10_000));

    fixture.stripe.charges.transfer(&payment, euros(9_000), 2).await.expect("transferred again");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!((of_payment(MovementKind::Transfer), expert()), ((2, 19_000), 9_000));

    // The charge's own transfer has nothing left, so the refund cannot reverse it.
    fixture.refund(&payment, 5_000, true, 1).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!((fixture.moved(MovementKind::Refund), expert()), ((1, 5_000), 9_000));
    fixture.stripe.charges.reverse(&payment, euros(4_500), false, 2).await.expect("of the later transfer");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!((fixture.moved(MovementKind::Reversal), expert()), ((2, 14_500), 4_500));
    // If no transfer has enough left, the rest is reversed.
    fixture.stripe.charges.reverse(&payment, euros(9_000), false, 3).await.expect("what is left");
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(expert(), 0);
    assert!(fixture.stripe.charges.reverse(&payment, euros(1), false, 4).await.is_err());
}

#[tokio::test]
async fn lost_dispute_is_charged_to_the_expert() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", "4000000000000259").await;
    fixture.fetch_payment(&payment).await;
    fixture.refund(&payment, 2_000, true, 1).await;
    fixture.clock.advance(LATER_AFTER);
    let snapshot = fixture.fetch_payment(&payment).await.snapshot;
    assert!(snapshot.open_dispute);
    assert_eq!(fixture.moved(MovementKind::Dispute), (1, 8_000));
    let disputed = snapshot.movements.iter().find(|movement| movement.kind == MovementKind::Dispute);
    let dispute = disputed.expect("withdrawn").object.clone();
    fixture.simulator.close_dispute(&dispute, DisputeOutcome::Lost).expect("closed");
    let rest = payment.amount.with_amount(8_000).expect("small");
    fixture.stripe.charges.reverse(&payment, rest, true, 1).await.expect("reversed");
    assert!(!fixture.fetch_payment(&payment).await.snapshot.open_dispute);
    fixture.assert_ledger_agrees().await;
    let balances = Balances::of(&fixture.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert_eq!(balances.get(Account::Client, payment.amount.currency()), 0);
    assert_eq!(fixture.moved(MovementKind::DisputeWon), (0, 0));
}

#[tokio::test]
async fn failed_refund_is_repeated() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", "4000000000005126").await;
    fixture.refund(&payment, 10_000, true, 1).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    fixture.clock.advance(LATER_AFTER);
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::RefundFailed), (1, 10_000));
    // The failed refund returned nothing to the expert, so the platform holds the whole amount and pays the new refund.
    fixture.refund(&payment, 10_000, false, 2).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Refund), (2, 20_000));
    assert_eq!(fixture.moved(MovementKind::Reversal), (1, 10_000));
}

#[tokio::test]
async fn pending_refund_succeeds_later() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", "4000000000007726").await;
    fixture.refund(&payment, 4_000, true, 1).await;
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(fixture.moved(MovementKind::Refund), (1, 4_000));
    fixture.clock.advance(LATER_AFTER);
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
    assert_eq!(
        (fixture.moved(MovementKind::Refund), fixture.moved(MovementKind::RefundFailed)),
        ((1, 4_000), (0, 0))
    );
}
