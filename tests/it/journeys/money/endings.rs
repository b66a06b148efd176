//! The outcome of sessions: completion without a report, no-show reports, disputed reports, and decisions of administrators.

use domain::payments::ledger::Account;
use serde_json::{Value, json};

use super::authorized_hour;
use crate::harness::{Offer, TestApp, free_hour, paid_hour};

/// The start of the session, which takes an hour.
const AT: &str = "2027-01-05T10:00:00Z";

#[tokio::test]
async fn session_completes_without_a_report() {
    for (terms, state) in
        [(free_hour(), Value::Null), (paid_hour(), json!("paid")), (authorized_hour(), json!("paid"))]
    {
        let test = TestApp::new().await;
        let offer = test.offer(&terms).await;
        let appointment = match state {
            Value::Null => crate::harness::id(&test.book(&offer, AT, "k").await.expect(201)),
            _ => test.book_and_secure(&offer, AT).await,
        };
        // The rescheduled time counts.
        let moved = json!({ "start": "2027-01-05T14:00:00Z" });
        test.post_action("alan", &appointment, "reschedule", &moved).await.expect(200);
        test.advance_to("2027-01-06T14:59:00Z").await;
        assert_eq!(test.appointment(&appointment).await["status"], "confirmed", "{state}");
        test.advance_to("2027-01-06T15:02:00Z").await;
        let now = test.appointment(&appointment).await;
        assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("completed"), &state));
        assert_eq!(test.published("appointment.completed"), 1);
        if !state.is_null() {
            test.balances(&offer).await;
        }
        // No job is left.
        let id: domain::AppointmentId = appointment.parse().expect("an id");
        let job = store::JobName::new("payment", id);
        assert!(test.stack.app.store.outbox_entry(&job).await.expect("readable").is_none(), "{state}");
    }
}

#[tokio::test]
async fn session_outcome_cannot_be_reported_early() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let none = Value::Null;
    let says = async |who, what, at| {
        test.advance_to(at).await;
        test.post_action(who, &appointment, what, &none).await.problem(409).to_owned()
    };
    assert_eq!(says("ada", "no-show", "2027-01-05T09:59:00Z").await, "invalid-status");
    assert_eq!(says("alan", "no-show", "2027-01-05T10:09:00Z").await, "invalid-status");
    assert_eq!(says("ada", "no-show", "2027-01-05T10:09:30Z").await, "invalid-status");
    assert_eq!(says("ada", "complete", "2027-01-05T10:59:00Z").await, "invalid-status");
    assert_eq!(test.post_action("alan", &appointment, "complete", &none).await.problem(403), "forbidden");
    let client = json!({ "missed_by": "client" });
    assert_eq!(test.post_action("alan", &appointment, "no-show", &client).await.problem(403), "forbidden");
    let platform = json!({ "missed_by": "platform" });
    test.post_action("ada", &appointment, "no-show", &platform).await.problem(422);
    assert_eq!(test.appointment(&appointment).await["status"], "confirmed");
}

/// A session that the client has reported as missed by the expert.
async fn reported(terms: &Value) -> (TestApp, Offer, String) {
    let test = TestApp::new().await;
    let offer = test.offer(terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T10:10:00Z").await;
    let now = test.post_action("alan", &appointment, "no-show", &Value::Null).await.expect(200);
    assert_eq!((&now["status"], &now["missed_by"]), (&json!("no_show"), &json!("expert")));
    assert_eq!(now["no_show_report"], json!({ "state": "open", "until": "2027-01-06T10:10:00Z" }));
    test.stack.run_until_idle().await;
    (test, offer, appointment)
}

#[tokio::test]
async fn undisputed_no_show_report_is_refunded_after_a_day() {
    for terms in [paid_hour(), authorized_hour()] {
        let (test, offer, appointment) = reported(&terms).await;
        // A repeated report changes nothing and does not extend the period.
        test.advance_to("2027-01-06T10:09:00Z").await;
        test.post_action("alan", &appointment, "no-show", &Value::Null).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], 0);
        test.advance_to("2027-01-06T10:11:00Z").await;
        let now = test.appointment(&appointment).await;
        assert_eq!((&now["status"], now.get("no_show_report")), (&json!("no_show"), None));
        assert!(matches!(now["payment"]["state"].as_str(), Some("refunded" | "cancelled")), "{now:#}");
        assert_eq!(test.cents(&offer, [Account::Client, Account::Authorized, Account::Expert]).await, [0; 3]);
        let late = test.post_action("ada", &appointment, "complete", &Value::Null).await;
        assert_eq!(late.problem(409), "invalid-status", "the report counts");
    }
}

#[tokio::test]
async fn no_show_confirmed_by_the_expert_is_refunded_at_once() {
    let (test, offer, appointment) = reported(&paid_hour()).await;
    test.post_action("ada", &appointment, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["state"], "refunded");
    assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn disputed_no_show_is_decided_by_an_administrator() {
    let absent = |who: &str| json!({ "missed_by": who });
    for (terms, expert_first) in [(paid_hour(), false), (paid_hour(), true), (authorized_hour(), false)] {
        for (what, body, client) in [
            ("complete", Value::Null, -8_000),
            ("complete", json!({ "charge": { "amount": 2_000, "currency": "EUR" } }), -2_000),
            ("no-show", absent("client"), -8_000),
            ("no-show", absent("expert"), 0),
        ] {
            let test = TestApp::new().await;
            let offer = test.offer(&terms).await;
            let appointment = test.book_and_secure(&offer, AT).await;
            test.advance_to("2027-01-05T11:00:00Z").await;
            let sayings = [("alan", "no-show"), ("ada", "complete")];
            for (who, says) in if expert_first { [sayings[1], sayings[0]] } else { sayings } {
                test.post_action(who, &appointment, says, &Value::Null).await.expect(200);
            }
            test.stack.run_until_idle().await;
            let now = test.appointment(&appointment).await;
            assert_eq!(now["no_show_report"], json!({ "state": "disputed" }));
            assert_eq!(test.published("appointment.no_show_disputed"), 1);
            assert_eq!(test.published("payment.escalated"), 1);
            // A repeated report and time decide nothing, and an authorization does not expire meanwhile.
            for (who, says) in sayings {
                test.post_action(who, &appointment, says, &Value::Null).await.expect(200);
            }
            assert_eq!(test.resolve(&appointment, "try_again").await.problem(409), "payment-state");
            test.advance_to("2027-01-15T10:00:00Z").await;
            let seen =
                test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("margaret").send().await;
            let seen = seen.expect(200);
            assert_eq!(seen["payment"]["escalation"], json!({ "reason": "no_show_disputed" }), "{seen:#}");
            assert_eq!(seen["payment"]["state"], "paid");

            test.post_action("margaret", &appointment, what, &body).await.expect(200);
            test.stack.run_until_idle().await;
            let now =
                test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("margaret").send().await;
            let now = now.expect(200);
            assert_eq!(now["no_show_report"], json!({ "state": "decided" }));
            assert_eq!(now["payment"].get("escalation"), None);
            assert_eq!(test.cents(&offer, [Account::Client, Account::Authorized]).await, [client, 0]);
            // The outcome can no longer be changed, and a refund cannot be charged again.
            if now["status"] == "completed" {
                let late = test.post_action("alan", &appointment, "no-show", &Value::Null).await;
                assert_eq!(late.problem(409), "invalid-status");
            }
            if client > -8_000 {
                let all = json!({ "charge": { "amount": 8_000, "currency": "EUR" } });
                let again = test.post_action("margaret", &appointment, "complete", &all).await;
                assert_eq!(again.problem(409), "payment-state");
            }
        }
    }
}
