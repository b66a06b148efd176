//! Experts' accounts, their payouts, and the platform's books.

use domain::payments::ledger::MovementKind;
use domain::payments::payment::Plan;
use domain::{ExpertId, TimeSpan, Timestamp};
use simulators::stripe::{Onboarding, PayoutOutcome};

use crate::fixture::{Fixture, VISA};

#[tokio::test]
async fn account_is_created_once_and_read_as_it_is() {
    let fixture = Fixture::new().await;
    let again = fixture.stripe.accounts.create_account(ExpertId::from_bits(1)).await.expect("the same");
    assert_eq!(again.id, fixture.account);
    let other = fixture.stripe.accounts.create_account(ExpertId::from_bits(2)).await.expect("another");
    assert_ne!(other.id, fixture.account);
    assert!(!other.charges_enabled && !other.requirements_due.is_empty());
    let ready = fixture.stripe.accounts.read_account(&fixture.account).await.expect("read");
    assert!(ready.charges_enabled && ready.payouts_enabled && ready.requirements_due.is_empty());
    fixture.simulator.onboard(&other.id, Onboarding::NoPayouts).expect("an owner");
    let part = fixture.stripe.accounts.read_account(&other.id).await.expect("read");
    assert!(part.charges_enabled && !part.payouts_enabled);
    let page = fixture.stripe.accounts.onboarding_page(
        &other.id,
        "https://a.example/return",
        "https://a.example/refresh",
    );
    let page = page.await.expect("a page");
    assert!(page.url.starts_with("http") && page.expires_at.seconds() > fixture.clock.now());
}

#[tokio::test]
async fn payouts_arrive_or_are_returned() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    fixture.fetch_payment(&payment).await;
    assert_eq!(fixture.payouts(&fixture.account).await, Ok(Vec::new()));
    let pay_out = |amount, outcome| {
        fixture.clock.advance(60);
        fixture.simulator.pay_out(&fixture.account, Some(amount), Some("eur"), outcome).expect("paid out");
    };
    pay_out(2_000, PayoutOutcome::Paid);
    pay_out(3_000, PayoutOutcome::Failed);
    pay_out(1_000, PayoutOutcome::Paid);
    let payouts = fixture.payouts(&fixture.account).await.expect("payouts");
    let shown: Vec<_> = payouts.iter().map(|movement| (movement.kind, movement.amount.amount())).collect();
    assert_eq!(
        shown,
        [
            (MovementKind::Payout, 2_000),
            (MovementKind::Payout, 3_000),
            (MovementKind::PayoutFailed, 3_000),
            (MovementKind::Payout, 1_000),
        ]
    );
    fixture.record(payouts);
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn deauthorized_account_is_disabled() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    fixture.fetch_payment(&payment).await;
    fixture.simulator.deauthorize(&fixture.account).expect("deauthorized");
    let state = fixture.stripe.accounts.read_account(&fixture.account).await.expect("read");
    assert_eq!(state.id, fixture.account);
    assert!(!state.charges_enabled && !state.payouts_enabled);
    assert_eq!(state.disabled_reason.as_deref(), Some("deauthorized"));
    assert_eq!(fixture.payouts(&fixture.account).await, Ok(Vec::new()));
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
}

#[tokio::test]
async fn books_are_read_completely_and_only_within_the_span() {
    let fixture = Fixture::new().await;
    let payment = fixture.paid(Plan::Charge, 100_000, "EUR", VISA).await;
    let start = fixture.clock.now();
    for ordinal in 1..=40 {
        fixture.clock.advance(1);
        fixture.refund(&payment, 100, true, ordinal).await;
    }
    let lines = |from: i64, to: i64| {
        let span = TimeSpan::new(Timestamp::from_seconds(from), Timestamp::from_seconds(to));
        fixture.book_lines(span)
    };
    // Three lines for the charge and three for each refund: two pages.
    let all = lines(start, start + 41).await.expect("the books");
    assert_eq!(all.len(), 3 + 3 * 40);
    let mut ids: Vec<&str> = all.iter().map(|line| line.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    assert!(all.is_sorted_by_key(|line| line.at));
    assert_eq!(lines(start + 1, start + 2).await.expect("the books").len(), 3);
    assert_eq!(lines(start + 2, start + 2).await, Ok(Vec::new()));
    for line in &all {
        let known = matches!(line.kind.as_str(), "charge" | "transfer" | "refund");
        assert_eq!(line.appointment == Some(payment.appointment), known, "{line:?}");
    }
    fixture.fetch_payment(&payment).await;
    fixture.assert_ledger_agrees().await;
}
