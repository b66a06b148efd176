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
    assert_eq!(now["no_show_report"], json!({ "state": "reported" }));
    // The period for objections begins when the expert is notified.
    test.stack.run_until_idle().await;
    let now = test.appointment(&appointment).await;
    assert_eq!(now["no_show_report"], json!({ "state": "open", "until": "2027-01-06T10:10:00Z" }));
    assert_eq!(test.notifications("ada").await[0]["object_until"], "2027-01-06T10:10:00Z");
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

/// A session that the expert has reported as missed by the client.
async fn reported_by_the_expert(terms: &Value) -> (TestApp, Offer, String) {
    let test = TestApp::new().await;
    let offer = test.offer(terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T10:10:00Z").await;
    let now = test.post_action("ada", &appointment, "no-show", &Value::Null).await.expect(200);
    assert_eq!((&now["status"], &now["missed_by"]), (&json!("no_show"), &json!("client")));
    assert_eq!(now["no_show_report"], json!({ "state": "reported" }));
    (test, offer, appointment)
}

/// A cancellation policy that gives the same part back until the start and for a no-show.
fn refunds_always(percent: u8) -> Value {
    json!({
        "tiers": [{ "until_hours_before": 0, "refund_percent": percent }],
        "grace_minutes": 0,
        "no_show_refund_percent": percent,
    })
}

#[tokio::test]
async fn no_show_of_the_client_counts_a_day_after_they_were_notified() {
    for mut terms in [paid_hour(), authorized_hour()] {
        terms["cancellation_policy"] = refunds_always(50);
        let (test, offer, appointment) = reported_by_the_expert(&terms).await;
        let expert = async || test.cents(&offer, [Account::Client]).await;
        let before = expert().await;
        // The worker is late. Until the client is notified, nothing happens, and they can object.
        test.advance(3 * 86_400);
        assert_eq!(test.notifications("alan").await.len(), 1, "only the confirmation");
        test.sweep().await;
        let told = test.notifications("alan").await;
        assert_eq!((&told[0]["change"], &told[0]["missed_by"]), (&json!("no_show"), &json!("client")));
        assert_eq!(told[0]["object_until"], "2027-01-09T10:10:00Z");
        let now = test.appointment(&appointment).await;
        assert_eq!(now["no_show_report"], json!({ "state": "open", "until": "2027-01-09T10:10:00Z" }));
        // An administrator does not shorten the period.
        let decision = json!({ "missed_by": "expert" });
        let early = test.post_action("margaret", &appointment, "no-show", &decision).await;
        assert_eq!(early.problem(409), "invalid-status");
        test.advance_to("2027-01-09T10:09:00Z").await;
        assert_eq!(test.payment(&appointment).await["refunded"]["amount"], 0);
        assert!(terms["collection"] == "authorize_then_capture" || before == expert().await);

        test.advance_to("2027-01-09T10:11:00Z").await;
        let now = test.appointment(&appointment).await;
        assert_eq!((&now["status"], now.get("no_show_report")), (&json!("no_show"), None));
        assert_eq!(test.cents(&offer, [Account::Client, Account::Authorized]).await, [-4_000, 0]);
        // Who did not object in time cannot do it with a report of their own either.
        for what in ["no-show/objection", "no-show"] {
            let late = test.post_action("alan", &appointment, what, &Value::Null).await;
            assert_eq!(late.problem(409), "invalid-status", "{what}");
        }
    }
}

#[tokio::test]
async fn notification_says_what_a_report_will_cost() {
    for (who, told, subject, pays) in [("alan", "expert", "ada", 0), ("ada", "client", "alan", 4_000)] {
        let mut terms = paid_hour();
        terms["cancellation_policy"] = refunds_always(50);
        let test = TestApp::new().await;
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to("2027-01-05T10:10:00Z").await;
        test.post_action(who, &appointment, "no-show", &Value::Null).await.expect(200);
        test.stack.run_until_idle().await;
        let notification = test.notifications(subject).await[0].clone();
        assert_eq!(
            (&notification["missed_by"], &notification["final_charge"]["amount"]),
            (&json!(told), &json!(pays))
        );
        let refused = test.post_action(who, &appointment, "no-show/objection", &Value::Null).await;
        assert_eq!(refused.problem(409), "invalid-status");
        assert!(refused.body["detail"].as_str().expect("text").contains("a report that you missed"));
        test.advance_to("2027-01-06T10:11:00Z").await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-i128::from(pays)]);
    }
}

/// The example of `docs/policies.md`: a column for each delay of the notification.
#[tokio::test]
async fn example_of_the_guide_has_the_dates_and_amounts_of_the_platform() {
    let guide = include_str!("../../../../docs/policies.md");
    let (_, section) = guide.split_once("\n## No-shows and objections\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let row = |name: &str| -> Vec<String> {
        let line = section.lines().find(|line| line.starts_with(&format!("| {name} |"))).expect("a row");
        line.trim_matches('|').split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()
    };
    let euros = |amount: &Value| {
        let cents = amount.as_u64().expect("cents");
        format!("EUR {}.{:02}", cents / 100, cents % 100)
    };
    let (mut until, mut refunds, mut paid) = (Vec::new(), Vec::new(), Vec::new());
    for days_late in [0, 3] {
        let mut terms = paid_hour();
        terms["cancellation_policy"] = refunds_always(50);
        let (test, _, appointment) = reported_by_the_expert(&terms).await;
        test.advance(days_late * 86_400);
        test.sweep().await;
        paid.push(euros(&test.payment(&appointment).await["amount"]["amount"]));
        let end = test.appointment(&appointment).await["no_show_report"]["until"].clone();
        let end = chrono::DateTime::parse_from_rfc3339(end.as_str().expect("an instant")).expect("RFC 3339");
        until.push(end.format("%A, %H:%M").to_string());
        test.advance(86_400 + 60);
        test.sweep().await;
        refunds.push(euros(&test.payment(&appointment).await["refunded"]["amount"]));
    }
    assert_eq!(row("the client can object until"), until);
    assert_eq!(row("the client then gets back"), refunds);
    assert_eq!(row("before, the client has paid"), paid);
}

#[tokio::test]
async fn client_who_objects_pays_nothing_more_until_an_administrator_decides() {
    for at_once in [true, false] {
        let (test, offer, appointment) = reported_by_the_expert(&authorized_hour()).await;
        if !at_once {
            test.stack.run_until_idle().await;
            test.advance_to("2027-01-06T10:09:00Z").await;
        }
        for who in ["ada", "margaret"] {
            let refused = test.post_action(who, &appointment, "no-show/objection", &Value::Null).await;
            assert_eq!(refused.problem(409), "invalid-status", "{who}");
        }
        for _ in 0..2 {
            let now = test.post_action("alan", &appointment, "no-show/objection", &Value::Null).await;
            assert_eq!(now.expect(200)["no_show_report"], json!({ "state": "disputed" }));
            test.stack.run_until_idle().await;
        }
        assert_eq!(test.published("appointment.no_show_disputed"), 1);
        let told = test.notifications("ada").await;
        for change in ["no_show_disputed", "payment_escalated"] {
            assert!(told.iter().any(|one| one["change"] == change), "{told:#?}");
        }
        // The expert cannot take it back in their own favor.
        let refused = test.post_action("ada", &appointment, "complete", &Value::Null).await;
        assert_ne!(refused.body["status"], "completed");
        let decision = json!({ "missed_by": "expert" });
        test.post_action("margaret", &appointment, "no-show", &decision).await.expect(200);
        test.stack.run_until_idle().await;
        test.advance(86_400 + 60);
        test.sweep().await;
        assert_eq!(test.cents(&offer, [Account::Client, Account::Authorized, Account::Expert]).await, [0; 3]);
    }
}

#[tokio::test]
async fn report_of_an_administrator_needs_notice_too() {
    for (accused, subject, client) in [("client", "alan", -8_000), ("expert", "ada", 0)] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to("2027-01-05T10:10:00Z").await;
        let report = json!({ "missed_by": accused });
        test.post_action("margaret", &appointment, "no-show", &report).await.expect(200);
        test.stack.run_until_idle().await;
        let told = test.notifications(subject).await;
        assert_eq!(
            (&told[0]["by"], &told[0]["object_until"]),
            (&json!("administrator"), &json!("2027-01-06T10:10:00Z"))
        );
        test.advance_to("2027-01-06T10:09:00Z").await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-8_000]);
        test.advance_to("2027-01-06T10:11:00Z").await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [client]);
    }
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

            // A decision costs nobody anything before both parties were notified and could object for a day.
            let before = test.cents(&offer, [Account::Client, Account::Expert]).await;
            test.post_action("margaret", &appointment, what, &body).await.expect(200);
            test.stack.run_until_idle().await;
            test.post_action("margaret", &appointment, what, &body).await.expect(200);
            let seen = test.appointment(&appointment).await["no_show_report"].clone();
            assert_eq!(
                (&seen["state"], &seen["until"]),
                (&json!("announced"), &json!("2027-01-16T10:00:00Z"))
            );
            assert_eq!(seen.get("charge"), body.get("charge"));
            for party in ["ada", "alan"] {
                assert_eq!(test.notifications(party).await[0]["object_until"], "2027-01-16T10:00:00Z");
            }
            test.advance_to("2027-01-16T09:59:00Z").await;
            assert_eq!(test.cents(&offer, [Account::Client, Account::Expert]).await, before);
            test.advance_to("2027-01-16T10:01:00Z").await;
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

#[tokio::test]
async fn party_that_objects_to_a_decision_gets_another_one_which_is_the_last() {
    for (who, what) in [("alan", "complete"), ("ada", "no-show")] {
        let (test, offer, appointment) = reported(&paid_hour()).await;
        test.post_action("ada", &appointment, "complete", &Value::Null).await.expect(200);
        test.stack.run_until_idle().await;
        let decision = if what == "no-show" { json!({ "missed_by": "expert" }) } else { Value::Null };
        test.post_action("margaret", &appointment, what, &decision).await.expect(200);
        test.stack.run_until_idle().await;
        let refused = test.post_action("margaret", &appointment, "no-show/objection", &Value::Null).await;
        assert_eq!(refused.problem(409), "invalid-status");
        let other = json!({ "missed_by": "client" });
        let early = test.post_action("margaret", &appointment, "no-show", &other).await;
        assert_eq!(early.problem(409), "invalid-status");
        for _ in 0..2 {
            let now = test.post_action(who, &appointment, "no-show/objection", &Value::Null).await;
            assert_eq!(now.expect(200)["no_show_report"], json!({ "state": "appealed" }));
            test.stack.run_until_idle().await;
        }
        // Time decides nothing.
        test.advance(9 * 86_400);
        test.sweep().await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-8_000]);
        assert_eq!(test.appointment(&appointment).await["payment"]["state"], "paid");
        test.post_action("margaret", &appointment, what, &decision).await.expect(200);
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&appointment).await["no_show_report"], json!({ "state": "decided" }));
        let pays = if what == "no-show" { 0 } else { -8_000 };
        assert_eq!(test.cents(&offer, [Account::Client]).await, [pays]);
        let late = test.post_action(who, &appointment, "no-show/objection", &Value::Null).await;
        assert_eq!(late.problem(409), "invalid-status");
        let history = test.history("ada", &appointment).await;
        let disputes = history.iter().filter(|entry| entry["change"] == "no_show_disputed");
        assert_eq!(disputes.count(), 2, "{history:#?}");
    }
}

#[tokio::test]
async fn smaller_charge_of_an_administrator_needs_notice_and_that_of_the_expert_none() {
    let charge = json!({ "charge": { "amount": 2_000, "currency": "EUR" } });
    for (who, at_once) in [("ada", true), ("margaret", false)] {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        test.advance_to("2027-01-05T11:00:00Z").await;
        test.post_action(who, &appointment, "complete", &charge).await.expect(200);
        test.stack.run_until_idle().await;
        let paid = if at_once { -2_000 } else { -8_000 };
        assert_eq!(test.cents(&offer, [Account::Client]).await, [paid], "{who}");
        test.advance_to("2027-01-06T11:01:00Z").await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-2_000], "{who}");
    }
}

#[tokio::test]
async fn administrator_lowers_the_charge_of_a_completed_session_with_notice() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T11:00:00Z").await;
    test.post_action("ada", &appointment, "complete", &json!({})).await.expect(200);
    let charge = |cents: u64| json!({ "charge": { "amount": cents, "currency": "EUR" } });
    assert_eq!(
        test.post_action("ada", &appointment, "complete", &charge(2_000)).await.problem(409),
        "payment-state"
    );
    // Recording the same again changes nothing.
    test.post_action("margaret", &appointment, "complete", &charge(8_000)).await.expect(200);
    assert_eq!(test.appointment(&appointment).await.get("no_show_report"), None);
    for (cents, until) in [(5_000, "2027-01-06T11:01:00Z"), (2_000, "2027-01-07T11:02:00Z")] {
        let before = test.cents(&offer, [Account::Client]).await;
        let announced =
            test.post_action("margaret", &appointment, "complete", &charge(cents)).await.expect(200);
        assert_eq!(announced["no_show_report"]["state"], "announced");
        test.stack.run_until_idle().await;
        test.post_action("margaret", &appointment, "complete", &charge(cents)).await.expect(200);
        // Another decision is possible when the parties have been heard about this one.
        for other in [json!({}), charge(1_000)] {
            let refused = test.post_action("margaret", &appointment, "complete", &other).await;
            assert_eq!(refused.problem(409), "invalid-status", "{other}");
        }
        assert_eq!(test.cents(&offer, [Account::Client]).await, before);
        test.advance_to(until).await;
        assert_eq!(test.cents(&offer, [Account::Client]).await, [-i128::from(cents)]);
    }
    let raised = test.post_action("margaret", &appointment, "complete", &charge(3_000)).await;
    assert_eq!(raised.problem(409), "payment-state");
}

#[tokio::test]
async fn client_can_report_their_own_absence_which_takes_effect_at_once() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/no-show?missed_by=client");
    let own = json!({ "missed_by": "client" });
    test.advance_to("2027-01-05T09:59:00Z").await;
    assert_eq!(test.get(&path).signed_in_as("alan").send().await.problem(409), "invalid-status");
    assert_eq!(test.post_action("alan", &appointment, "no-show", &own).await.problem(409), "invalid-status");
    test.advance_to(AT).await;
    let quoted = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!(
        (&quoted["refund"]["amount"], &quoted["final_charge"]["amount"], quoted.get("objection_hours")),
        (&json!(0), &json!(8_000), None)
    );
    let ended = test.post_action("alan", &appointment, "no-show", &own).await.expect(200);
    assert_eq!((&ended["status"], &ended["missed_by"]), (&json!("no_show"), &json!("client")));
    assert_eq!(ended.get("no_show_report"), None);
    // A repeated report changes nothing.
    test.post_action("alan", &appointment, "no-show", &own).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client]).await, [-8_000]);
    let reliability = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
    assert_eq!(reliability["as_client"]["last_90_days"]["no_shows"], 1);
}

#[tokio::test]
async fn client_cannot_take_back_a_part_of_the_price_by_reporting_their_own_absence() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["cancellation_policy"] = refunds_always(50);
    let offer = test.offer(&terms).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let path = format!("/v1/appointments/{appointment}/no-show?missed_by=client");
    let own = json!({ "missed_by": "client" });
    // The session takes place, and before the expert can say so, the client says that they missed it.
    test.advance_to("2027-01-05T10:59:00Z").await;
    assert_eq!(test.get(&path).signed_in_as("alan").send().await.problem(409), "invalid-status");
    assert_eq!(test.post_action("alan", &appointment, "no-show", &own).await.problem(409), "invalid-status");
    // If the expert says so, the client can agree, and need not wait for a day.
    test.post_action("ada", &appointment, "no-show", &own).await.expect(200);
    test.stack.run_until_idle().await;
    let quoted = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!((&quoted["refund"]["amount"], quoted.get("objection_hours")), (&json!(4_000), None));
    let agreed = test.post_action("alan", &appointment, "no-show", &own).await.expect(200);
    assert_eq!(agreed.get("no_show_report"), None);
    test.stack.run_until_idle().await;
    assert_eq!(test.cents(&offer, [Account::Client]).await, [-4_000]);
}

#[tokio::test]
async fn report_that_contradicts_the_other_side_waits_for_an_administrator_and_states_no_charge() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T11:00:00Z").await;
    test.post_action("ada", &appointment, "complete", &json!({})).await.expect(200);
    let path = format!("/v1/appointments/{appointment}/no-show");
    let quoted = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!((&quoted["takes_effect"], quoted.get("objection_hours")), (&json!("by_decision"), None));
    test.post_action("alan", &appointment, "no-show", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&appointment).await["no_show_report"]["state"], "disputed");
    let published = test.stack.bus.published();
    let disputed = published.iter().find(|event| event.kind == "appointment.no_show_disputed");
    let disputed = &disputed.expect("it is published").detail;
    assert!(!disputed.to_string().contains("final_charge"), "{disputed:#}");
}

#[tokio::test]
async fn quote_of_a_no_show_is_what_the_report_does() {
    let mut terms = paid_hour();
    terms["cancellation_policy"] = refunds_always(25);
    for (who, missed_by, report) in [
        ("ada", "client", Value::Null),
        ("alan", "expert", Value::Null),
        ("ada", "expert", json!({ "missed_by": "expert" })),
    ] {
        let test = TestApp::new().await;
        let offer = test.offer(&terms).await;
        let appointment = test.book_and_secure(&offer, AT).await;
        let query = if report.is_null() { String::new() } else { format!("?missed_by={missed_by}") };
        let path = format!("/v1/appointments/{appointment}/no-show{query}");
        let quote = async || test.get(&path).signed_in_as(who).send().await;
        test.advance_to("2027-01-05T09:59:00Z").await;
        assert_eq!(quote().await.problem(409), "invalid-status");
        test.advance_to("2027-01-05T10:10:00Z").await;
        let quoted = quote().await.expect(200);
        assert_eq!(quoted["missed_by"], missed_by);
        let takes_effect = match report.is_null() {
            true => (json!("after_objections"), json!(24)),
            false => (json!("at_once"), Value::Null),
        };
        assert_eq!((quoted["takes_effect"].clone(), quoted["objection_hours"].clone()), takes_effect);
        assert_eq!(quoted["counts_as_no_show"], true);
        // What the expert will owe is theirs to know. A part of EUR 20.00 leaves a commission that covers the fee.
        let owes = match (who, missed_by) {
            ("ada", "expert") => json!(145),
            ("ada", _) => json!(0),
            _ => Value::Null,
        };
        assert_eq!(quoted["expert_owes"]["amount"], owes, "{who} {missed_by}");
        test.post_action(who, &appointment, "no-show", &report).await.expect(200);
        test.stack.run_until_idle().await;
        test.advance_to("2027-01-06T10:11:00Z").await;
        let payment = test.payment(&appointment).await;
        assert_eq!(payment["refunded"], quoted["refund"], "{who} {missed_by}");
        if who == "ada" {
            let path = format!("/v1/experts/{}/payment-accounts/stripe", offer.expert);
            let account = test.get(&path).signed_in_as("ada").send().await.expect(200);
            let owed = account["owed"][0]["amount"].as_u64().unwrap_or(0);
            assert_eq!(json!(owed), owes, "the quote says what the report does");
        }
        let missed_as = if missed_by == "client" { ("alan", "as_client") } else { ("ada", "as_expert") };
        let reliability = test.get("/v1/me/reliability").signed_in_as(missed_as.0).send().await.expect(200);
        assert_eq!(reliability[missed_as.1]["last_90_days"]["no_shows"], 1);
        let pays = quoted["final_charge"]["amount"].as_i64().expect("an amount");
        assert_eq!(test.cents(&offer, [Account::Client]).await, [i128::from(-pays)]);
    }
}
