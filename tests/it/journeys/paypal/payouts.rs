//! Money that PayPal holds until after the session: the platform has it released one day after its end.

use domain::payments::debt::Debt;
use domain::payments::ledger::MovementKind;
use domain::payments::payout::PayoutTiming;
use domain::{Currency, Money};
use serde_json::{Value, json};
use simulators::paypal::{DisputeOutcome, DisputeReason, Faults, Onboarding};
use store::Transaction;

use super::{BACK, PAID, PRICE, PayPalTest, Pending, SOON, authorized_hour, tiered};
use crate::harness::paid_hour;

/// Shortly before and after one day after the end of the session.
const BEFORE_RELEASE: &str = "2027-01-06T10:59:00Z";
const AFTER_RELEASE: &str = "2027-01-06T11:02:00Z";
/// The balances while PayPal holds 80 euros: the client, the platform, the expert, and PayPal.
const HELD: [i128; 4] = [-8_000, 8_000, -PRICE, PRICE];

impl PayPalTest {
    /// A system that holds money until after the session, which is the default.
    async fn holding(terms: &Value) -> Self {
        Self::with(terms, |config| config.settings.payout_timing = PayoutTiming::AfterSession).await
    }

    /// The payment as the expert sees it: when they get their share, and what they got of it in euro cents.
    async fn payout(&self, appointment: &str) -> (Value, Value) {
        let read = self.test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("ada").send().await;
        let payment = &read.expect(200)["payment"];
        (payment["payout_timing"].clone(), payment["paid_out"]["amount"].clone())
    }

    async fn give_back(&self, appointment: &str, cents: u64) {
        let part = json!({ "amount": { "amount": cents, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        let key = cents.to_string();
        self.test.post(&path).signed_in_as("ada").idempotency_key(&key).json(&part).send().await.expect(201);
        self.test.stack.run_until_idle().await;
    }

    fn releases(&self) -> usize {
        self.events("PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED")
    }
}

#[tokio::test]
async fn share_is_released_one_day_after_the_session() {
    for terms in [paid_hour(), authorized_hour()] {
        let paypal = PayPalTest::holding(&terms).await;
        let appointment = paypal.book_and_pay(SOON).await;
        paypal.advance_to(BEFORE_RELEASE).await;
        assert_eq!((paypal.cents().await[2] <= 0, paypal.releases()), (true, 0));
        assert_eq!(paypal.payout(&appointment).await, (json!("after_session"), json!(0)));
        paypal.advance_to(AFTER_RELEASE).await;
        assert_eq!(paypal.cents().await, PAID);
        assert_eq!(paypal.payout(&appointment).await, (json!("after_session"), json!(7_200)));
        // The client sees neither.
        assert_eq!(paypal.payment(&appointment).await.get("payout_timing"), None);
        let order = paypal.order_of(&appointment).await;
        assert_eq!(order["purchase_units"][0]["payments"]["captures"][0]["disbursement_mode"], "DELAYED");
        paypal.days(40).await;
        assert_eq!((paypal.cents().await, paypal.releases()), (PAID, 1));
        assert!(paypal.test.stack.queues.dead_letters().is_empty());
    }
}

#[tokio::test]
async fn refund_before_the_release_is_paid_from_what_is_held() {
    let paypal = PayPalTest::holding(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    assert_eq!(paypal.cents().await, HELD);
    paypal.give_back(&appointment, 2_000).await;
    assert_eq!(paypal.cents().await, [-6_000, 6_000, -PRICE, PRICE]);
    paypal.advance_to(AFTER_RELEASE).await;
    assert_eq!(paypal.cents().await, [-6_000, 600, 5_400 - PRICE, PRICE]);
    assert_eq!(paypal.payout(&appointment).await.1, json!(5_400));
    // After it, the expert pays.
    paypal.give_back(&appointment, 6_000).await;
    assert_eq!(paypal.cents().await, BACK);
    paypal.days(40).await;
    assert_eq!((paypal.cents().await, paypal.releases()), (BACK, 1));
}

#[tokio::test]
async fn kept_part_of_a_late_cancellation_is_released_after_the_session_would_have_ended() {
    let paypal = PayPalTest::holding(&tiered(paid_hour())).await;
    let appointment = paypal.book_and_pay("2027-01-05T12:00:00Z").await;
    paypal.advance_to("2027-01-04T09:00:00Z").await;
    paypal.post_action("alan", &appointment, "cancel").await;
    assert_eq!(paypal.cents().await, [-4_000, 4_000, -PRICE, PRICE]);
    paypal.advance_to("2027-01-06T12:59:00Z").await;
    assert_eq!(paypal.releases(), 0);
    paypal.advance_to("2027-01-06T13:02:00Z").await;
    assert_eq!(paypal.cents().await, [-4_000, 400, 3_600 - PRICE, PRICE]);
}

#[tokio::test]
async fn cancellation_by_the_expert_releases_nothing() {
    let paypal = PayPalTest::holding(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(paypal.state(&appointment).await, "refunded");
    assert_eq!(paypal.cents().await, BACK);
    paypal.days(40).await;
    assert_eq!(paypal.cents().await, BACK);
}

#[tokio::test]
async fn open_dispute_freezes_the_release() {
    for (outcome, cents) in [
        (DisputeOutcome::SellerFavour, PAID),
        (DisputeOutcome::BuyerFavour, [-5_000, 800, 4_200 - PRICE, PRICE]),
    ] {
        let paypal = PayPalTest::holding(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        let capture = paypal.capture_of(&appointment).await;
        let dispute =
            paypal.simulator().dispute(&capture, DisputeReason::NotReceived, Some(3_000)).expect("possible");
        paypal.test.stack.run_until_idle().await;
        paypal.advance_to("2027-01-09T11:00:00Z").await;
        let open = paypal.cents_with(Pending { disputed: 3_000, ..Pending::default() }).await;
        // Not even the part that is not disputed.
        assert_eq!((open, paypal.releases()), ([-5_000, 5_000, -PRICE, PRICE], 0));
        let id = dispute["dispute_id"].as_str().expect("an id");
        paypal.simulator().resolve_dispute(id, outcome).expect("it is open");
        paypal.test.stack.run_until_idle().await;
        assert_eq!((paypal.cents().await, paypal.releases()), (cents, 1));
    }
}

#[tokio::test]
async fn paypal_releases_by_itself_what_is_frozen_for_28_days() {
    let paypal = PayPalTest::holding(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    paypal.advance_to("2027-01-05T10:15:00Z").await;
    paypal.post_action("ada", &appointment, "no-show").await;
    paypal.post_action("alan", &appointment, "no-show/objection").await;
    paypal.advance_to("2027-02-01T07:59:00Z").await;
    assert_eq!(paypal.cents().await, HELD);
    assert_eq!(paypal.payout(&appointment).await.1, json!(0));
    // The payment was made at 08:00 on 4 January. The ledger has the release on the same day.
    paypal.advance_to("2027-02-01T12:00:00Z").await;
    assert_eq!(paypal.cents().await, PAID);
    assert_eq!(paypal.payout(&appointment).await, (json!("after_session"), json!(7_200)));
    let transfer = paypal.movements().await.into_iter().find(|one| one.kind == MovementKind::Transfer);
    assert_eq!(transfer.map(|one| one.at.to_string()), Some("2027-02-01T08:00:00Z".to_owned()));
    // The decision for the client then takes the money back from the expert.
    let missed = json!({ "missed_by": "expert" });
    paypal.test.post_action("margaret", &appointment, "no-show", &missed).await.expect(200);
    paypal.days(3).await;
    assert_eq!((paypal.state(&appointment).await, paypal.cents().await), (json!("refunded"), BACK));
}

#[tokio::test]
async fn lost_response_releases_nothing_twice() {
    for faults in [
        Faults { lose_responses: 8, ..Faults::default() },
        Faults { fail_after_acting: 8, ..Faults::default() },
    ] {
        let paypal = PayPalTest::holding(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        paypal.advance_to(BEFORE_RELEASE).await;
        paypal.set(Faults { drop_webhooks: true, ..faults });
        paypal.advance_to(AFTER_RELEASE).await;
        paypal.set(Faults::default());
        paypal.days(2).await;
        assert_eq!((paypal.cents().await, paypal.releases()), (PAID, 1));
        assert_eq!(paypal.payout(&appointment).await.1, json!(7_200));
    }
}

#[tokio::test]
async fn session_until_which_paypal_does_not_hold_the_money_is_refused() {
    let mut terms = paid_hour();
    terms["booking_window"] = json!({ "kind": "rolling", "days": 365 });
    let paypal = PayPalTest::holding(&terms).await;
    // A session is completed a day after its end, and PayPal holds the money for 26 days.
    assert_eq!(paypal.book("2027-01-29T10:00:00Z", "far").await.problem(409), "too-far-ahead");
    let appointment = paypal.book_and_pay("2027-01-28T10:00:00Z").await;
    let path = format!("/v1/appointments/{appointment}/reschedule");
    let quote =
        paypal.test.get(&format!("{path}?start=2027-01-29T10:00:00Z")).signed_in_as("alan").send().await;
    assert_eq!(quote.problem(409), "too-far-ahead");
    let to = json!({ "start": "2027-01-29T10:00:00Z" });
    let moved = paypal.test.post_action("alan", &appointment, "reschedule", &to).await;
    assert_eq!(moved.problem(409), "too-far-ahead");
    paypal.advance_to("2027-01-29T11:02:00Z").await;
    assert_eq!((paypal.cents().await, paypal.releases()), (PAID, 1));
}

#[tokio::test]
async fn nothing_is_withheld_of_what_paypal_holds() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let expert = paypal.offer.expert.parse().expect("an id");
    let debt = Debt { version: 1, owed: vec![Money::new(500, Currency::EUR).expect("small")] };
    let mut transaction = Transaction::new();
    transaction.put_debt(expert, &debt).expect("a row");
    paypal.test.stack.app.store.commit(transaction).await.expect("written");
    // So it is no reason to hold the money either.
    assert_eq!(paypal.connection().await["payout_timing"], "at_payment");
    let held = PayPalTest::holding(&paid_hour()).await;
    let expert = held.offer.expert.parse().expect("an id");
    let mut transaction = Transaction::new();
    transaction.put_debt(expert, &debt).expect("a row");
    held.test.stack.app.store.commit(transaction).await.expect("written");
    held.book_and_pay(SOON).await;
    held.advance_to(AFTER_RELEASE).await;
    assert_eq!(held.cents().await, PAID);
    assert_eq!(held.connection().await["owed"][0]["amount"], 500);
}

#[tokio::test]
async fn expert_is_paid_at_once_where_paypal_has_not_approved_the_platform() {
    let paypal = PayPalTest::with(&paid_hour(), |config| {
        config.settings.payout_timing = PayoutTiming::AfterSession;
        config.paypal_delayed_disbursement = false;
    })
    .await;
    let account = paypal.connection().await;
    assert_eq!(account["payout_timing"], "at_payment");
    assert!(account["payout_timing_reason"].as_str().is_some_and(|reason| reason.contains("cannot hold it")));
    let appointment = paypal.book_and_pay(SOON).await;
    assert_eq!(paypal.cents().await, PAID);
    assert_eq!(paypal.payout(&appointment).await, (json!("at_payment"), json!(7_200)));
}

#[tokio::test]
async fn new_expert_is_paid_after_the_session_through_paypal_too() {
    let paypal = PayPalTest::with(&paid_hour(), |config| config.settings.new_expert_sessions = 1).await;
    assert_eq!(paypal.connection().await["payout_timing"], "after_session");
    paypal.book_and_pay(SOON).await;
    assert_eq!(paypal.cents().await, HELD);
    paypal.advance_to(AFTER_RELEASE).await;
    assert_eq!(paypal.cents().await, PAID);
    assert_eq!(paypal.connection().await["payout_timing"], "at_payment", "the session counts");
}

#[tokio::test]
async fn expert_who_connected_before_must_agree_that_paypal_holds_payments() {
    let paypal = PayPalTest::holding(&paid_hour()).await;
    let merchant = paypal.connection().await["account"].as_str().expect("an account").to_owned();
    paypal.simulator().revoke_feature(&merchant, "DELAY_FUNDS_DISBURSEMENT").expect("it was given");
    let account = paypal.connection().await;
    assert_eq!(account["charges_enabled"], false);
    assert!(
        account["requirements_due"][0].as_str().is_some_and(|due| due.contains("PayPal holds")),
        "{account:#}"
    );
    assert_eq!(paypal.book(SOON, "k").await.problem(409), "payments-not-ready");
    assert_eq!(paypal.onboard(Onboarding::Complete).await["charges_enabled"], true);
    paypal.book(SOON, "again").await.expect(201);
}
