//! Jobs that fail: administrators see them with the reason, and retry them.

use app::payments::jobs::PaymentsJob;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use simulators::stripe::Faults;

use crate::harness::{GOOD_CARD, TestApp, free_hour, id, intent, paid_hour};

/// The failing jobs, as an administrator reads them.
async fn failing(test: &TestApp, query: &str) -> Value {
    test.get(&format!("/v1/failing-jobs{query}")).signed_in_as("margaret").send().await.expect(200)
}

#[tokio::test]
async fn failing_job_is_listed_and_retried() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    assert_eq!(failing(&test, "").await, json!({ "jobs": [] }));
    test.stack.run_until_idle().await;
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stripe().set_faults(Faults { fail_before_acting: 2, ..Faults::default() });
    test.stack.run_until_idle().await;
    let now = test.stack.app.now();
    let listed = failing(&test, "").await;
    let job = &listed["jobs"][0];
    let expected = json!({
        "id": job["id"],
        "name": format!("payment:{}", id(&booked)),
        "kind": "payment",
        "status": "failing",
        "appointment_id": id(&booked),
        "reason": "the payment gateway failed",
        "failing_since": now,
        "failure_domain": "payments",
        "first_due_at": now,
        "next_attempt_at": now.plus(15),
        "attempts": 1,
    });
    assert_eq!(listed, json!({ "jobs": [expected] }));
    for private in ["Alan", "alan@example.org", "sk_test", "_secret_"] {
        assert!(!listed.to_string().contains(private), "{listed}");
    }
    let retry = format!("/v1/failing-jobs/{}/retry", job["id"].as_str().expect("an id"));
    let retry = || test.post(&retry).signed_in_as("margaret").send();
    // It fails again, and has been failing since the first time.
    test.advance(5);
    let retried = retry().await.expect(200);
    assert_eq!((&retried["next_attempt_at"], &retried["attempts"]), (&json!(now.plus(5)), &json!(1)));
    test.stack.run_until_idle().await;
    let listed = failing(&test, "").await;
    let job = &listed["jobs"][0];
    assert_eq!((&job["failing_since"], &job["attempts"]), (&json!(now), &json!(2)));
    assert_eq!(job["next_attempt_at"], json!(now.plus(5 + 30)));
    retry().await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
    assert_eq!(failing(&test, "").await, json!({ "jobs": [] }));
    // A job that does not fail cannot be retried.
    assert_eq!(retry().await.problem(404), "not-found");
}

#[tokio::test]
async fn reading_a_payment_leaves_a_failing_job_as_it_is() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    test.stack.run_until_idle().await;
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stripe().set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    test.stack.run_until_idle().await;
    let before = failing(&test, "").await;
    assert_eq!(before["jobs"][0]["attempts"], 1);
    let payment = format!("/v1/appointments/{}/payment", id(&booked));
    test.get(&payment).signed_in_as("alan").send().await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(failing(&test, "").await, before);
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    // It runs when its pause is over.
    test.advance(20);
    test.sweep().await;
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
}

#[tokio::test]
async fn failing_jobs_are_listed_page_by_page() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let mut names = Vec::new();
    for (hour, key) in [("10", "a"), ("11", "b"), ("12", "c")] {
        let booked = test.book(&offer, &format!("2027-01-05T{hour}:00:00Z"), key).await.expect(201);
        let appointment = id(&booked).parse().expect("an id");
        test.store_failing_job(PaymentsJob::Payment { appointment }).await;
        names.push(format!("payment:{}", id(&booked)));
        test.advance(1);
    }
    let (mut listed, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = failing(&test, &query).await;
        let jobs = page["jobs"].as_array().expect("a list").clone();
        listed.extend(jobs.iter().map(|job| job["name"].as_str().expect("a name").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, names, "the longest failing first");
    let page = failing(&test, "?limit=3").await;
    assert_eq!(page["jobs"].as_array().map(Vec::len), Some(3));
    assert_eq!(page["next_cursor"], Value::Null, "the last page is full");
    for wrong in ["?cursor=x", "?cursor=bm8", "?limit=0", "?limit=101", "?more=1"] {
        let path = format!("/v1/failing-jobs{wrong}");
        assert_eq!(test.get(&path).signed_in_as("margaret").send().await.problem(422), "invalid", "{wrong}");
    }
    // The partition or the name is longer than a key of the table.
    let long = ["a".repeat(2_049) + "\na", "a\n".to_owned() + &"a".repeat(1_018)]
        .map(|id| URL_SAFE_NO_PAD.encode(id));
    for unknown in ["x", "bm8", "bm90aGluZwpub3RoaW5n", "%0A", &long[0], &long[1]] {
        let path = format!("/v1/failing-jobs/{unknown}/retry");
        assert_eq!(test.post(&path).signed_in_as("margaret").send().await.problem(404), "not-found");
    }
}

#[tokio::test]
async fn unreadable_entry_is_set_aside_and_listed() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    let appointment = "apt_00000000000000000000000007";
    // Entries of a later release. One has no version, and one has a version of another type.
    let versions = [json!({ "N": "7" }), Value::Null, json!({ "N": "1.5" }), json!({ "S": "a token" })];
    for (job, version) in ["calendar-event", "greeting", "note", "reminder"].into_iter().zip(&versions) {
        let name = format!("{job}:{appointment}");
        let mut item = json!({
            "PK": { "S": format!("APT#{appointment}") },
            "SK": { "S": format!("OUTBOX#{name}") },
            "GSI1PK": { "S": "OUTBOX#7" },
            "GSI1SK": { "S": format!("001700000000#{name}") },
            "job": { "S": name },
            "later": { "S": "kept" },
        });
        if !version.is_null() {
            item["version"] = version.clone();
        }
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
    }
    test.sweep().await;
    assert_eq!(test.stack.bus.published().len(), 1, "the other jobs have run");
    let listed = failing(&test, "").await;
    let jobs = listed["jobs"].as_array().expect("a list");
    assert_eq!(jobs.len(), 4, "{listed:#}");
    for (job, kind) in jobs.iter().zip(["calendar-event", "greeting", "note", "reminder"]) {
        let expected = json!({
            "id": job["id"],
            "name": format!("{kind}:{appointment}"),
            "kind": kind,
            "status": "set_aside",
            "appointment_id": appointment,
            "reason": "the attributes of the entry cannot be read",
            "failing_since": test.stack.app.now(),
        });
        assert_eq!(*job, expected);
        let path = format!("/v1/failing-jobs/{}/retry", job["id"].as_str().expect("an id"));
        assert_eq!(test.post(&path).signed_in_as("margaret").send().await.problem(409), "job-unreadable");
    }
    assert!(test.snapshot().await.contains(r#""later":{"S":"kept"}"#));
}
