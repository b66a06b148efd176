//! Money that the platform holds until after the session: the expert gets their share one day after its end.

use domain::payments::ledger::{Account, MovementKind};
use domain::payments::payout::PayoutTiming;
use serde_json::{Value, json};
use simulators::stripe::{DisputeOutcome, PayoutOutcome};

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
    assert_eq!(test.shares(&offer).await, [8_000, 0, 8_000]);
    // The parties can object to the decision for a day.
    test.advance_to("2027-01-10T11:05:00Z").await;
    assert_eq!(test.shares(&offer).await, [8_000, 7_200, 800]);
}

/// Terms that can be booked up to two years ahead.
fn far_ahead(mut terms: Value) -> Value {
    terms["booking_window"] = json!({ "kind": "dates", "first": "2027-01-01", "last": "9999-12-31" });
    terms
}

/// 85 and 92 days after the booking.
const IN_85_DAYS: &str = "2027-03-30T10:00:00Z";
const IN_92_DAYS: &str = "2027-04-06T10:00:00Z";

#[tokio::test]
async fn card_is_saved_for_a_session_until_which_money_is_not_held() {
    let test = TestApp::holding().await;
    let offer = test.offer(&far_ahead(paid_hour())).await;
    for (start, state) in [(IN_85_DAYS, "paid"), (IN_92_DAYS, "card_saved")] {
        let appointment = test.book_and_secure(&offer, start).await;
        assert_eq!(test.payment(&appointment).await["state"], state);
    }
    test.advance_to("2027-04-07T11:02:00Z").await;
    assert_eq!(test.shares(&offer).await, [16_000, 14_400, 1_600]);
}

#[tokio::test]
async fn charged_session_is_not_moved_to_a_time_until_which_money_is_not_held() {
    let test = TestApp::holding().await;
    let offer = test.offer(&far_ahead(paid_hour())).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/reschedule");
    let quote =
        async |start: &str| test.get(&format!("{path}?start={start}")).signed_in_as("alan").send().await;
    assert_eq!(quote(IN_92_DAYS).await.problem(409), "too-far-ahead");
    quote(IN_85_DAYS).await.expect(200);
    let to = |start: &str| json!({ "start": start });
    let moved = test.post_action("alan", &appointment, "reschedule", &to(IN_92_DAYS)).await;
    assert_eq!(moved.problem(409), "too-far-ahead");
    let starts = json!({ "starts": [IN_85_DAYS, IN_92_DAYS] });
    let proposed = test.post_action("ada", &appointment, "proposal", &starts).await;
    assert_eq!(proposed.problem(409), "too-far-ahead");
    test.post_action("alan", &appointment, "reschedule", &to(IN_85_DAYS)).await.expect(200);
    // A card that is only saved is charged later.
    let saved = test.book_and_secure(&offer, IN_92_DAYS).await;
    test.post_action("alan", &saved, "reschedule", &to("2027-07-06T10:00:00Z")).await.expect(200);
}

#[tokio::test]
async fn nothing_is_booked_more_than_24_months_ahead() {
    let test = TestApp::holding().await;
    let offer = test.offer(&far_ahead(paid_hour())).await;
    let starts = async |from: &str, to: &str| {
        let (expert, session_type) = (&offer.expert, &offer.session_type);
        let path = format!("/v1/experts/{expert}/slots?session_type_id={session_type}&from={from}&to={to}");
        let list = test.get(&path).send().await.expect(200);
        (list["slots"].as_array().expect("slots").len(), list.get("empty_reason").cloned())
    };
    let (free, _) = starts("2029-01-04T00:00:00Z", "2029-01-05T00:00:00Z").await;
    assert!(free > 0, "exactly 24 months");
    let later = starts("2029-01-05T00:00:00Z", "2029-01-06T00:00:00Z").await;
    assert_eq!(later, (0, Some(json!("outside_booking_window"))));
    test.book(&offer, "2029-01-04T10:00:00Z", "a").await.expect(201);
    let refused = test.book(&offer, "2029-01-05T10:00:00Z", "b").await;
    assert_eq!(refused.problem(409), "outside-booking-window");
}

/// Books and pays a session of a client with a card, and waits until it counts.
async fn complete(test: &TestApp, offer: &Offer, client: &str, start: &str, card: &str) {
    let booked = test.book_as(client, offer, start, start).await.expect(201);
    test.stripe().pay(intent(&booked), card).expect("the card works");
    test.stack.run_until_idle().await;
    let end: domain::Timestamp = start.parse().expect("a time");
    test.advance_to(&end.plus(26 * 3_600).to_string()).await;
}

#[tokio::test]
async fn new_expert_is_paid_after_the_session_until_enough_sessions_are_completed() {
    let test = TestApp::with(|config| {
        config.settings.payout_timing = PayoutTiming::AtPayment;
        config.settings.new_expert_sessions = 2;
    })
    .await;
    let offer = test.offer(&paid_hour()).await;
    let account = async || {
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
        let reason = account["payout_timing_reason"].as_str().expect("a reason").to_owned();
        (account["payout_timing"].clone(), reason)
    };
    let (timing, reason) = account().await;
    assert_eq!(timing, "after_session");
    assert!(reason.contains("completed 2 more"), "{reason}");
    // A member of the expert proves nothing.
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    complete(&test, &offer, "ines", "2027-01-05T14:00:00Z", "378282246310005").await;
    assert!(account().await.1.contains("completed 2 more"));
    complete(&test, &offer, "alan", "2027-01-07T09:00:00Z", "4242424242424242").await;
    // The same client, and the same card of another client, do not count.
    complete(&test, &offer, "alan", "2027-01-08T12:00:00Z", "5555555555554444").await;
    complete(&test, &offer, "katherine", "2027-01-11T10:00:00Z", "4242424242424242").await;
    let (timing, reason) = account().await;
    assert_eq!(timing, "after_session");
    assert!(reason.contains("completed 1 more"), "{reason}");
    complete(&test, &offer, "katherine", "2027-01-13T10:00:00Z", "5555555555554444").await;
    assert_eq!(account().await.0, "at_payment");
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [5 * 7_200]);
    let appointment = test.book_and_secure(&offer, "2027-01-18T10:00:00Z").await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [6 * 7_200]);

    // A dispute starts the count again.
    let read = test.appointment(&appointment).await;
    test.stripe().dispute(intent(&read), None, "fraudulent").expect("disputed");
    test.stack.run_until_idle().await;
    let (timing, reason) = account().await;
    assert_eq!(timing, "after_session");
    assert!(reason.contains("completed 2 more"), "{reason}");
}

#[tokio::test]
async fn administrator_decides_when_an_expert_is_paid() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/terms", offer.expert);
    let set = async |subject: &str, tag: &str, timing: Value| {
        let body = json!({ "basis_points": null, "payout_timing": timing });
        test.put(&path).signed_in_as(subject).header("If-Match", tag).json(&body).send().await
    };
    assert_eq!(set("ada", "\"0\"", json!("after_session")).await.problem(403), "forbidden");
    assert_eq!(set("margaret", "\"0\"", json!("later")).await.problem(422), "invalid");
    let read = set("margaret", "\"0\"", json!("after_session")).await.expect(200);
    assert_eq!(read["payout_timing"], "after_session");
    test.book_and_secure(&offer, AT).await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [0]);
    let read = set("margaret", "\"1\"", Value::Null).await.expect(200);
    assert_eq!(read.get("payout_timing"), None);
    test.book_and_secure(&offer, "2027-01-05T12:00:00Z").await;
    assert_eq!(test.cents(&offer, [Account::Expert]).await, [7_200], "the platform's setting applies again");
}

impl TestApp {
    /// The expert takes everything off their account.
    async fn empty_account(&self, offer: &Offer) -> String {
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = self.get(&path).signed_in_as("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        self.stripe().pay_out(&account, None, Some("eur"), PayoutOutcome::Paid).expect("there is something");
        account
    }

    /// What the expert owes in euro cents.
    async fn owed(&self, offer: &Offer) -> Value {
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = self.get(&path).signed_in_as("ada").send().await.expect(200);
        account["owed"][0]["amount"].clone()
    }

    /// The amount in cents of the refund that waits for the expert's share.
    async fn waiting(&self, appointment: &str) -> Value {
        self.payment(appointment).await["waiting_refund"]["amount"]["amount"].clone()
    }

    async fn refund(&self, appointment: &str, cents: u64) -> crate::harness::Response {
        let part = json!({ "amount": { "amount": cents, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        self.post(&path).signed_in_as("ada").idempotency_key("refund").json(&part).send().await
    }
}

#[tokio::test]
async fn refund_after_the_payout_waits_until_the_expert_has_returned_the_share() {
    for timing in [PayoutTiming::AfterSession, PayoutTiming::AtPayment] {
        let test = TestApp::with(|config| config.settings.payout_timing = timing).await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(AFTER_RELEASE).await;
        test.empty_account(&offer).await;
        test.refund(&appointment, 8_000).await.expect(201);
        test.stack.run_until_idle().await;
        test.advance_to("2027-01-08T11:00:00Z").await;
        let kinds = test.kinds(&offer).await;
        assert!(!kinds.contains(&MovementKind::Refund), "{timing:?}: {kinds:?}");
        let listed = test.get("/v1/escalations").signed_in_as("margaret").send().await.expect(200);
        assert_eq!(listed["escalations"][0]["escalation"]["order"], "reversal", "{listed:#}");
        assert_eq!(test.payment(&appointment).await["state"], "paid");
        // An administrator settles it with the expert, and the client gets the refund.
        let amount = listed["escalations"][0]["escalation"]["amount"].clone();
        assert_eq!(amount["amount"], 7_200, "it is the share, without the platform's fee");
        let decision = json!({ "resolution": "resolved_manually", "amount": amount });
        let path = format!("/v1/appointments/{appointment}/payment/resolution");
        test.post(&path).signed_in_as("margaret").json(&decision).send().await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded");
        assert_eq!(test.shares(&offer).await[0], 0);
    }
}

#[tokio::test]
async fn waiting_refund_is_shown_and_made_once_the_expert_has_the_share_again() {
    for timing in [PayoutTiming::AfterSession, PayoutTiming::AtPayment] {
        let test = TestApp::with(|config| config.settings.payout_timing = timing).await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to(AFTER_RELEASE).await;
        test.empty_account(&offer).await;
        test.refund(&appointment, 3_000).await.expect(201);
        test.stack.run_until_idle().await;
        let shown = async |who: &str| {
            let path = format!("/v1/appointments/{appointment}");
            test.get(&path).signed_in_as(who).send().await.expect(200)["payment"]["waiting_refund"].clone()
        };
        let waiting = json!({
            "amount": { "amount": 3_000, "currency": "EUR" },
            "waits_for": "expert_share",
            "since": "2027-01-06T11:02:00Z",
            "next_attempt_at": "2027-01-07T11:02:00Z",
        });
        for who in ["alan", "ada", "margaret"] {
            assert_eq!(shown(who).await, waiting, "{timing:?} {who}");
        }
        // Another session fills the account. Nobody has to decide anything.
        test.book_and_secure(&offer, "2027-01-07T10:00:00Z").await;
        test.advance_to("2027-01-09T13:02:00Z").await;
        assert_eq!(test.payment(&appointment).await["state"], "partially_refunded", "{timing:?}");
        assert_eq!(shown("alan").await, Value::Null);
        let listed = test.get("/v1/escalations").signed_in_as("margaret").send().await.expect(200);
        assert_eq!(listed["escalations"], json!([]), "{timing:?}");
        assert_eq!(test.published("payment.escalated"), 1, "{timing:?}: it is one escalation");
    }
}

#[tokio::test]
async fn quote_contains_what_the_client_is_entitled_to_while_a_granted_refund_waits() {
    for granted in [8_000, 1] {
        let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.empty_account(&offer).await;
        test.refund(&appointment, granted).await.expect(201);
        test.stack.run_until_idle().await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["waiting_refund"]["amount"]["amount"], granted, "{payment:#}");
        let path = format!("/v1/appointments/{appointment}/cancellation");
        let quoted = async || {
            let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
            assert_eq!(
                (&quote["refund"]["amount"], &quote["final_charge"]["amount"]),
                (&json!(8_000), &json!(0))
            );
            quote
        };
        let quote = quoted().await;
        // It is the same while a dispute is open.
        let dispute = test.dispute(&appointment, None).await;
        quoted().await;
        test.decide_dispute(&dispute, DisputeOutcome::Won).await;
        let expected = json!({ "expected_refund": quote["refund"] });
        test.post_action("alan", &appointment, "cancel", &expected).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded");
    }
}

#[tokio::test]
async fn expert_owes_the_share_of_what_the_client_is_entitled_to_also_while_a_granted_refund_waits() {
    for granted in [None, Some(4_001)] {
        let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
        let mut terms = paid_hour();
        terms["cancellation_policy"] = json!({ "tiers": [{ "until_hours_before": 2, "refund_percent": 50 }], "no_show_refund_percent": 0 });
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.empty_account(&offer).await;
        if let Some(granted) = granted {
            test.refund(&appointment, granted).await.expect(201);
            test.stack.run_until_idle().await;
            assert_eq!(test.owed(&offer).await, Value::Null);
        }
        test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["refunded"]["amount"], 4_000, "{payment:#}");
        assert_eq!(payment["waiting_refund"]["amount"]["amount"], granted.map_or(Value::Null, |_| json!(1)));
        assert_eq!(test.owed(&offer).await, 3_600, "{granted:?}");
    }
}

#[tokio::test]
async fn share_of_a_waiting_refund_is_asked_for_again_for_thirty_days() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to(AFTER_RELEASE).await;
    test.empty_account(&offer).await;
    test.refund(&appointment, 8_000).await.expect(201);
    test.stack.run_until_idle().await;
    let next = async || {
        let path = format!("/v1/appointments/{appointment}/payment");
        let payment = test.get(&path).signed_in_as("alan").send().await.expect(200);
        payment["waiting_refund"]["next_attempt_at"].clone()
    };
    for day in 7..=31 {
        assert_eq!(next().await, format!("2027-01-{day:02}T11:02:00Z"));
        test.advance(86_400);
        test.stack.run_until_idle().await;
        test.sweep().await;
    }
    // Both sides are told that it waits, and that the platform has ended its attempts.
    let told = async |ended: bool| {
        for who in ["alan", "ada"] {
            let list = test.notifications(who).await;
            let about = |one: &&Value| one["change"] == "payment_refund_waits";
            let [waiting] = list.iter().filter(about).collect::<Vec<_>>()[..] else {
                panic!("{who}: {list:#?}")
            };
            assert_eq!(waiting["amount"]["amount"], 8_000, "{waiting:#}");
            assert_eq!(waiting["ended"], ended, "{waiting:#}");
        }
    };
    told(false).await;
    test.advance_to("2027-02-05T11:03:00Z").await;
    assert_eq!(next().await, Value::Null, "an administrator decides");
    told(true).await;
    assert_eq!(test.published("payment.refund_waits"), 2);
    assert_eq!(test.published("payment.escalated"), 1);
    // What is asked for on their decision begins the period again.
    test.resolve(&appointment, "try_again").await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(next().await, "2027-02-06T11:03:00Z");
}

/// A client pays EUR 80.00, of which the policy gives back a part now. The expert takes the money off their account, and lowers the
/// price to `price`, and the client moves the session at once, so a refund waits for the expert's share.
async fn moved_to_a_lower_price(refund_percent: u64, no_show: u64, price: u64) -> (TestApp, Offer, String) {
    let (test, offer, appointment) = moved_with_an_account(refund_percent, no_show, price, true).await;
    assert_eq!(test.waiting(&appointment).await, json!(8_000 - price));
    (test, offer, appointment)
}

/// The same, whether or not the expert has taken the money off their account before.
async fn moved_with_an_account(
    refund_percent: u64,
    no_show: u64,
    price: u64,
    is_emptied: bool,
) -> (TestApp, Offer, String) {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "price": "current" });
    let tiers = json!([{ "until_hours_before": 1, "refund_percent": refund_percent }]);
    terms["cancellation_policy"] = json!({ "tiers": tiers, "no_show_refund_percent": no_show });
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    if is_emptied {
        test.empty_account(&offer).await;
    }
    terms["durations"][0]["price"]["amount"] = json!(price);
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    test.put(&path).signed_in_as("ada").header("If-Match", "*").json(&terms).send().await.expect(200);
    let start = json!({ "start": "2027-01-05T12:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &start).await.expect(200);
    test.stack.run_until_idle().await;
    (test, offer, appointment)
}

#[tokio::test]
async fn refund_of_a_lower_price_waits_after_a_cancellation_as_any_other_that_is_granted() {
    // Of the refund of each policy, what the client is entitled to, without the lower price, and what waits.
    for (refund_percent, price, entitled, waits) in
        [(0, 3_000, 0, 5_000), (50, 3_000, 4_000, 2_500), (100, 3_000, 8_000, 0), (0, 0, 0, 8_000)]
    {
        let (test, offer, appointment) = moved_to_a_lower_price(refund_percent, 0, price).await;
        let path = format!("/v1/appointments/{appointment}/cancellation");
        let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
        let kept = price * (100 - refund_percent) / 100;
        assert_eq!(
            (&quote["refund"]["amount"], &quote["final_charge"]["amount"]),
            (&json!(entitled), &json!(kept)),
            "{refund_percent} {price}"
        );
        let expected = json!({ "expected_refund": quote["refund"] });
        test.post_action("alan", &appointment, "cancel", &expected).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [i128::from(entitled) - 8_000]);
        let waiting = if waits == 0 { Value::Null } else { json!(waits) };
        assert_eq!(test.waiting(&appointment).await, waiting, "{refund_percent} {price}");
    }
}

#[tokio::test]
async fn refund_of_a_lower_price_waits_after_the_absence_of_the_client() {
    // The client says so themself, or the expert does and nobody objects, or an administrator completes the session.
    let absent = json!({ "missed_by": "client" });
    let charge = json!({ "charge": { "amount": 3_000, "currency": "EUR" } });
    for (who, action, price, no_show, report) in [
        ("alan", "no-show", 3_000, 0, &absent),
        ("ada", "no-show", 3_000, 0, &absent),
        ("margaret", "complete", 3_000, 0, &json!({})),
        ("margaret", "complete", 3_000, 0, &charge),
        ("ada", "no-show", 0, 0, &absent),
        ("alan", "no-show", 0, 50, &absent),
    ] {
        let (test, offer, appointment) = moved_to_a_lower_price(50, no_show, price).await;
        test.advance_to("2027-01-05T13:01:00Z").await;
        test.post_action(who, &appointment, action, report).await.expect(200);
        test.advance_to("2027-01-07T13:00:00Z").await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-8_000], "{who} {action} {price}");
        assert_eq!(test.waiting(&appointment).await, json!(8_000 - price), "{who} {action} {price}");
    }
    // A report that nobody can object to, because the session has no price, decides about no refund that waits. The expert's own
    // absence does, so it is a refund, which an assistant may not give.
    let (test, offer, appointment) = moved_to_a_lower_price(0, 0, 0).await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    test.advance_to("2027-01-05T12:01:00Z").await;
    assert_eq!(
        test.post_action("ines", &appointment, "cancel", &Value::Null).await.problem(403),
        "forbidden"
    );
    test.advance_to("2027-01-05T13:01:00Z").await;
    let own = json!({ "missed_by": "expert" });
    assert_eq!(test.post_action("ines", &appointment, "no-show", &own).await.problem(403), "forbidden");
    let path = format!("/v1/appointments/{appointment}/no-show");
    let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!((&quote["missed_by"], &quote["refund"]["amount"]), (&json!("expert"), &json!(0)));
    test.post_action("alan", &appointment, "no-show", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client]).await, [-8_000]);
}

#[tokio::test]
async fn quotes_before_and_after_a_refund_that_waits_for_nothing_are_the_same() {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "price": "current" });
    let tiers = json!([{ "until_hours_before": 1, "refund_percent": 50 }]);
    terms["cancellation_policy"] = json!({ "tiers": tiers, "no_show_refund_percent": 0 });
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/cancellation");
    let quoted = async || {
        let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
        (quote["refund"]["amount"].clone(), quote["final_charge"]["amount"].clone())
    };
    assert_eq!(quoted().await, (json!(4_000), json!(4_000)));
    // A move to a lower price.
    terms["durations"][0]["price"]["amount"] = json!(5_000);
    let offered = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    test.put(&offered).signed_in_as("ada").header("If-Match", "*").json(&terms).send().await.expect(200);
    let start = "2027-01-05T12:00:00Z";
    let of_move = format!("/v1/appointments/{appointment}/reschedule?start={start}");
    let of_move = test.get(&of_move).signed_in_as("alan").send().await.expect(200);
    let after = &of_move["cancellation_after_move"];
    assert_eq!(
        (&after["refund"]["amount"], &after["final_charge"]["amount"]),
        (&json!(2_500), &json!(2_500))
    );
    test.post_action("alan", &appointment, "reschedule", &json!({ "start": start })).await.expect(200);
    assert_eq!(quoted().await, (json!(2_500), json!(2_500)), "the refund is not made yet");
    test.stack.run_until_idle().await;
    assert_eq!(quoted().await, (json!(2_500), json!(2_500)));
    // A refund.
    test.refund(&appointment, 1_000).await.expect(201);
    let before = quoted().await;
    test.stack.run_until_idle().await;
    assert_eq!(quoted().await, before);
}

#[tokio::test]
async fn policy_refunds_at_once_after_the_refund_of_a_lower_price_is_made() {
    let (test, offer, appointment) = moved_with_an_account(50, 0, 3_000, false).await;
    assert_eq!(test.cents(&offer, [Account::Client]).await, [-3_000], "the expert has returned their share");
    test.empty_account(&offer).await;
    test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client]).await, [-1_500]);
    assert_eq!(test.waiting(&appointment).await, Value::Null);
}

#[tokio::test]
async fn share_is_settled_outside_the_gateway_only_once_a_dispute_is_decided() {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.empty_account(&offer).await;
    test.refund(&appointment, 1_000).await.expect(201);
    test.stack.run_until_idle().await;
    let since = test.payment(&appointment).await["waiting_refund"]["since"].clone();
    let read = test.appointment(&appointment).await;
    let dispute = test.stripe().dispute(intent(&read), None, "fraudulent").expect("it can be disputed");
    test.stack.run_until_idle().await;
    let settle = async || {
        let listed = test.get("/v1/escalations").signed_in_as("margaret").send().await.expect(200);
        let amount = listed["escalations"][0]["escalation"]["amount"].clone();
        let decision = json!({ "resolution": "resolved_manually", "amount": amount });
        let path = format!("/v1/appointments/{appointment}/payment/resolution");
        (amount, test.post(&path).signed_in_as("margaret").json(&decision).send().await)
    };
    assert_eq!((settle().await.0, test.owed(&offer).await), (Value::Null, json!(7_200)));
    let dispute = dispute["id"].as_str().expect("an id");
    test.stripe().close_dispute(dispute, DisputeOutcome::Won).expect("the bank decides");
    test.advance(3_600);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["waiting_refund"]["since"], since, "the days go on");
    let (amount, settled) = settle().await;
    settled.expect(200);
    assert_eq!(amount["amount"], 900, "the share of what the expert has granted");
    test.stack.run_until_idle().await;
    // The expert has the 7,200 at their bank, and has returned 900 outside the gateway.
    assert_eq!(test.shares(&offer).await, [7_000, 0, -200]);
}

/// A session for which the expert was paid at once, disputed after they have emptied their account. Returns the dispute.
async fn disputed_after_emptying(test: &TestApp, offer: &Offer, amount: Option<i64>) -> (String, String) {
    let appointment = test.book_and_secure(offer, AT).await;
    test.advance_to("2027-01-05T11:30:00Z").await;
    test.empty_account(offer).await;
    let dispute = test.dispute(&appointment, amount).await;
    (appointment, dispute)
}

impl TestApp {
    async fn dispute(&self, appointment: &str, amount: Option<i64>) -> String {
        let read = self.appointment(appointment).await;
        let dispute = self.stripe().dispute(intent(&read), amount, "fraudulent").expect("it can be disputed");
        self.stack.run_until_idle().await;
        dispute["id"].as_str().expect("an id").to_owned()
    }

    async fn decide_dispute(&self, dispute: &str, outcome: DisputeOutcome) {
        self.stripe().close_dispute(dispute, outcome).expect("the bank decides");
        self.advance(60);
        self.stack.run_until_idle().await;
    }
}

#[tokio::test]
async fn grant_during_a_dispute_waits_for_the_share_that_the_expert_owes() {
    // The disputed amount, the charge that the expert reports, and what waits if the bank returns the money.
    for (disputed, charge, waits) in [(8_000, 0, 8_000), (5_000, 6_000, 2_000), (1_000, 5_000, 3_000)] {
        let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
        let offer = test.offer(&paid_hour()).await;
        let (appointment, dispute) = disputed_after_emptying(&test, &offer, Some(disputed)).await;
        assert_eq!(test.owed(&offer).await, disputed * 9 / 10);
        let charge = json!({ "charge": { "amount": charge, "currency": "EUR" } });
        test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
        test.stack.run_until_idle().await;
        let cost = test.owed(&offer).await.as_i64().expect("the share") - disputed * 9 / 10;
        test.decide_dispute(&dispute, DisputeOutcome::Won).await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["waiting_refund"]["amount"]["amount"], waits, "{disputed}: {payment:#}");
        assert_ne!(payment["waiting_refund"]["next_attempt_at"], Value::Null, "{disputed}");
        assert_eq!(payment["refunded"]["amount"], 0, "{disputed}");
        let owed = test.owed(&offer).await.as_i64().unwrap_or(0);
        assert_eq!(owed, cost, "{disputed}: only what the refund costs is owed");
        // Other sessions fill the account.
        for day in ["06", "07"] {
            test.book_and_secure(&offer, &format!("2027-01-{day}T10:00:00Z")).await;
        }
        test.advance_to("2027-01-11T13:02:00Z").await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], waits, "{disputed}");
        assert_eq!(test.owed(&offer).await, Value::Null);
    }
}

#[tokio::test]
async fn grant_is_made_if_the_expert_has_repaid_the_share_that_they_owed() {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
    let offer = test.offer(&paid_hour()).await;
    let (appointment, dispute) = disputed_after_emptying(&test, &offer, None).await;
    let charge = json!({ "charge": { "amount": 5_000, "currency": "EUR" } });
    test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
    // Who owes something is paid after the session, and repays it then.
    for day in ["06", "07", "08"] {
        test.book_and_secure(&offer, &format!("2027-01-{day}T10:00:00Z")).await;
    }
    test.advance_to("2027-01-12T12:00:00Z").await;
    assert_eq!(test.owed(&offer).await, Value::Null);
    test.decide_dispute(&dispute, DisputeOutcome::Won).await;
    let payment = test.payment(&appointment).await;
    assert_eq!(payment["refunded"]["amount"], 3_000, "{payment:#}");
    assert_eq!(payment["waiting_refund"], Value::Null);
}

#[tokio::test]
async fn share_of_a_refund_is_asked_for_although_another_one_was_refused() {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
    let offer = test.offer(&paid_hour()).await;
    let (appointment, dispute) = disputed_after_emptying(&test, &offer, Some(1_000)).await;
    let charge = json!({ "charge": { "amount": 5_000, "currency": "EUR" } });
    test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
    test.stack.run_until_idle().await;
    test.decide_dispute(&dispute, DisputeOutcome::Lost).await;
    let waiting = test.payment(&appointment).await["waiting_refund"].clone();
    assert_eq!(waiting["amount"]["amount"], 2_000);
    assert_ne!(waiting["next_attempt_at"], Value::Null);
    let told = test.notifications("alan").await;
    assert!(told.iter().any(|one| one["change"] == "payment_refund_waits"), "{told:#?}");
}

#[tokio::test]
async fn expert_owes_a_disputed_share_also_while_a_granted_refund_waits() {
    for outcome in [DisputeOutcome::Won, DisputeOutcome::Lost] {
        let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.empty_account(&offer).await;
        test.refund(&appointment, 10).await.expect(201);
        test.stack.run_until_idle().await;
        let dispute = test.dispute(&appointment, None).await;
        assert_eq!(test.owed(&offer).await, 7_200);
        test.decide_dispute(&dispute, outcome).await;
        let (owed, waits) = match outcome {
            DisputeOutcome::Won => (Value::Null, json!(10)),
            DisputeOutcome::Lost => (json!(7_200), Value::Null),
        };
        assert_eq!((test.owed(&offer).await, test.waiting(&appointment).await), (owed, waits));
    }
}

#[tokio::test]
async fn waiting_refunds_count_for_the_limit_of_refunds() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to(AFTER_RELEASE).await;
    test.empty_account(&offer).await;
    let refund = async |key: usize, cents: u64| {
        let part = json!({ "amount": { "amount": cents, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        let key = format!("part{key}");
        test.post(&path).signed_in_as("ada").idempotency_key(&key).json(&part).send().await
    };
    for part in 0..app::payments::refunds::MAX_REFUNDS {
        refund(part, 1).await.expect(201);
    }
    test.stack.run_until_idle().await;
    assert!(!test.kinds(&offer).await.contains(&MovementKind::Refund));
    assert_eq!(refund(98, 1).await.problem(409), "payment-state");
    refund(99, 8_000 - 50).await.expect(201);
}

#[tokio::test]
async fn expert_who_has_left_cannot_refund_what_they_were_paid() {
    let test = TestApp::holding().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to(AFTER_RELEASE).await;
    let account = test.empty_account(&offer).await;
    test.stripe().deauthorize(&account).expect("it is connected");
    test.stack.run_until_idle().await;
    let refused = test.refund(&appointment, 8_000).await;
    assert_eq!(refused.problem(409), "payment-state");
    let kinds = test.kinds(&offer).await;
    assert!(!kinds.contains(&MovementKind::Refund), "{kinds:?}");
}

#[tokio::test]
async fn cancellation_is_refunded_although_the_expert_has_left_and_the_share_is_owed() {
    for leaves in [false, true] {
        let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AtPayment).await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let account = test.empty_account(&offer).await;
        if leaves {
            test.stripe().deauthorize(&account).expect("it is connected");
        }
        test.stack.run_until_idle().await;
        test.post_action("ada", &appointment, "cancel", &Value::Null).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "refunded", "it has left: {leaves}");
        if leaves {
            continue;
        }
        // The share, and the cost of the refund.
        assert_eq!(test.owed(&offer).await, json!(7_200 + 145));
        let next = test.book_and_secure(&offer, "2027-01-06T10:00:00Z").await;
        let path = format!("/v1/appointments/{next}");
        let payment = test.get(&path).signed_in_as("ada").send().await.expect(200)["payment"].clone();
        assert_eq!(payment["payout_timing"], "after_session");
        test.advance_to("2027-01-07T11:02:00Z").await;
        assert_eq!(test.owed(&offer).await, json!(7_200 + 145 - 7_199), "a cent is left of the share");
    }
}

#[tokio::test]
async fn cancellation_refunds_a_payment_with_as_many_refunds_as_an_expert_may_grant() {
    let test = TestApp::with(|config| config.settings.payout_timing = PayoutTiming::AfterSession).await;
    let offer = test.offer(&tiered_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let refund = async |key: usize, cents: u64| {
        let part = json!({ "amount": { "amount": cents, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        let key = format!("part{key}");
        let response = test.post(&path).signed_in_as("ada").idempotency_key(&key).json(&part).send().await;
        test.stack.run_until_idle().await;
        response
    };
    for part in 0..app::payments::refunds::MAX_REFUNDS {
        refund(part, 1).await.expect(201);
    }
    assert_eq!(refund(98, 1).await.problem(409), "payment-state");
    // After the grace period, and 25 hours before the session.
    test.advance(3_600);
    test.post_action("alan", &appointment, "cancel", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.shares(&offer).await[0], 4_000, "the cancellation is refunded");
    // The expert can give back all that is left.
    assert_eq!(refund(99, 1).await.problem(409), "payment-state");
    refund(100, 4_000).await.expect(201);
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
}
