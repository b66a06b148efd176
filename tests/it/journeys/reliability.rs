//! Late cancellations, declined proposals, moves and no-shows are counted for both sides.

use app::events::PartyName;
use app::messaging::jobs::MessagingJob;
use app::operations::jobs::Job;
use domain::PersonId;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{Incident, IncidentKind, ReliabilityRules};
use serde_json::{Value, json};
use store::Transaction;

use crate::harness::{Offer, TestApp, free_hour, id, paid_hour};

/// The counts of the last 90 days: late cancellations, declined proposals, moves and no-shows.
fn counts(side: &Value) -> [u64; 4] {
    let counts = &side["last_90_days"];
    ["late_cancellations", "declined_proposals", "moves", "no_shows"]
        .map(|name| counts[name].as_u64().unwrap_or_else(|| panic!("no {name}: {side:#}")))
}

/// The counts of a person as an expert and as a client, as they read them.
async fn own(test: &TestApp, subject: &str) -> ([u64; 4], [u64; 4]) {
    let own = test.get("/v1/me/reliability").signed_in_as(subject).send().await.expect(200);
    let me = test.get("/v1/me").signed_in_as(subject).send().await.expect(200);
    let path = format!("/v1/people/{}/reliability", me["id"].as_str().expect("an id"));
    let shown = test.get(&path).signed_in_as("margaret").send().await.expect(200);
    assert_eq!(own, shown, "an administrator reads the same");
    (counts(&own["as_expert"]), counts(&own["as_client"]))
}

async fn book(test: &TestApp, offer: &Offer, start: &str) -> String {
    book_for(test, "alan", offer, start).await
}

async fn book_for(test: &TestApp, client: &str, offer: &Offer, start: &str) -> String {
    id(&test.book_as(client, offer, start, start).await.expect(201))
}

/// Clients with whom an expert can have incidents that count one by one.
const CLIENTS: [&str; 5] = ["alan", "grace", "katherine", "dora", "emmy"];

/// The expert cancels a session of a client today, a number of hours after 10:00.
async fn cancel_on(test: &TestApp, client: &str, offer: &Offer, hours: usize) -> String {
    let booked = book_for(test, client, offer, &format!("2027-01-04T{:02}:00:00Z", 10 + hours)).await;
    test.post_action("ada", &booked, "cancel", &Value::Null).await.expect(200);
    booked
}

#[tokio::test]
async fn late_cancellations_and_moves_count_for_the_side_that_makes_them() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    // It is Monday, 08:00.
    let tomorrow = book(&test, &offer, "2027-01-05T10:00:00Z").await;
    let today = book(&test, &offer, "2027-01-04T12:00:00Z").await;
    let other = book(&test, &offer, "2027-01-04T15:00:00Z").await;
    test.post_action("alan", &tomorrow, "reschedule", &json!({ "start": "2027-01-05T12:00:00Z" }))
        .await
        .expect(200);
    test.post_action("alan", &tomorrow, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await, ([0; 4], [0, 0, 1, 0]), "28 hours before is not late");
    test.post_action("alan", &today, "cancel", &Value::Null).await.expect(200);
    test.post_action("ada", &other, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await, ([0; 4], [1, 0, 1, 0]));
    assert_eq!(own(&test, "ada").await, ([1, 0, 0, 0], [0; 4]));
    // After 90 days nothing counts, and the month still shows it.
    test.advance(91 * 86_400);
    assert_eq!(own(&test, "alan").await, ([0; 4], [0; 4]));
    let alan = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
    let months = &alan["as_client"]["months"];
    assert_eq!((&months[0]["month"], &months[0]["late_cancellations"]), (&json!("2027-01"), &json!(1)));
}

#[tokio::test]
async fn no_number_of_moves_displaces_late_cancellations() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for (place, client) in CLIENTS[..3].iter().enumerate() {
        cancel_on(&test, client, &offer, 2 + place).await;
    }
    let booked = book(&test, &offer, "2027-01-06T12:00:00Z").await;
    let store = &test.stack.app.store;
    let appointment = store.appointment(booked.parse().expect("an id")).await.expect("readable");
    let appointment = appointment.expect("it exists");
    let at = test.stack.app.now().plus(1);
    for hundred in 0..10 {
        let mut transaction = Transaction::new();
        for number in (0..100).map(|one| hundred * 100 + one) {
            let (side, kind) = (Party::Expert, IncidentKind::Move);
            let moved = Incident::of_change(kind, &appointment, side, at);
            let moved = Incident { number, ..moved };
            transaction.put_incident(&appointment, &moved).expect("storable");
        }
        store.commit(transaction).await.expect("committed");
    }
    test.advance(1);
    assert_eq!(own(&test, "ada").await.0, [3, 0, 1_000, 0]);
    let ada = test.get("/v1/me/reliability").signed_in_as("ada").send().await.expect(200);
    assert_eq!(ada["as_expert"]["consequence"], "warning");
}

#[tokio::test]
async fn failing_card_counts_like_a_late_cancellation() {
    const FAILS_LATER: &str = "4000000000000341";
    for (hours_before, late) in [(30, 0), (12, 1)] {
        let test = TestApp::new().await;
        let mut terms = paid_hour();
        terms["collection"] = json!("authorize_then_capture");
        let offer = test.offer(&terms).await;
        // The card is saved, and the session is then moved close to now.
        let booked = test.book(&offer, "2027-01-20T10:00:00Z", "k").await.expect(201);
        let appointment = id(&booked);
        test.stripe().pay(crate::harness::intent(&booked), FAILS_LATER).expect("it can be saved");
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&appointment).await["status"], "confirmed");
        let start: domain::Timestamp = "2027-01-08T10:00:00Z".parse().expect("an instant");
        let now = start.plus(-(24 + hours_before) * 3_600);
        test.advance_to(&now.to_string()).await;
        test.post_action("alan", &appointment, "reschedule", &json!({ "start": start })).await.expect(200);
        test.stack.run_until_idle().await;
        test.advance_to(&start.plus(-(hours_before * 3_600) + 120).to_string()).await;
        assert_eq!(test.appointment(&appointment).await["status"], "cancelled");
        assert_eq!(own(&test, "alan").await.1[0], late, "{hours_before} hours before the session");
    }
}

#[tokio::test]
async fn cancellation_after_a_late_move_is_late() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let (late, early) = (
        book(&test, &offer, "2027-01-04T12:00:00Z").await,
        book(&test, &offer, "2027-01-05T12:00:00Z").await,
    );
    for (booked, start) in [(&early, "2027-01-07T10:00:00Z"), (&late, "2027-01-07T12:00:00Z")] {
        test.post_action("alan", booked, "reschedule", &json!({ "start": start })).await.expect(200);
    }
    test.post_action("alan", &early, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await.1, [0, 0, 2, 0]);
    test.post_action("alan", &late, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await.1, [1, 0, 2, 0]);
}

#[tokio::test]
async fn declined_and_accepted_proposals_count() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = book(&test, &offer, "2027-01-06T10:00:00Z").await;
    let starts = json!({ "starts": ["2027-01-06T12:00:00Z"] });
    test.post_action("ada", &booked, "proposal", &starts).await.expect(200);
    test.post_action("alan", &booked, "proposal/decline", &Value::Null).await.expect(200);
    test.post_action("ada", &booked, "proposal", &starts).await.expect(200);
    let accept = json!({ "start": "2027-01-06T12:00:00Z" });
    test.post_action("alan", &booked, "proposal/accept", &accept).await.expect(200);
    // The side that proposed the move made it.
    assert_eq!(own(&test, "alan").await.1, [0, 1, 0, 0]);
    assert_eq!(own(&test, "ada").await.0, [0, 0, 1, 0]);
}

#[tokio::test]
async fn no_show_counts_when_it_takes_effect() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "a").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("ada", &booked, "no-show", &json!({ "missed_by": "client" })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(own(&test, "alan").await.1, [0; 4], "Alan can still object");
    test.advance(86_400);
    test.sweep().await;
    assert_eq!(own(&test, "alan").await.1, [0, 0, 0, 1]);
}

#[tokio::test]
async fn no_show_counts_although_the_expert_refunds_everything_before_it_takes_effect() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "a").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("alan", &booked, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    test.stack.run_until_idle().await;
    let everything = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    let refund = test.post(&format!("/v1/appointments/{booked}/refunds")).signed_in_as("ada");
    refund.idempotency_key("r").json(&everything).send().await.expect(201);
    test.stack.run_until_idle().await;
    test.advance(86_400);
    test.sweep().await;
    assert_eq!(test.appointment(&booked).await["no_show_report"], Value::Null, "it has taken effect");
    assert_eq!(own(&test, "ada").await.0, [0, 0, 0, 1]);
}

#[tokio::test]
async fn no_show_of_a_free_session_does_not_count_because_nobody_can_object() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = book(&test, &offer, "2027-01-05T10:00:00Z").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("alan", &booked, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&booked).await["status"], "no_show");
    assert_eq!(own(&test, "ada").await, ([0; 4], [0; 4]));
}

/// A group session for free.
fn free_course() -> Value {
    let mut terms = free_hour();
    terms["capacity"] = json!(5);
    terms
}

#[tokio::test]
async fn bookings_of_one_group_session_count_once_for_each_side() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_course()).await;
    let mut booked = Vec::new();
    for (number, subject) in ["alan", "alan", "alan", "grace"].into_iter().enumerate() {
        let key = format!("k{number}");
        let answer = test.book_as(subject, &offer, "2027-01-04T12:00:00Z", &key).await.expect(201);
        booked.push(id(&answer));
    }
    for one in &booked[..2] {
        test.post_action("alan", one, "cancel", &Value::Null).await.expect(200);
    }
    assert_eq!(own(&test, "alan").await.1, [1, 0, 0, 0], "one session, whatever the number of bookings");
    for one in &booked[2..] {
        test.post_action("ada", one, "cancel", &Value::Null).await.expect(200);
    }
    assert_eq!(own(&test, "ada").await.0, [1, 0, 0, 0], "one session, whatever the number of clients");
    // The same session at another time is another one.
    let later = id(&test.book(&offer, "2027-01-04T14:00:00Z", "later").await.expect(201));
    test.post_action("alan", &later, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await.1, [2, 0, 0, 0]);
    let alan = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
    assert_eq!(alan["as_client"]["months"][0]["late_cancellations"], 2);
}

#[tokio::test]
async fn several_incidents_have_a_consequence() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for (place, consequence) in ["none", "none", "warning", "warning", "warning"].into_iter().enumerate() {
        cancel_on(&test, CLIENTS[place], &offer, 1 + place).await;
        let ada = test.get("/v1/me/reliability").signed_in_as("ada").send().await.expect(200);
        assert_eq!(ada["as_expert"]["consequence"], consequence, "{place}");
        assert_eq!(ada["as_client"]["consequence"], "none", "{place}");
    }
}

#[tokio::test]
async fn one_counterpart_alone_leads_to_no_consequence() {
    let test = with_rules(2, Some(3)).await;
    let offer = test.offer(&free_hour()).await;
    let told = async || {
        let told = warnings(&test, "ada").await.len();
        let ada = test.get("/v1/me/reliability").signed_in_as("ada").send().await.expect(200);
        let consequence = ada["as_expert"]["consequence"].clone();
        let me = test.get("/v1/me").signed_in_as("ada").send().await.expect(200);
        (told, consequence, me.get("suspension").is_some())
    };
    for hours in 1..=4 {
        cancel_on(&test, "alan", &offer, hours).await;
    }
    assert_eq!(own(&test, "ada").await.0, [4, 0, 0, 0], "all are shown");
    assert_eq!(told().await, (0, json!("none"), false));
    cancel_on(&test, "grace", &offer, 5).await;
    assert_eq!(told().await, (1, json!("warning"), false));
    cancel_on(&test, "grace", &offer, 6).await;
    cancel_on(&test, "alan", &offer, 1).await;
    assert_eq!(told().await, (1, json!("warning"), false));
    cancel_on(&test, "katherine", &offer, 2).await;
    assert_eq!(told().await, (2, json!("suspension"), true));
}

async fn with_rules(warning: u16, suspension: Option<u16>) -> TestApp {
    let rules = ReliabilityRules { warning, suspension, ..ReliabilityRules::default() };
    TestApp::with(|config| config.settings.reliability = rules).await
}

/// The id of a person.
async fn person(test: &TestApp, subject: &str) -> String {
    let me = test.get("/v1/me").signed_in_as(subject).send().await.expect(200);
    me["id"].as_str().expect("an id").to_owned()
}

/// The warnings of a person, the newest first.
async fn warnings(test: &TestApp, subject: &str) -> Vec<Value> {
    test.stack.run_until_idle().await;
    let mut notifications = test.notifications(subject).await;
    notifications.retain(|notification| notification["kind"] == "reliability_warning");
    notifications
}

async fn lift_suspension(test: &TestApp, person: &str) {
    let path = format!("/v1/people/{person}/suspension");
    let tag = test.get(&path).signed_in_as("margaret").send().await.etag();
    let change = test.put(&path).signed_in_as("margaret").header("If-Match", &tag);
    change.json(&json!({ "suspended": false, "reason": "Ill for a week" })).send().await.expect(200);
}

/// The job that lets an incident have its consequences runs again.
async fn repeat(test: &TestApp, appointment: &str, person: &str, side: PartyName) {
    let job: Job = MessagingJob::ApplyConsequences {
        person: person.parse::<PersonId>().expect("an id"),
        side,
        appointment: appointment.parse().expect("an id"),
    }
    .into();
    let mut transaction = Transaction::new();
    let entry = job.entry(test.stack.app.now(), 7).expect("JSON");
    transaction.enqueue(job.failure_domain(), &entry).expect("storable");
    test.stack.app.store.commit(transaction).await.expect("enqueued");
    test.sweep().await;
}

#[tokio::test]
async fn person_is_warned_once_for_each_incident_from_the_number_on() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let ada = person(&test, "ada").await;
    let mut cancelled = String::new();
    for (place, told) in [0, 0, 1, 2].into_iter().enumerate() {
        cancelled = cancel_on(&test, CLIENTS[place], &offer, 1 + place).await;
        assert_eq!(warnings(&test, "ada").await.len(), told, "{place}");
        test.advance(1);
    }
    let last = &warnings(&test, "ada").await[0];
    for (member, value) in [
        ("side", json!("expert")),
        ("appointment_id", json!(cancelled)),
        ("incidents", json!(4)),
        ("warning_from", json!(3)),
        ("read", json!(false)),
    ] {
        assert_eq!(last[member], value, "{last:#}");
    }
    assert_eq!(last.get("suspension_from"), None, "only administrators suspend people");
    repeat(&test, &cancelled, &ada, PartyName::Expert).await;
    assert_eq!(warnings(&test, "ada").await.len(), 2, "a repeated job warns nobody again");
    assert_eq!(warnings(&test, "alan").await, [] as [Value; 0], "the other side is told nothing");
    let me = test.get("/v1/me").signed_in_as("ada").send().await.expect(200);
    assert_eq!(me.get("suspension"), None);
}

#[tokio::test]
async fn expert_is_warned_of_no_shows_in_effect_and_members_are_not() {
    let test = with_rules(2, None).await;
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "ines", "manager").await;
    let mut booked = Vec::new();
    for (client, start) in [("alan", "2027-01-05T10:00:00Z"), ("grace", "2027-01-05T12:00:00Z")] {
        let answer = test.book_as(client, &offer, start, start).await.expect(201);
        test.stripe().pay(crate::harness::intent(&answer), crate::harness::GOOD_CARD).expect("it works");
        test.stack.run_until_idle().await;
        booked.push(id(&answer));
    }
    // It is Tuesday, 13:15.
    test.advance(29 * 3_600 + 900);
    let missed = json!({ "missed_by": "expert" });
    test.post_action("ines", &booked[0], "no-show", &missed).await.expect(200);
    test.post_action("grace", &booked[1], "no-show", &Value::Null).await.expect(200);
    assert_eq!(warnings(&test, "ada").await, [] as [Value; 0], "one can still be objected to");
    test.advance(86_400 + 60);
    test.sweep().await;
    let told = warnings(&test, "ada").await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["side"], &told[0]["incidents"]), (&json!("expert"), &json!(2)));
    assert_eq!(told[0]["appointment_id"], booked[1].as_str());
    for subject in ["ines", "alan"] {
        assert_eq!(warnings(&test, subject).await, [] as [Value; 0], "{subject}");
    }
}

#[tokio::test]
async fn platform_suspends_an_expert_who_cancels_late_too_often() {
    let test = with_rules(3, Some(2)).await;
    let offer = test.offer(&free_hour()).await;
    let ada = person(&test, "ada").await;
    for (client, hours) in [("alan", 2), ("grace", 4)] {
        cancel_on(&test, client, &offer, hours).await;
        test.stack.run_until_idle().await;
    }
    let me = test.get("/v1/me").signed_in_as("ada").send().await.expect(200);
    let reason = "2 late cancellations and no-shows with different clients within 90 days";
    assert_eq!(me["suspension"]["reason"], reason);
    assert_eq!(warnings(&test, "ada").await[0]["suspension_from"], 2);
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "refused").await.problem(409), "expert-not-live");
    let path = format!("/v1/people/{ada}/suspension");
    let history = test.get(&path).signed_in_as("margaret").send().await.expect(200);
    let change = &history["changes"][0];
    assert_eq!((&change["decided_by"], change.get("by")), (&json!("platform"), None));
    assert_eq!((&change["reason"], &change["suspended"]), (&json!(reason), &json!(true)));
    lift_suspension(&test, &ada).await;
    test.advance(120);
    test.sweep().await;
    test.book(&offer, "2027-01-05T10:00:00Z", "booked").await.expect(201);
    let history = test.get(&path).signed_in_as("margaret").send().await.expect(200);
    assert_eq!(history["changes"][1]["decided_by"], "administrator");
}

/// The example of `docs/policies.md`: a line for each step, with the counts right after it.
#[tokio::test]
async fn example_of_the_guide_has_the_consequences_of_the_platform() {
    let guide = include_str!("../../../docs/policies.md");
    let (_, section) = guide.split_once("\n### An example of consequences\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let lines: Vec<(u64, usize, &str)> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let &[_, incidents, warnings, suspended] = cells.as_slice() else { return None };
            Some((incidents.parse().ok()?, warnings.parse().ok()?, suspended))
        })
        .collect();
    let test = with_rules(2, Some(3)).await;
    let offer = test.offer(&free_hour()).await;
    let session_type = test.session_type(&offer.expert, &free_course()).await;
    let course = Offer { session_type, ..offer.clone() };
    let ada = person(&test, "ada").await;
    let mut seen = Vec::new();
    let mut look = async || {
        let warnings = warnings(&test, "ada").await.len();
        let counts = own(&test, "ada").await.0;
        let me = test.get("/v1/me").signed_in_as("ada").send().await.expect(200);
        let suspended = if me["suspension"].is_null() { "no" } else { "yes" };
        seen.push((counts[0] + counts[3], warnings, suspended));
    };
    // The earlier one counts, so no two are of the same second.
    let cancel = async |booked: &str| {
        test.post_action("ada", booked, "cancel", &Value::Null).await.expect(200);
        test.advance(1);
    };
    let single = [
        book_for(&test, "alan", &offer, "2027-01-04T12:00:00Z").await,
        book_for(&test, "alan", &offer, "2027-01-04T13:00:00Z").await,
        book_for(&test, "grace", &offer, "2027-01-04T14:00:00Z").await,
        book_for(&test, "dora", &offer, "2027-01-05T14:00:00Z").await,
    ];
    let seats = [
        book_for(&test, "alan", &course, "2027-01-04T15:00:00Z").await,
        book_for(&test, "katherine", &course, "2027-01-04T15:00:00Z").await,
    ];
    for booked in &single[..3] {
        cancel(booked).await;
        look().await;
    }
    for seat in &seats {
        cancel(seat).await;
    }
    look().await;
    lift_suspension(&test, &ada).await;
    look().await;
    for booked in [&single[2], &seats[0], &seats[1]] {
        repeat(&test, booked, &ada, PartyName::Expert).await;
    }
    test.advance(86_400);
    test.sweep().await;
    look().await;
    cancel(&single[3]).await;
    look().await;
    assert_eq!(seen, lines);
}
