//! Experts' accounts, and what is paid out of them.

use domain::payments::ledger::MovementKind;
use domain::payments::payment::Plan;
use domain::{ExpertId, TimeSpan, Timestamp};
use simulators::stripe::{Onboarding, PayoutOutcome};

use crate::world::{VISA, World};

#[tokio::test]
async fn an_account_is_opened_once_and_told_as_it_stands() {
    let world = World::new().await;
    let again = world.stripe.accounts.create_account(ExpertId::from_bits(1)).await.expect("the same");
    assert_eq!(again.id, world.account);
    let other = world.stripe.accounts.create_account(ExpertId::from_bits(2)).await.expect("another");
    assert_ne!(other.id, world.account);
    assert!(!other.charges_enabled && !other.requirements_due.is_empty());
    let ready = world.stripe.accounts.read_account(&world.account).await.expect("read");
    assert!(ready.charges_enabled && ready.payouts_enabled && ready.requirements_due.is_empty());
    world.simulator.onboard(&other.id, Onboarding::NoPayouts).expect("an owner");
    let part = world.stripe.accounts.read_account(&other.id).await.expect("read");
    assert!(part.charges_enabled && !part.payouts_enabled);
    let page = world.stripe.accounts.onboarding_page(
        &other.id,
        "https://a.example/return",
        "https://a.example/refresh",
    );
    let page = page.await.expect("a page");
    assert!(page.url.starts_with("http") && page.expires_at.seconds() > world.clock.now());
}

#[tokio::test]
async fn payouts_arrive_or_come_back() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    world.fetch_payment(&payment).await;
    assert_eq!(world.payouts(&world.account).await, Ok(Vec::new()));
    let pay_out = |amount, outcome| {
        world.clock.advance(60);
        world.simulator.pay_out(&world.account, Some(amount), Some("eur"), outcome).expect("paid out");
    };
    pay_out(2_000, PayoutOutcome::Paid);
    pay_out(3_000, PayoutOutcome::Failed);
    pay_out(1_000, PayoutOutcome::Paid);
    let payouts = world.payouts(&world.account).await.expect("payouts");
    let told: Vec<_> = payouts.iter().map(|movement| (movement.kind, movement.amount.amount())).collect();
    assert_eq!(
        told,
        [
            (MovementKind::Payout, 2_000),
            (MovementKind::Payout, 3_000),
            (MovementKind::PayoutFailed, 3_000),
            (MovementKind::Payout, 1_000),
        ]
    );
    world.note(payouts);
    world.agrees().await;
}

#[tokio::test]
async fn an_account_whose_owner_left() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 10_000, "EUR", VISA).await;
    world.fetch_payment(&payment).await;
    world.simulator.deauthorize(&world.account).expect("left");
    let state = world.stripe.accounts.read_account(&world.account).await.expect("told");
    assert_eq!(state.id, world.account);
    assert!(!state.charges_enabled && !state.payouts_enabled);
    assert_eq!(state.disabled_reason.as_deref(), Some("deauthorized"));
    assert_eq!(world.payouts(&world.account).await, Ok(Vec::new()));
    world.fetch_payment(&payment).await;
    world.agrees().await;
}

#[tokio::test]
async fn the_books_are_read_to_the_end_and_no_further() {
    let world = World::new().await;
    let payment = world.paid(Plan::Charge, 100_000, "EUR", VISA).await;
    let start = world.clock.now();
    for ordinal in 1..=40 {
        world.clock.advance(1);
        world.refund(&payment, 100, true, ordinal).await;
    }
    let lines = |from: i64, to: i64| {
        let span = TimeSpan::new(Timestamp::from_seconds(from), Timestamp::from_seconds(to));
        world.book_lines(span)
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
    world.fetch_payment(&payment).await;
    world.agrees().await;
}
