//! Money that the platform holds until after the session: the expert gets their share one day after its end.

use domain::payments::ledger::{Account, MovementKind};
use domain::payments::payout::PayoutTiming;
use serde_json::{Value, json};
use simulators::stripe::DisputeOutcome;

use super::{authorized_hour, tiered_hour};
use crate::harness::{Offer, TestApp, intent, paid_hour};

/// The start of the session, which takes an hour and costs EUR 80.00.
const AT: &str = "2027-01-05T10:00:00Z";
/// Shortly before and after one day after its end.
const BEFORE_RELEASE: &str = "2027-01-06T10:59:00Z";
const AFTER_RELEASE: &str = "2027-01-06T11:02:00Z";

impl TestApp {
    /// A system that holds money until after the session, which is the default.
    async fn holding() -> Self {
        Self::with(|config| config.settings.payout_timing = PayoutTiming::AfterSession).await
    }

    /// The expert refunds an amount in euro cents.
    async fn give_back(&self, appointment: &str, cents: u64) {
        let part = json!({ "amount": { "amount": cents, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        self.post(&path)
            .signed_in_as("ada")
            .idempotency_key(&cents.to_string())
            .json(&part)
            .send()
            .await
            .expect(201);
        self.stack.run_until_idle().await;
    }

    /// What the client has paid, what the expert has, and what the platform has before processing fees, in euro cents.
    async fn shares(&self, offer: &Offer) -> [i128; 3] {
        let accounts = [Account::Client, Account::Expert, Account::Platform, Account::Gateway];
        let [client, expert, platform, gateway] = self.cents(offer, accounts).await;
        [-client, expert, platform + gateway]
    }
}

#[tokio::test]
async fn expert_gets_the_share_one_day_after_the_session() {
    for terms in [paid_hour(), authorized_hour()] {
        let test = TestApp::holding().await;
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(BEFORE_RELEASE).await;
        assert_eq!(test.cents(&offer, [Account::Expert]).await, [0]);
        test.advance_to(AFTER_RELEASE).await;
        assert_eq!(test.shares(&offer).await, [8_000, 7_200, 800]);
        assert_eq!(test.payment(&appointment).await["state"], "paid");
        // One transfer is two movements.
        let movements = test.movements(&offer).await;
        let object = |kind| {
            let found = movements.iter().find(|movement| movement.kind == kind);
            found.map(|movement| (movement.object.clone(), movement.amount.amount())).expect("a movement")
        };
        let (transfer, fee) = (object(MovementKind::Transfer), object(MovementKind::Fee));
        assert_eq!((transfer.1, fee.1), (8_000, 800));
        assert_eq!(transfer.0, fee.0);
        // No job is left.
        let id: domain::AppointmentId = appointment.parse().expect("an id");
        let job = store::JobName::new("payment", id);
        assert!(test.stack.app.store.outbox_entry(&job).await.expect("readable").is_none());
    }
}

#[tokio::test]
async fn session_that_is_reported_as_completed_is_not_paid_out_earlier() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T11:01:00Z").await;
    test.post_action("ada", &appointment, "complete", &Value::Null).await.expect(200);
    test.advance_to(BEFORE_RELEASE).await;
    assert_eq!(test.shares(&offer).await, [8_000, 0, 8_000]);
    test.advance_to(AFTER_RELEASE).await;
    assert_eq!(test.shares(&offer).await, [8_000, 7_200, 800]);
}

#[tokio::test]
async fn refund_before_the_payout_is_the_platforms_and_lowers_the_share() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.give_back(&appointment, 2_000).await;
    assert_eq!(test.shares(&offer).await, [6_000, 0, 6_000]);
    test.advance_to(AFTER_RELEASE).await;
    assert_eq!(test.shares(&offer).await, [6_000, 5_400, 600]);
    let kinds = test.kinds(&offer).await;
    assert!(!kinds.contains(&MovementKind::Reversal), "{kinds:?}");
}

#[tokio::test]
async fn refund_after_the_payout_takes_the_share_back_with_the_fee() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to(AFTER_RELEASE).await;
    for (refund, shares) in [(2_000, [6_000, 5_400, 600]), (6_000, [0, 0, 0])] {
        test.give_back(&appointment, refund).await;
        assert_eq!(test.shares(&offer).await, shares);
    }
}

#[tokio::test]
async fn kept_part_of_a_late_cancellation_is_paid_out_after_the_session_would_have_ended() {
    let test = TestApp::holding().await;
    let offer = test.offer(&tiered_hour()).await;
    let appointment = test.book_and_secure(&offer, "2027-01-05T12:00:00Z").await;
    // In the tier of 50 %.
    test.advance_to("2027-01-04T09:00:00Z").await;
    let half = json!({ "expected_refund": { "amount": 4_000, "currency": "EUR" } });
    test.post_action("alan", &appointment, "cancel", &half).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.shares(&offer).await, [4_000, 0, 4_000]);
    test.advance_to("2027-01-06T12:59:00Z").await;
    assert_eq!(test.shares(&offer).await, [4_000, 0, 4_000]);
    test.advance_to("2027-01-06T13:02:00Z").await;
    assert_eq!(test.shares(&offer).await, [4_000, 3_600, 400]);
}

#[tokio::test]
async fn open_dispute_freezes_what_is_not_yet_paid_out() {
    for (outcome, client, expert) in
        [(DisputeOutcome::Won, 8_000, 7_200), (DisputeOutcome::Lost, 5_000, 4_500)]
    {
        let test = TestApp::holding().await;
        let offer = test.offer(&paid_hour()).await;
        test.fund_platform(&offer, []).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let read = test.appointment(&appointment).await;
        let dispute = test.stripe().dispute(intent(&read), Some(3_000), "fraudulent").expect("disputed");
        test.stack.run_until_idle().await;
        // The other session is not over either.
        test.advance_to("2027-01-08T11:00:00Z").await;
        // Not even the part that is not disputed.
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-105_000, 0]);
        let id = dispute["id"].as_str().expect("an id");
        test.stripe().close_dispute(id, outcome).expect("closed");
        test.stack.run_until_idle().await;
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-100_000 - client, expert]);
    }
}

#[tokio::test]
async fn unresolved_no_show_report_holds_the_money() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T10:15:00Z").await;
    test.post_action("ada", &appointment, "no-show", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    test.post_action("alan", &appointment, "no-show/objection", &Value::Null).await.expect(200);
    test.advance_to("2027-01-09T11:02:00Z").await;
    assert_eq!(test.shares(&offer).await, [8_000, 0, 8_000]);
    test.post_action("margaret", &appointment, "complete", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.shares(&offer).await, [8_000, 7_200, 800]);
}
