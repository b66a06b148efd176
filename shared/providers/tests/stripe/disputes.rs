//! Payments that the client's bank takes back, and refunds that it does not take.

use domain::payments::ledger::{Account, Balances, MovementKind};
use domain::payments::payment::Plan;
use simulators::stripe::{DisputeOutcome, LATER_AFTER};

use crate::world::{VISA, World};

#[tokio::test]
async fn a_dispute_is_won_and_the_expert_paid_again() {
    let world = World::new().await;
    world.earn().await;
    let before = world.movements().len();
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    let euros = |amount| payment.amount.with_amount(amount).expect("small");
    world.fetch_payment(&payment).await;
    world.clock.advance(60);
    let dispute = world.simulator.dispute(World::intent(&payment), None, "fraudulent").expect("disputed");
    assert!(world.fetch_payment(&payment).await.snapshot.open_dispute);
    assert_eq!(world.requests_of_a_look(&payment).await, 2);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Dispute), (1, 10_000));
    assert_eq!(world.moved(MovementKind::DisputeFee).0, 1);

    world.stripe.charges.reverse(&payment, euros(10_000), true, 1).await.expect("reversed");
    world.fetch_payment(&payment).await;
    world.agrees().await;
    let of_payment = |kind| {
        let amounts = world.movements().into_iter().skip(before).filter(|movement| movement.kind == kind);
        amounts.fold((0, 0), |(count, sum), movement| (count + 1, sum + movement.amount.amount()))
    };
    let expert = || {
        let balances = Balances::of(&world.movements()[before..]);
        balances.get(Account::Expert, payment.amount.currency())
    };
    assert_eq!(expert(), 0);

    world.clock.advance(60);
    let id = dispute["id"].as_str().expect("an id");
    world.simulator.close_dispute(id, DisputeOutcome::Won).expect("closed");
    assert!(!world.fetch_payment(&payment).await.snapshot.open_dispute);
    assert_eq!(world.requests_of_a_look(&payment).await, 3);
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::DisputeWon), (1, 10_000));

    world.stripe.charges.transfer(&payment, euros(9_000), 2).await.expect("given again");
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!((of_payment(MovementKind::Transfer), expert()), ((2, 19_000), 9_000));

    // The charge's own transfer has nothing left, so a refund cannot take the expert's part with it.
    world.refund(&payment, 5_000, true, 1).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!((world.moved(MovementKind::Refund), expert()), ((1, 5_000), 9_000));
    world.stripe.charges.reverse(&payment, euros(4_500), false, 2).await.expect("of the later transfer");
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!((world.moved(MovementKind::Reversal), expert()), ((2, 14_500), 4_500));
    // When no transfer has enough left, what is left is taken.
    world.stripe.charges.reverse(&payment, euros(9_000), false, 3).await.expect("what is left");
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(expert(), 0);
    assert!(world.stripe.charges.reverse(&payment, euros(1), false, 4).await.is_err());
}

#[tokio::test]
async fn a_dispute_is_lost() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", "4000000000000259").await;
    world.fetch_payment(&payment).await;
    world.refund(&payment, 2_000, true, 1).await;
    world.clock.advance(LATER_AFTER);
    let snapshot = world.fetch_payment(&payment).await.snapshot;
    assert!(snapshot.open_dispute);
    assert_eq!(world.moved(MovementKind::Dispute), (1, 8_000));
    let disputed = snapshot.movements.iter().find(|movement| movement.kind == MovementKind::Dispute);
    let dispute = disputed.expect("the bank took it").object.clone();
    world.simulator.close_dispute(&dispute, DisputeOutcome::Lost).expect("closed");
    let rest = payment.amount.with_amount(8_000).expect("small");
    world.stripe.charges.reverse(&payment, rest, true, 1).await.expect("reversed");
    assert!(!world.fetch_payment(&payment).await.snapshot.open_dispute);
    world.agrees().await;
    let balances = Balances::of(&world.movements());
    assert_eq!(balances.get(Account::Expert, payment.amount.currency()), 0);
    assert_eq!(balances.get(Account::Client, payment.amount.currency()), 0);
    assert_eq!(world.moved(MovementKind::DisputeWon), (0, 0));
}

#[tokio::test]
async fn a_refund_fails_later_and_is_given_anew() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", "4000000000005126").await;
    world.refund(&payment, 10_000, true, 1).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
    world.clock.advance(LATER_AFTER);
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::RefundFailed), (1, 10_000));
    // The expert's part did not come back with it, so the platform has it all and pays.
    world.refund(&payment, 10_000, false, 2).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Refund), (2, 20_000));
    assert_eq!(world.moved(MovementKind::Reversal), (1, 10_000));
}

#[tokio::test]
async fn a_refund_takes_its_time() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", "4000000000007726").await;
    world.refund(&payment, 4_000, true, 1).await;
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(world.moved(MovementKind::Refund), (1, 4_000));
    world.clock.advance(LATER_AFTER);
    world.fetch_payment(&payment).await;
    world.agrees().await;
    assert_eq!(
        (world.moved(MovementKind::Refund), world.moved(MovementKind::RefundFailed)),
        ((1, 4_000), (0, 0))
    );
}
