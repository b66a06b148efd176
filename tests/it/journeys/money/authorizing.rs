//! Authorization, later capture, saved cards, and cards that fail later.

use domain::payments::ledger::{Account, MovementKind};
use domain::payments::payout::PayoutTiming;
use serde_json::json;

use simulators::stripe::Onboarding;

use super::authorized_hour;
use crate::harness::{GOOD_CARD, TestApp, id, intent, paid_hour};

/// Tomorrow.
const SOON: &str = "2027-01-05T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

#[tokio::test]
async fn near_session_is_authorized_at_booking_and_captured_after_the_session() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, SOON).await;
    let now = test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("authorized")));
    assert_eq!(test.kinds(&offer).await, [MovementKind::Authorized]);
    assert_eq!(test.cents(&offer, [Account::Authorized, Account::Expert]).await, [8_000, 0]);
    test.advance_to("2027-01-05T11:00:00Z").await;
    test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    let paid = test.payment(&appointment).await;
    assert_eq!((&paid["state"], &paid["paid"]["amount"]), (&json!("paid"), &json!(8_000)));
    assert_eq!(test.cents(&offer, [Account::Authorized, Account::Expert]).await, [0, 7_200]);
}

#[tokio::test]
async fn expert_can_capture_less_than_authorized() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, SOON).await;
    test.advance_to("2027-01-05T11:00:00Z").await;
    let charge = json!({ "charge": { "amount": 3_005, "currency": "EUR" } });
    test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["paid"]["amount"], 3_005);
    // 10 % of 30.05 is 3.005, which is rounded up.
    let accounts = [Account::Client, Account::Authorized, Account::Expert];
    assert_eq!(test.cents(&offer, accounts).await, [-3_005, 0, 2_704]);
    let again = test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
    assert_eq!(again["status"], "completed");
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["paid"]["amount"], 3_005, "captured once");
}

#[tokio::test]
async fn authorization_is_captured_before_it_expires() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, SOON).await;
    // The new time is after the authorization expires.
    let moved = json!({ "start": LATER });
    test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
    test.advance_to("2027-01-12T08:00:00Z").await;
    let now = test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    test.balances(&offer).await;
}

#[tokio::test]
async fn quote_of_a_move_says_when_the_authorized_amount_is_captured() {
    for timing in [PayoutTiming::AtPayment, PayoutTiming::AfterSession] {
        for (start, is_early) in
            [("2027-01-06T10:00:00Z", false), (LATER, true), ("2027-03-25T10:00:00Z", true)]
        {
            let test = TestApp::with(|config| config.settings.payout_timing = timing).await;
            let mut terms = authorized_hour();
            terms["booking_window"] = json!({ "kind": "rolling", "days": 365 });
            let offer = test.offer(&terms).await;
            let appointment = test.book_and_secure(&offer, SOON).await;
            let path = format!("/v1/appointments/{appointment}/reschedule?start={start}");
            let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
            let captured_by: domain::Timestamp =
                quote["captured_by"].as_str().expect("an instant").parse().expect("an instant");
            let starts_at: domain::Timestamp = start.parse().expect("an instant");
            assert_eq!(captured_by < starts_at, is_early, "{quote:#}");
            let moved = json!({ "start": start });
            test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
            test.stack.run_until_idle().await;
            test.advance_to(&captured_by.plus(-60).to_string()).await;
            assert_eq!(test.payment(&appointment).await["state"], "authorized", "{start}");
            test.advance_to(&captured_by.plus(120).to_string()).await;
            assert_eq!(test.payment(&appointment).await["state"], "paid", "{start}");
            test.balances(&offer).await;
        }
    }
}

#[tokio::test]
async fn quote_of_a_move_is_refused_as_the_move_is() {
    for timing in [PayoutTiming::AtPayment, PayoutTiming::AfterSession] {
        for mut terms in [paid_hour(), authorized_hour()] {
            terms["booking_window"] = json!({ "kind": "rolling", "days": 730 });
            let test = TestApp::with(|config| config.settings.payout_timing = timing).await;
            let offer = test.offer(&terms).await;
            for at in [SOON, LATER, "2027-03-01T10:00:00Z"] {
                let appointment = test.book_and_secure(&offer, at).await;
                for start in [
                    "2027-01-04T22:00:00Z",
                    "2027-03-02T10:00:00Z",
                    "2027-04-20T10:00:00Z",
                    "2028-11-20T10:00:00Z",
                    "2029-11-20T10:00:00Z",
                ] {
                    let path = format!("/v1/appointments/{appointment}/reschedule?start={start}");
                    let quote = test.get(&path).signed_in_as("alan").send().await;
                    let to = json!({ "start": start });
                    let moved = test.post_action("alan", &appointment, "reschedule", &to).await;
                    let case = format!("{timing:?} {at} {start}: {:#} {:#}", quote.body, moved.body);
                    if moved.status == 200 {
                        assert_eq!(quote.body["how"], "at_once", "{case}");
                        assert_eq!(quote.body["price"], moved.body["price"], "{case}");
                    } else if moved.problem(409) == "invalid-status" {
                        // A session that is not paid yet was moved twice. The quote is that of a proposal.
                        assert_ne!(quote.body["how"], "at_once", "{case}");
                    } else {
                        assert_eq!(quote.body["type"], moved.body["type"], "{case}");
                        assert_eq!(quote.status, moved.status, "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn distant_session_saves_the_card_and_authorizes_it_near_the_start() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, LATER).await;
    let now = test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("card_saved")));
    assert_eq!(now["payment"]["plan"], "save_card");
    test.advance_to("2027-01-20T08:00:00Z").await;
    assert_eq!(test.kinds(&offer).await, [], "nothing is authorized yet");
    test.advance_to("2027-01-22T08:00:00Z").await;
    assert_eq!(test.payment(&appointment).await["state"], "authorized");
    test.advance_to("2027-01-25T11:00:00Z").await;
    test.post_action("ada", &appointment, "complete", &json!(null)).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "paid");
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-8_000, 7_200]);
}

#[tokio::test]
async fn saved_card_that_needs_authentication_sets_a_deadline_for_the_client() {
    // A card that is saved without authentication and requires it at each payment.
    const ASKS: &str = "4000002760003184";
    for pays in [true, false] {
        let test = TestApp::new().await;
        let offer = test.offer(&authorized_hour()).await;
        let booked = test.book(&offer, LATER, "k").await.expect(201);
        let waiting = test.stripe().pay(intent(&booked), ASKS).expect("the bank requests authentication");
        assert_eq!(waiting["status"], "requires_action");
        test.stripe().authenticate(intent(&booked), true).expect("the bank agrees");
        test.stack.run_until_idle().await;
        let appointment = id(&booked);
        assert_eq!(test.payment(&appointment).await["state"], "card_saved");
        test.advance_to("2027-01-21T16:00:00Z").await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["state"], "action_required", "{payment:#}");
        assert_eq!(payment["declined"]["reason"], "authentication_required");
        assert_eq!(test.published("payment.action_required"), 1);
        if pays {
            let path = format!("/v1/appointments/{appointment}/payment");
            let how = test.get(&path).signed_in_as("alan").send().await.expect(200);
            let secret = how["client_secret"].as_str().expect("a secret");
            assert!(secret.starts_with(how["intent"].as_str().expect("an intent")));
            let of_expert = test.get(&path).signed_in_as("ada").send().await.expect(200);
            assert_eq!(of_expert.get("client_secret"), None, "the client may read it");
            test.stripe().pay(how["intent"].as_str().expect("an intent"), GOOD_CARD).expect("it works");
            test.stack.run_until_idle().await;
            assert_eq!(test.payment(&appointment).await["state"], "authorized");
            test.advance_to("2027-01-26T12:00:00Z").await;
            let now = test.appointment(&appointment).await;
            assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("completed"), &json!("paid")));
        } else {
            test.advance_to("2027-01-23T10:00:00Z").await;
            let now = test.appointment(&appointment).await;
            assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
            assert_eq!(now["payment"]["state"], "cancelled");
            assert!(test.starts(&offer, "2027-01-25").await.contains(&LATER.to_owned()), "the slot is free");
            assert!(test.stripe().pay(now["payment"]["intent"].as_str().expect("one"), GOOD_CARD).is_err());
        }
        test.balances(&offer).await;
    }
}

#[tokio::test]
async fn declined_saved_card_shows_the_reason() {
    const FAILS_LATER: &str = "4000000000000341";
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = id(&test.book_with_card(&offer, LATER, FAILS_LATER).await);
    test.advance_to("2027-01-21T16:00:00Z").await;
    let payment = test.payment(&appointment).await;
    assert_eq!(
        (&payment["state"], &payment["declined"]["reason"]),
        (&json!("action_required"), &json!("refused"))
    );
    assert!(payment["declined"]["message"].as_str().expect("words").contains("Use another card"));
}

#[tokio::test]
async fn unpaid_session_cannot_be_rescheduled_before_the_payment_deadline() {
    const FAILS_LATER: &str = "4000000000000341";
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = id(&test.book_with_card(&offer, LATER, FAILS_LATER).await);
    test.advance_to("2027-01-21T16:00:00Z").await;
    assert_eq!(test.payment(&appointment).await["state"], "action_required");
    // The payment deadline is after this session.
    let sooner = json!({ "start": "2027-01-22T09:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &sooner).await.expect(200);
    test.advance_to("2027-01-22T09:00:00Z").await;
    let now = test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    test.balances(&offer).await;
}

#[tokio::test]
async fn cancellation_detaches_the_card_and_releases_the_authorization() {
    for (start, state) in [(SOON, "authorized"), (LATER, "card_saved")] {
        let test = TestApp::new().await;
        let offer = test.offer(&authorized_hour()).await;
        let appointment = test.book_and_secure(&offer, start).await;
        assert_eq!(test.payment(&appointment).await["state"], state);
        test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["state"], "cancelled", "{state}");
        let balances = test.balances(&offer).await;
        assert!(balances.iter().all(|(_, _, amount)| amount == 0), "{balances:?}");
        test.advance_to("2027-01-27T00:00:00Z").await;
        assert_eq!(test.payment(&appointment).await["state"], "cancelled", "{state}");
    }
}

#[tokio::test]
async fn late_cancellation_captures_the_final_charge() {
    let mut terms = authorized_hour();
    terms["cancellation_policy"] = json!({ "tiers": [{ "until_hours_before": 24, "refund_percent": 60 }] });
    for (start, before) in [(SOON, "2027-01-04T09:00:00Z"), (LATER, "2027-01-04T09:00:00Z")] {
        let test = TestApp::new().await;
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, start).await;
        test.advance_to(before).await;
        test.post_action("alan", &appointment, "cancel", &json!(null)).await.expect(200);
        test.stack.run_until_idle().await;
        let payment = test.payment(&appointment).await;
        assert_eq!(
            (&payment["state"], &payment["paid"]["amount"]),
            (&json!("paid"), &json!(3_200)),
            "{start}"
        );
        assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [-3_200, 2_880]);
    }
}

#[tokio::test]
async fn unusable_saved_card_can_be_retried_replaced_or_cancelled() {
    #[derive(PartialEq)]
    enum Then {
        Never,
        Soon,
        Late,
    }
    for then in [Then::Never, Then::Soon, Then::Late] {
        let test = TestApp::new().await;
        let offer = test.offer(&authorized_hour()).await;
        let appointment = test.book_and_secure(&offer, LATER).await;
        let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
        let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        test.stripe().onboard(&account, Onboarding::Restricted).expect("possible");
        test.advance_to("2027-01-21T16:00:00Z").await;
        // Stripe refuses payments for this expert, with the saved card and with a new intent.
        assert_eq!(test.payment(&appointment).await["state"], "action_required");
        assert_eq!(test.published("payment.action_required"), 1);
        if then == Then::Soon {
            test.stripe().onboard(&account, Onboarding::Complete).expect("possible");
            test.advance_to("2027-01-21T20:00:00Z").await;
            assert_eq!(
                test.payment(&appointment).await["state"],
                "authorized",
                "the saved card is authorized again"
            );
        }
        test.advance_to("2027-01-23T16:00:00Z").await;
        if then == Then::Late {
            test.stripe().onboard(&account, Onboarding::Complete).expect("possible");
        }
        test.advance_to("2027-01-27T16:00:00Z").await;
        let now = test.appointment(&appointment).await;
        let (status, state) =
            if then == Then::Soon { ("completed", "paid") } else { ("cancelled", "cancelled") };
        assert_eq!((&now["status"], &now["payment"]["state"]), (&json!(status), &json!(state)));
        assert_eq!(test.published("payment.action_required"), 1);
        test.balances(&offer).await;
    }
}
