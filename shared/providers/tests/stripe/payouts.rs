//! Charges whose money the platform holds, and the transfers that pay experts later.

use domain::Rate;
use domain::payments::ledger::{Account, Balances, MovementKind};
use domain::payments::payment::{Payment, Plan, Share};
use domain::payments::payout::PayoutTiming;
use simulators::stripe::DisputeOutcome;

use crate::fixture::{Fixture, VISA};

/// A payment of EUR 100.00 that the platform holds.
pub async fn held(fixture: &Fixture, plan: Plan) -> Payment {
    let agreed = fixture.payment(plan, 10_000, "EUR");
    let mut payment = Payment { payout_timing: PayoutTiming::AfterSession, ..agreed };
    fixture.open(&mut payment).await;
    assert!(fixture.pay(&payment, VISA));
    payment
}

pub fn share(payment: &Payment, amount: u64, fee: u64) -> Share {
    let euros = |cents| payment.amount.with_amount(cents).expect("small");
    Share { amount: euros(amount), fee: euros(fee) }
}

/// What the expert has, after the ledger was compared with Stripe's books.
pub async fn expert(fixture: &Fixture, payment: &Payment) -> i128 {
    fixture.fetch_payment(payment).await;
    fixture.assert_ledger_agrees().await;
    Balances::of(&fixture.movements()).get(Account::Expert, payment.amount.currency())
}

#[tokio::test]
async fn platform_holds_a_charge_until_it_is_paid_out() {
    for plan in [Plan::Charge, Plan::Authorize] {
        let fixture = Fixture::new().await;
        let payment = held(&fixture, plan).await;
        if plan == Plan::Authorize {
            fixture.stripe.charges.capture(&payment, payment.amount, payment.fee()).await.expect("captured");
        }
        assert_eq!(expert(&fixture, &payment).await, 0);
        assert_eq!(fixture.moved(MovementKind::Fee), (0, 0));
        assert_eq!(fixture.requests_of_a_snapshot(&payment).await, 2);
        let whole = share(&payment, 10_000, 1_000);
        fixture.stripe.charges.pay_out(&payment, whole, 1).await.expect("paid out");
        assert_eq!(expert(&fixture, &payment).await, 9_000);
        assert_eq!(fixture.moved(MovementKind::Transfer), (1, 10_000));
        assert_eq!(fixture.moved(MovementKind::Fee), (1, 1_000));
    }
}

#[tokio::test]
async fn charge_pays_for_its_transfer_although_the_platform_paid_the_processing_fee() {
    let fixture = Fixture::new().await;
    let payment = Payment {
        fee_rate: Rate::from_basis_points(0).expect("a rate"),
        ..held(&fixture, Plan::Charge).await
    };
    fixture.stripe.charges.pay_out(&payment, share(&payment, 10_000, 0), 1).await.expect("paid out");
    assert_eq!(expert(&fixture, &payment).await, 10_000);
}

#[tokio::test]
async fn share_of_a_refund_is_taken_back_with_the_fee() {
    let fixture = Fixture::new().await;
    let payment = held(&fixture, Plan::Charge).await;
    fixture.refund(&payment, 4_000, false, 1).await;
    assert_eq!(expert(&fixture, &payment).await, 0);
    fixture.stripe.charges.pay_out(&payment, share(&payment, 6_000, 600), 1).await.expect("paid out");
    assert_eq!(expert(&fixture, &payment).await, 5_400);
    fixture.refund(&payment, 2_000, false, 2).await;
    fixture.stripe.charges.take_back(&payment, share(&payment, 2_000, 200), 1).await.expect("taken back");
    assert_eq!(expert(&fixture, &payment).await, 3_600);
    assert_eq!(fixture.moved(MovementKind::Reversal), (1, 2_000));
    assert_eq!(fixture.moved(MovementKind::FeeRefund), (1, 200));
    // If the transfer has less left, the rest is taken back.
    fixture.stripe.charges.take_back(&payment, share(&payment, 9_000, 900), 2).await.expect("taken back");
    assert_eq!(expert(&fixture, &payment).await, 0);
    assert_eq!(fixture.moved(MovementKind::Reversal), (2, 6_000));
    assert_eq!(fixture.moved(MovementKind::FeeRefund), (2, 600));
    let nothing = fixture.stripe.charges.take_back(&payment, share(&payment, 1, 0), 3).await;
    assert!(nothing.is_err());
}

#[tokio::test]
async fn share_of_a_won_dispute_is_paid_out_from_the_balance_of_the_platform() {
    let fixture = Fixture::new().await;
    fixture.earn().await;
    let before = Balances::of(&fixture.movements());
    let payment = held(&fixture, Plan::Charge).await;
    let dispute = fixture.simulator.dispute(Fixture::intent(&payment), None, "fraudulent").expect("disputed");
    fixture
        .simulator
        .close_dispute(dispute["id"].as_str().expect("an id"), DisputeOutcome::Won)
        .expect("closed");
    fixture.stripe.charges.pay_out(&payment, share(&payment, 10_000, 1_000), 1).await.expect("paid out");
    let other = before.get(Account::Expert, payment.amount.currency());
    assert_eq!(expert(&fixture, &payment).await - other, 9_000);
}
