//! Moving a session: at once by its client, and otherwise by a proposal that the other side accepts or declines.

use domain::scheduling::booking_limits::BookingLimits;
use serde_json::{Value, json};

use crate::harness::{Offer, TestApp, free_hour, id, paid_hour};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Three weeks after the tests begin, which they do on 2027-01-04 at 08:00 UTC.
const AT: &str = "2027-01-25T10:00:00Z";

/// An hour for EUR 200.00 with a full refund until 48 hours and a half one until 24 hours before.
fn terms() -> Value {
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(20_000);
    terms["cancellation_policy"] = json!({
        "tiers": [
            { "until_hours_before": 48, "refund_percent": 100 },
            { "until_hours_before": 24, "refund_percent": 50 },
        ],
        "grace_minutes": 0,
        "no_show_refund_percent": 0,
    });
    terms["rescheduling_policy"] = json!({ "until_minutes_before": 1_440 });
    terms
}

fn starts(starts: &[&str]) -> Value {
    json!({ "starts": starts })
}

fn start(start: &str) -> Value {
    json!({ "start": start })
}

impl TestApp {
    async fn cancellation(&self, appointment: &str) -> (u64, String) {
        let path = format!("/v1/appointments/{appointment}/cancellation");
        let quote = self.get(&path).signed_in_as("alan").send().await.expect(200);
        let reason = quote["reason"].as_str().expect("a reason").to_owned();
        (quote["refund"]["amount"].as_u64().expect("an amount"), reason)
    }

    async fn quote_of_move(&self, subject: &str, appointment: &str, start: &str) -> Value {
        let path = format!("/v1/appointments/{appointment}/reschedule?start={start}");
        self.get(&path).signed_in_as(subject).send().await.expect(200)
    }

    async fn act(&self, subject: &str, appointment: &str, action: &str, body: &Value) -> Value {
        self.post_action(subject, appointment, action, body).await.expect(200)
    }

    async fn refuses(&self, subject: &str, appointment: &str, action: &str, body: &Value) -> String {
        self.post_action(subject, appointment, action, body).await.problem(409).to_owned()
    }

    async fn cancels(&self, subject: &str, appointment: &str) -> u64 {
        self.act(subject, appointment, "cancel", &json!({})).await;
        self.stack.run_until_idle().await;
        let path = format!("/v1/appointments/{appointment}/payment");
        let payment = self.get(&path).signed_in_as("alan").send().await.expect(200);
        payment["refunded"]["amount"].as_u64().expect("an amount")
    }
}

async fn booked(test: &TestApp) -> (Offer, String) {
    let offer = test.offer(&terms()).await;
    let appointment = test.book_and_pay(&offer, AT, "k").await;
    (offer, appointment)
}

#[tokio::test]
async fn expert_cannot_take_a_refund_by_moving_the_session() {
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    for other in ["ada", "margaret"] {
        let refused =
            test.post_action(other, &appointment, "reschedule", &start("2027-01-05T09:00:00Z")).await;
        assert_eq!(refused.problem(403), "forbidden", "{other}");
    }
    let soon = starts(&["2027-01-05T09:00:00Z", "2027-01-26T10:00:00Z"]);
    let proposed = test.act("ada", &appointment, "proposal", &soon).await;
    assert_eq!(proposed["start"], AT, "the old time stands");
    let proposal = &proposed["proposal"];
    assert_eq!((&proposal["by"], &proposal["status"]), (&json!("expert"), &json!("open")));
    assert_eq!((&proposal["starts"], &proposal["price"]), (&soon["starts"], &proposed["price"]));
    assert_eq!(proposal["expires_at"], "2027-01-05T08:00:00Z", "an hour before the earliest proposed start");
    assert_eq!(test.cancellation(&appointment).await, (20_000, "tier".to_owned()));
    // Only the client decides, and an administrator cannot.
    let first = start("2027-01-05T09:00:00Z");
    assert_eq!(test.refuses("ada", &appointment, "proposal/accept", &first).await, "invalid-status");
    assert_eq!(test.refuses("ada", &appointment, "proposal/decline", &json!(null)).await, "invalid-status");
    assert_eq!(test.refuses("alan", &appointment, "proposal/withdraw", &json!(null)).await, "invalid-status");
    let by_admin = test.post_action("margaret", &appointment, "proposal/accept", &first).await;
    assert_eq!(by_admin.problem(403), "forbidden");
    let declined = test.act("alan", &appointment, "proposal/decline", &json!(null)).await;
    assert_eq!((&declined["start"], &declined["proposal"]["status"]), (&json!(AT), &json!("declined")));
    // After the last tier, too.
    test.advance(21 * DAY + HOUR);
    assert_eq!(test.cancellation(&appointment).await, (20_000, "proposal_not_accepted".to_owned()));
    assert_eq!(test.cancels("alan", &appointment).await, 20_000);
}

#[tokio::test]
async fn each_proposed_time_is_held_until_one_is_accepted() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let (monday, tuesday) = ("2027-01-25", "2027-01-26");
    let proposed = ["2027-01-26T10:00:00Z", "2027-01-26T10:30:00Z", "2027-01-25T10:30:00Z"];
    let body = json!({ "starts": proposed, "message": "My train is late: secret-word." });
    let answer = test.act("ada", &appointment, "proposal", &body).await;
    // A repeated request changes nothing.
    assert_eq!(test.act("ada", &appointment, "proposal", &body).await, answer);
    let held = test.starts(&offer, tuesday).await;
    assert!(
        !held.iter().any(|start| ("2027-01-26T09:30:00Z".."2027-01-26T11:30:00Z").contains(&start.as_str()))
    );
    assert_eq!(test.book_as("grace", &offer, "2027-01-26T09:30:00Z", "g").await.problem(409), "slot-taken");
    assert_eq!(
        test.refuses("ada", &appointment, "proposal", &starts(&["2027-01-27T10:00:00Z"])).await,
        "invalid-status"
    );
    let refused = test.refuses("alan", &appointment, "proposal/accept", &start("2027-01-27T10:00:00Z")).await;
    assert_eq!(refused, "invalid-status");

    let accepted = test.act("alan", &appointment, "proposal/accept", &start(proposed[1])).await;
    assert_eq!((&accepted["start"], &accepted["reschedules"]), (&json!(proposed[1]), &json!(1)));
    assert_eq!(accepted["reschedules_by_client"], 0);
    assert_eq!(accepted["proposal"]["status"], "accepted");
    assert_eq!(accepted["proposal"]["start"], proposed[1]);
    assert_eq!(test.act("alan", &appointment, "proposal/accept", &start(proposed[1])).await, accepted);
    assert_eq!(test.starts(&offer, monday).await.len(), 15, "the old time is free");
    assert_eq!(test.starts(&offer, tuesday).await.len(), 12, "the other times too");
    test.book_as("grace", &offer, "2027-01-26T09:30:00Z", "g2").await.expect(201);

    test.stack.run_until_idle().await;
    let history =
        test.get(&format!("/v1/appointments/{appointment}/history")).signed_in_as("alan").send().await;
    let changes = history.expect(200)["changes"].clone();
    assert_eq!((&changes[2]["change"], &changes[2]["by"]), (&json!("proposed"), &json!("expert")));
    assert_eq!(changes[2]["starts"], json!(proposed));
    assert_eq!((&changes[3]["change"], &changes[3]["by"]), (&json!("rescheduled"), &json!("client")));
    let published = test.stack.bus.published();
    let published: Vec<Value> = published.iter().map(|event| json!([event.kind, event.detail])).collect();
    let text = json!(published).to_string();
    assert!(text.contains("appointment.proposed") && !text.contains("secret-word"), "{text}");
}

#[tokio::test]
async fn proposal_expires_by_time_alone() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let proposed = starts(&["2027-01-26T10:00:00Z", "2027-01-27T10:00:00Z"]);
    let answer = test.act("ada", &appointment, "proposal", &proposed).await;
    assert_eq!(answer["proposal"]["expires_at"], "2027-01-06T08:00:00Z");
    test.advance(2 * DAY - 1);
    assert_eq!(test.book_as("grace", &offer, "2027-01-26T10:00:00Z", "g").await.problem(409), "slot-taken");
    test.advance(1);
    // No job has run.
    let expired = test.appointment(&appointment).await;
    assert_eq!(
        (&expired["proposal"]["status"], &expired["version"]),
        (&json!("expired"), &answer["version"])
    );
    assert_eq!(
        test.refuses("alan", &appointment, "proposal/accept", &start("2027-01-26T10:00:00Z")).await,
        "invalid-status"
    );
    test.book_as("grace", &offer, "2027-01-26T10:00:00Z", "g2").await.expect(201);
    assert_eq!(test.appointment(&appointment).await["status"], "confirmed", "only the hold was taken");
    assert_eq!(test.cancellation(&appointment).await.1, "proposal_not_accepted");
    test.sweep().await;
    let expired = test.appointment(&appointment).await;
    assert_eq!((&expired["proposal"]["status"], &expired["version"]), (&json!("expired"), &json!(4)));
    assert_eq!(test.cancels("alan", &appointment).await, 20_000);
}

#[tokio::test]
async fn a_cancellation_or_a_move_by_the_client_ends_a_proposal() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let first = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let second = id(&test.book(&offer, "2027-01-05T12:00:00Z", "k2").await.expect(201));
    let days = ["2027-01-06", "2027-01-07"];
    let propose = async |appointment: &str, start: &str| {
        test.act("ada", appointment, "proposal", &starts(&[start])).await;
    };
    propose(&first, "2027-01-06T10:00:00Z").await;
    propose(&second, "2027-01-06T14:00:00Z").await;
    assert!(test.starts(&offer, days[0]).await.len() < 15);
    let cancelled = test.act("alan", &first, "cancel", &json!(null)).await;
    assert_eq!(cancelled["proposal"], json!(null));
    let moved = test.act("alan", &second, "reschedule", &start("2027-01-07T12:00:00Z")).await;
    assert_eq!((&moved["proposal"], &moved["reschedules_by_client"]), (&json!(null), &json!(1)));
    assert_eq!(test.starts(&offer, days[0]).await.len(), 15);
    assert_eq!(
        test.refuses("alan", &second, "proposal/accept", &start("2027-01-06T14:00:00Z")).await,
        "invalid-status"
    );
    // What a side withdraws is free again, and five proposals are enough.
    for _ in 0..4 {
        propose(&second, "2027-01-06T14:00:00Z").await;
        test.act("ada", &second, "proposal/withdraw", &json!(null)).await;
    }
    assert_eq!(test.starts(&offer, days[0]).await.len(), 15);
    let sixth = test.post_action("ada", &second, "proposal", &starts(&["2027-01-06T14:00:00Z"])).await;
    assert_eq!(sixth.problem(409), "invalid-status");
    assert!(sixth.body["detail"].as_str().expect("words").contains("5 times"));
}

#[tokio::test]
async fn client_proposes_when_the_terms_allow_no_move_at_once() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let later = "2027-02-08T10:00:00Z";
    test.advance(20 * DAY + 5 * HOUR);
    let refused = test.post_action("alan", &appointment, "reschedule", &start(later)).await;
    assert_eq!(refused.problem(409), "invalid-status");
    assert!(refused.body["detail"].as_str().expect("words").contains("propose other times"));
    let three = [later, "2027-02-09T10:00:00Z", "2027-02-10T10:00:00Z"];
    for (bad, place) in [
        (&three[..], "/starts"),
        (&[], "/starts"),
        (&[AT], "/starts/0"),
        (&[later, later], "/starts/1"),
        (&["2027-01-04T10:00:00Z"], "/starts/0"),
    ] {
        let refused = test.post_action("alan", &appointment, "proposal", &starts(bad)).await;
        assert_eq!(refused.problem(422), "invalid", "{bad:?}");
        assert_eq!(refused.places(), [place], "{bad:?}");
    }
    let closed =
        test.post_action("alan", &appointment, "proposal", &starts(&[later, "2027-02-08T22:00:00Z"])).await;
    assert_eq!((closed.problem(409), closed.places()), ("not-offered", vec!["/starts/1"]));
    let proposed = test.act("alan", &appointment, "proposal", &starts(&three[..2])).await;
    assert_eq!(proposed["proposal"]["expires_at"], AT, "never after the start of the session");
    assert_eq!(test.cancellation(&appointment).await, (0, "too_late".to_owned()));
    // A declined proposal of the client changes nothing, and an accepted one keeps the tier that they have reached.
    test.act("ada", &appointment, "proposal/decline", &json!(null)).await;
    assert_eq!(test.cancellation(&appointment).await, (0, "too_late".to_owned()));
    test.act("alan", &appointment, "proposal", &starts(&[later])).await;
    let accepted = test.act("ada", &appointment, "proposal/accept", &start(later)).await;
    assert_eq!((&accepted["reschedules_by_client"], &accepted["start"]), (&json!(1), &json!(later)));
    assert_eq!(test.cancellation(&appointment).await, (0, "tier".to_owned()));
    // If the expert then proposes, the agreed terms return.
    test.act("ada", &appointment, "proposal", &starts(&["2027-02-09T10:00:00Z"])).await;
    test.act("alan", &appointment, "proposal/accept", &start("2027-02-09T10:00:00Z")).await;
    assert_eq!(test.cancellation(&appointment).await, (20_000, "tier".to_owned()));
    assert_eq!(test.starts(&offer, "2027-02-08").await.len(), 15);
}

#[tokio::test]
async fn client_holds_little_time_of_an_expert_with_proposals() {
    let limits = BookingLimits { free_appointments_per_expert: 5, ..BookingLimits::default() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let offer = test.offer(&free_hour()).await;
    let mut booked = Vec::new();
    for day in 11..16 {
        let at = format!("2027-01-{day}T10:00:00Z");
        booked.push(id(&test.book(&offer, &at, &at).await.expect(201)));
    }
    let starts_of = |place: usize| {
        let day = 18 + place;
        json!({ "starts": [format!("2027-01-{day}T10:00:00Z"), format!("2027-01-{day}T14:00:00Z")] })
    };
    for (place, appointment) in booked.iter().take(4).enumerate() {
        test.act("alan", appointment, "proposal", &starts_of(place)).await;
        test.advance(60);
    }
    // A withdrawn proposal counts, too.
    test.act("alan", &booked[3], "proposal/withdraw", &json!(null)).await;
    let refused = test.post_action("alan", &booked[4], "proposal", &starts_of(4)).await;
    assert_eq!(refused.problem(429), "too-many-proposals");
    assert_eq!((&refused.body["limit"], &refused.body["retry_after"]), (&json!(4), &json!(2 * DAY - 240)));
    // The expert can propose, and after two days the client can again.
    test.act("ada", &booked[3], "proposal", &starts_of(3)).await;
    test.advance(2 * DAY - 240);
    test.act("alan", &booked[4], "proposal", &starts_of(4)).await;
}

#[tokio::test]
async fn session_is_moved_with_the_notice_of_a_booking() {
    let test = TestApp::new().await;
    let mut noticed = free_hour();
    noticed["minimum_notice_minutes"] = json!(180);
    let offer = test.offer(&noticed).await;
    let appointment = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    // It is 08:00. The same holds for a booking.
    let soon = "2027-01-04T10:00:00Z";
    assert_eq!(test.book_as("grace", &offer, soon, "g").await.problem(409), "too-soon");
    assert_eq!(test.refuses("alan", &appointment, "reschedule", &start(soon)).await, "too-soon");
    for side in ["ada", "alan"] {
        assert_eq!(test.refuses(side, &appointment, "proposal", &starts(&[soon])).await, "too-soon");
    }
    let later = "2027-01-04T14:00:00Z";
    let proposed = test.act("alan", &appointment, "proposal", &starts(&[later])).await;
    assert_eq!(proposed["proposal"]["expires_at"], "2027-01-04T11:00:00Z");
    test.advance(3 * HOUR);
    assert_eq!(test.refuses("ada", &appointment, "proposal/accept", &start(later)).await, "invalid-status");
}

#[tokio::test]
async fn proposal_cannot_be_accepted_seconds_before_the_session() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let appointment = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let later = "2027-01-04T14:00:00Z";
    let proposed = test.act("alan", &appointment, "proposal", &starts(&[later])).await;
    assert_eq!(proposed["proposal"]["expires_at"], "2027-01-04T13:00:00Z", "an hour before the start");
    test.advance(6 * HOUR - 10);
    assert_eq!(test.refuses("ada", &appointment, "proposal/accept", &start(later)).await, "invalid-status");
    assert_eq!(test.appointment(&appointment).await["start"], "2027-01-05T10:00:00Z");
}

#[tokio::test]
async fn seats_of_a_group_session_are_held_for_a_proposal() {
    let test = TestApp::new().await;
    let mut course = free_hour();
    course["capacity"] = json!(2);
    let offer = test.offer(&course).await;
    let first = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    test.book_as("grace", &offer, "2027-01-05T10:00:00Z", "g").await.expect(201);
    test.book_as("grace", &offer, "2027-01-06T10:00:00Z", "g2").await.expect(201);
    let proposed = ["2027-01-06T10:00:00Z", "2027-01-07T10:00:00Z"];
    test.act("ada", &first, "proposal", &starts(&proposed)).await;
    assert_eq!(test.book_as("edsger", &offer, proposed[0], "e").await.problem(409), "seats-taken");
    test.book_as("edsger", &offer, proposed[1], "e2").await.expect(201);
    let accepted = test.act("alan", &first, "proposal/accept", &start(proposed[0])).await;
    assert_eq!(accepted["start"], proposed[0]);
    for free in ["2027-01-05T10:00:00Z", proposed[1]] {
        test.book_as("barbara", &offer, free, free).await.expect(201);
    }
    assert_eq!(test.book_as("barbara", &offer, proposed[0], "b").await.problem(409), "seats-taken");
}

#[tokio::test]
async fn concurrent_decisions_have_one_result() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for round in 0..4 {
        let booked = test.book(&offer, "2027-01-05T10:00:00Z", &format!("k{round}")).await.expect(201);
        let appointment = id(&booked);
        test.act("ada", &appointment, "proposal", &starts(&["2027-01-06T10:00:00Z"])).await;
        let (accept, nothing) = (start("2027-01-06T10:00:00Z"), json!(null));
        let (accepted, withdrawn, cancelled) = tokio::join!(
            test.post_action("alan", &appointment, "proposal/accept", &accept),
            test.post_action("ada", &appointment, "proposal/withdraw", &nothing),
            test.post_action("ada", &appointment, "cancel", &nothing),
        );
        let done: Vec<u16> =
            [&accepted, &withdrawn, &cancelled].iter().map(|answer| answer.status.as_u16()).collect();
        assert!(
            done.contains(&200) && done.iter().all(|status| [200, 409, 412].contains(status)),
            "{done:?}"
        );
        assert!(done[0] != 200 || done[1] != 200, "both accepted and withdrawn");
        test.post_action("ada", &appointment, "cancel", &nothing).await.expect(200);
        for day in ["2027-01-05", "2027-01-06"] {
            assert_eq!(test.starts(&offer, day).await.len(), 15, "round {round}");
        }
    }
}

#[tokio::test]
async fn quote_of_a_move_says_what_the_move_does() {
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    let later = "2027-02-08T10:00:00Z";
    let refund = |quote: &Value, of: &str| quote[of]["refund"]["amount"].as_u64();
    let quote = test.quote_of_move("alan", &appointment, later).await;
    assert_eq!((&quote["how"], &quote["at_once_until"]), (&json!("at_once"), &json!("2027-01-24T10:00:00Z")));
    assert_eq!(quote["price"]["amount"], 20_000);
    assert_eq!(
        (refund(&quote, "cancellation_now"), refund(&quote, "cancellation_after_move")),
        (Some(20_000), Some(20_000))
    );
    assert_eq!(quote["cancellation_after_decline"], json!(null));
    assert_eq!(test.quote_of_move("ada", &appointment, later).await["how"], "propose");
    // In the second tier, a move keeps that tier.
    test.advance(19 * DAY + 5 * HOUR);
    let quote = test.quote_of_move("alan", &appointment, later).await;
    assert_eq!(
        (refund(&quote, "cancellation_now"), refund(&quote, "cancellation_after_move")),
        (Some(10_000), Some(10_000))
    );
    // 47 hours ahead is in the second tier too.
    test.act("ada", &appointment, "proposal", &starts(&[later, "2027-01-25T12:00:00Z"])).await;
    for (start, after) in [(later, 20_000), ("2027-01-25T12:00:00Z", 10_000)] {
        let quote = test.quote_of_move("alan", &appointment, start).await;
        assert_eq!(quote["how"], "accept");
        assert_eq!(
            (refund(&quote, "cancellation_now"), refund(&quote, "cancellation_after_move")),
            (Some(10_000), Some(after))
        );
        assert_eq!(refund(&quote, "cancellation_after_decline"), Some(20_000));
        assert_eq!(quote["cancellation_after_decline"]["reason"], "proposal_not_accepted");
    }
    let path = format!("/v1/appointments/{appointment}/reschedule");
    for bad in ["", "?start=x", &format!("?start={AT}"), "?start=2027-01-04T10:00:00Z"] {
        let refused = test.get(&format!("{path}{bad}")).signed_in_as("alan").send().await;
        assert_eq!(refused.problem(422), "invalid", "{bad}");
    }
    let quote = test.quote_of_move("alan", &appointment, later).await;
    test.act("alan", &appointment, "proposal/accept", &start(later)).await;
    assert_eq!(Some(test.cancellation(&appointment).await.0), refund(&quote, "cancellation_after_move"));
    test.act("alan", &appointment, "cancel", &json!({})).await;
    let over = test.get(&format!("{path}?start=2027-02-09T10:00:00Z")).signed_in_as("alan").send().await;
    assert_eq!(over.problem(409), "invalid-status");
}

/// The example of `docs/policies.md`: a line for each step, with what the client gets back by cancelling right after it.
#[tokio::test]
async fn example_of_the_guide_has_the_refunds_of_the_platform() {
    let guide = include_str!("../../../docs/policies.md");
    let (_, section) = guide.split_once("\n## Moving a session\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let lines: Vec<(&str, u64)> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let &[when, _, refund] = cells.as_slice() else { return None };
            let amount = refund.strip_prefix("EUR ")?.replace('.', "").parse().ok()?;
            Some((when, amount))
        })
        .collect();
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    let mut refunds = Vec::new();
    let mut quote = async |when: &'static str| refunds.push((when, test.cancellation(&appointment).await.0));
    quote("4 January").await;
    test.advance(19 * DAY + 5 * HOUR);
    quote("23 January").await;
    test.act("alan", &appointment, "reschedule", &start("2027-02-08T10:00:00Z")).await;
    quote("23 January").await;
    test.act("ada", &appointment, "proposal", &starts(&["2027-02-10T10:00:00Z", "2027-02-11T10:00:00Z"]))
        .await;
    quote("23 January").await;
    test.act("alan", &appointment, "proposal/decline", &json!(null)).await;
    quote("23 January").await;
    test.advance(15 * DAY);
    quote("7 February").await;
    test.act("alan", &appointment, "proposal", &starts(&["2027-02-15T10:00:00Z"])).await;
    quote("7 February").await;
    test.act("ada", &appointment, "proposal/accept", &start("2027-02-15T10:00:00Z")).await;
    quote("7 February").await;
    assert_eq!(refunds, lines);
}

#[tokio::test]
async fn client_moves_a_session_ten_times_if_its_policy_says_nothing() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let appointment = id(&test.book(&offer, AT, "k").await.expect(201));
    assert_eq!(test.appointment(&appointment).await["rescheduling_policy"]["at_most"], Value::Null);
    let times = ["2027-01-25T11:00:00Z", "2027-01-25T12:00:00Z"];
    for time in times.into_iter().cycle().take(10) {
        assert_eq!(test.quote_of_move("alan", &appointment, time).await["how"], "at_once");
        test.act("alan", &appointment, "reschedule", &start(time)).await;
    }
    let quote = test.quote_of_move("alan", &appointment, AT).await;
    assert_eq!((&quote["how"], quote.get("at_once_until")), (&json!("propose"), None));
    let refused = test.post_action("alan", &appointment, "reschedule", &start(AT)).await;
    assert_eq!(refused.problem(409), "invalid-status");
    let detail = refused.body["detail"].as_str().expect("text");
    assert!(detail.contains("moved the appointment 10 times"), "{detail}");
    test.act("alan", &appointment, "proposal", &starts(&[AT])).await;
}
