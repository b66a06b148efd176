//! How sessions end: that nobody has to say so, that the one who is said not to have come can contradict, and who decides then.

use domain::payments::ledger::Account;
use serde_json::{Value, json};

use super::authorised_hour;
use crate::harness::{Offer, World, free_hour, paid_hour};

/// An hour from ten.
const AT: &str = "2027-01-05T10:00:00Z";

#[tokio::test]
async fn nobody_has_to_say_that_a_session_took_place() {
    for (terms, state) in
        [(free_hour(), Value::Null), (paid_hour(), json!("paid")), (authorised_hour(), json!("paid"))]
    {
        let world = World::new().await;
        let offer = world.offer(&terms).await;
        let appointment = match state {
            Value::Null => crate::harness::id(&world.book(&offer, AT, "k").await.expect(201)),
            _ => world.secured(&offer, AT).await,
        };
        // Where it is moved to is what counts.
        let moved = json!({ "start": "2027-01-05T14:00:00Z" });
        world.act("alan", &appointment, "reschedule", &moved).await.expect(200);
        world.until("2027-01-06T14:59:00Z").await;
        assert_eq!(world.appointment(&appointment).await["status"], "confirmed", "{state}");
        world.until("2027-01-06T15:02:00Z").await;
        let now = world.appointment(&appointment).await;
        assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("completed"), &state));
        assert_eq!(world.told("appointment.completed"), 1);
        if !state.is_null() {
            world.balances(&offer).await;
        }
        // Nothing is owed any more.
        let job = store::Job::Payment(appointment.parse().expect("an id"));
        assert_eq!(world.stack.app.store.outbox_entry(&job).await.expect("readable"), None, "{state}");
    }
}

#[tokio::test]
async fn nobody_says_how_a_session_ended_before_they_can_know() {
    let world = World::new().await;
    let offer = world.offer(&paid_hour()).await;
    let appointment = world.secured(&offer, AT).await;
    let none = Value::Null;
    let says = async |who, what, at| {
        world.until(at).await;
        world.act(who, &appointment, what, &none).await.problem(409).to_owned()
    };
    assert_eq!(says("ada", "no-show", "2027-01-05T09:59:00Z").await, "status");
    assert_eq!(says("alan", "no-show", "2027-01-05T10:09:00Z").await, "status");
    assert_eq!(says("ada", "no-show", "2027-01-05T10:09:30Z").await, "status");
    assert_eq!(says("ada", "complete", "2027-01-05T10:59:00Z").await, "status");
    assert_eq!(world.act("alan", &appointment, "complete", &none).await.problem(403), "forbidden");
    let client = json!({ "missed_by": "client" });
    assert_eq!(world.act("alan", &appointment, "no-show", &client).await.problem(403), "forbidden");
    let platform = json!({ "missed_by": "platform" });
    world.act("ada", &appointment, "no-show", &platform).await.problem(422);
    assert_eq!(world.appointment(&appointment).await["status"], "confirmed");
}

/// A session whose client says that the expert did not come.
async fn reported(terms: &Value) -> (World, Offer, String) {
    let world = World::new().await;
    let offer = world.offer(terms).await;
    let appointment = world.secured(&offer, AT).await;
    world.until("2027-01-05T10:10:00Z").await;
    let now = world.act("alan", &appointment, "no-show", &Value::Null).await.expect(200);
    assert_eq!((&now["status"], &now["missed_by"]), (&json!("no_show"), &json!("expert")));
    assert_eq!(now["no_show_report"], json!({ "state": "open", "until": "2027-01-06T10:10:00Z" }));
    world.stack.settle().await;
    (world, offer, appointment)
}

#[tokio::test]
async fn a_report_that_nobody_contradicts_gives_everything_back_a_day_later() {
    for terms in [paid_hour(), authorised_hour()] {
        let (world, offer, appointment) = reported(&terms).await;
        // Said again it changes nothing, and sets no clock back.
        world.until("2027-01-06T10:09:00Z").await;
        world.act("alan", &appointment, "no-show", &Value::Null).await.expect(200);
        world.stack.settle().await;
        assert_eq!(world.payment(&appointment).await["refunded"]["amount"], 0);
        world.until("2027-01-06T10:11:00Z").await;
        let now = world.appointment(&appointment).await;
        assert_eq!((&now["status"], now.get("no_show_report")), (&json!("no_show"), None));
        assert!(matches!(now["payment"]["state"].as_str(), Some("refunded" | "cancelled")), "{now:#}");
        assert_eq!(
            world.cents(&offer, [Account::Client, Account::Authorised, Account::Expert]).await,
            [0; 3]
        );
        let late = world.act("ada", &appointment, "complete", &Value::Null).await;
        assert_eq!(late.problem(409), "status", "it counts as said");
    }
}

#[tokio::test]
async fn an_expert_who_agrees_gives_everything_back_at_once() {
    let (world, offer, appointment) = reported(&paid_hour()).await;
    world.act("ada", &appointment, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    world.stack.settle().await;
    assert_eq!(world.payment(&appointment).await["state"], "refunded");
    assert_eq!(world.cents(&offer, [Account::Client, Account::Expert]).await, [0, 0]);
}

#[tokio::test]
async fn what_the_two_say_differently_an_administrator_decides() {
    let absent = |who: &str| json!({ "missed_by": who });
    for (terms, expert_first) in [(paid_hour(), false), (paid_hour(), true), (authorised_hour(), false)] {
        for (what, body, client) in [
            ("complete", Value::Null, -8_000),
            ("complete", json!({ "charge": { "amount": 2_000, "currency": "EUR" } }), -2_000),
            ("no-show", absent("client"), -8_000),
            ("no-show", absent("expert"), 0),
        ] {
            let world = World::new().await;
            let offer = world.offer(&terms).await;
            let appointment = world.secured(&offer, AT).await;
            world.until("2027-01-05T11:00:00Z").await;
            let sayings = [("alan", "no-show"), ("ada", "complete")];
            for (who, says) in if expert_first { [sayings[1], sayings[0]] } else { sayings } {
                world.act(who, &appointment, says, &Value::Null).await.expect(200);
            }
            world.stack.settle().await;
            let now = world.appointment(&appointment).await;
            assert_eq!(now["no_show_report"], json!({ "state": "disputed" }));
            assert_eq!(world.told("appointment.no_show_disputed"), 1);
            assert_eq!(world.told("payment.escalated"), 1);
            // Neither of the two can decide by saying it again, nor can time; money that is set aside does not run out.
            for (who, says) in sayings {
                world.act(who, &appointment, says, &Value::Null).await.expect(200);
            }
            assert_eq!(world.decide(&appointment, "try_again").await.problem(409), "payment-state");
            world.until("2027-01-15T10:00:00Z").await;
            let seen = world.get(&format!("/v1/appointments/{appointment}")).person("margaret").send().await;
            let seen = seen.expect(200);
            assert_eq!(seen["payment"]["escalation"], json!({ "because": "no_show_disputed" }), "{seen:#}");
            assert_eq!(seen["payment"]["state"], "paid");

            world.act("margaret", &appointment, what, &body).await.expect(200);
            world.stack.settle().await;
            let now = world.get(&format!("/v1/appointments/{appointment}")).person("margaret").send().await;
            let now = now.expect(200);
            assert_eq!(now["no_show_report"], json!({ "state": "decided" }));
            assert_eq!(now["payment"].get("escalation"), None);
            assert_eq!(world.cents(&offer, [Account::Client, Account::Authorised]).await, [client, 0]);
            // Neither of the two can say otherwise any more, and what went back cannot be taken again.
            if now["status"] == "completed" {
                let late = world.act("alan", &appointment, "no-show", &Value::Null).await;
                assert_eq!(late.problem(409), "status");
            }
            if client > -8_000 {
                let all = json!({ "charge": { "amount": 8_000, "currency": "EUR" } });
                let again = world.act("margaret", &appointment, "complete", &all).await;
                assert_eq!(again.problem(409), "payment-state");
            }
        }
    }
}
