//! Experts who are a draft or suspended: what others see of their offers, and what stays possible.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Offer, TestApp, free_hour, id, office_hours, paid_hour};

/// The profile of Ada with this status.
fn profile(status: &str) -> Value {
    json!({ "name": "Ada Lovelace", "headline": "Analytical engines", "status": status })
}

/// The paths at which everybody can read an expert and their offers.
fn public_paths(expert: &str, session_type: &str) -> [String; 5] {
    let path = format!("/v1/experts/{expert}");
    let range = "from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z";
    [
        path.clone(),
        format!("{path}/session-types"),
        format!("{path}/session-types?status=all&currency=USD"),
        format!("{path}/session-types/{session_type}"),
        format!("{path}/slots?session_type_id={session_type}&{range}"),
    ]
}

/// Checks that nothing tells an expert from one who does not exist.
async fn check_hidden(test: &TestApp, expert: &str, session_type: &str) {
    let nobody = domain::ExpertId::from_bits(1).to_string();
    // Not even an impossible booking tells that the expert exists.
    for (duration, seats) in [(Value::Null, 1), (json!(25), 499)] {
        let book = async |expert: &str| {
            let offer = Offer { expert: expert.to_owned(), session_type: session_type.to_owned() };
            let mut body = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
            (body["duration_minutes"], body["seats"]) = (duration.clone(), json!(seats));
            let book = test.post("/v1/appointments").signed_in_as("alan").json(&body);
            book.idempotency_key(&format!("{expert}-{seats}")).send().await
        };
        assert_eq!(book(expert).await.problem(404), "not-found");
        assert_eq!(book(&nobody).await.problem(404), "not-found");
    }
    let paths = public_paths(expert, session_type).into_iter().zip(public_paths(&nobody, session_type));
    for (path, missing) in paths {
        let missing = test.get(&missing).send().await;
        assert_eq!(missing.problem(404), "not-found");
        // A public route does not know who calls it.
        for request in [test.get(&path), test.get(&path).signed_in_as("ada")] {
            let hidden = request.send().await;
            assert_eq!(hidden.problem(404), "not-found", "{path}");
            assert_eq!(hidden.body["detail"], missing.body["detail"], "{path}");
        }
    }
}

/// Checks that everybody can read an expert and their offers. Returns the reason why the session type has no slots.
async fn visible_reason(test: &TestApp, offer: &Offer) -> Value {
    for path in public_paths(&offer.expert, &offer.session_type) {
        test.get(&path).send().await.expect(200);
    }
    let list = format!("/v1/experts/{}/session-types", offer.expert);
    test.get(&list).send().await.expect(200)["session_types"][0]["unavailable_reason"].clone()
}

/// Ada replaces her profile with one of this status.
async fn set_status(test: &TestApp, expert: &str, status: &str) -> Value {
    let path = format!("/v1/experts/{expert}");
    let tag = test.get(&format!("{path}/profile")).signed_in_as("ada").send().await.etag();
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", &tag);
    edit.json(&profile(status)).send().await.expect(200)
}

/// An administrator suspends an expert, or lifts the suspension.
async fn suspend(test: &TestApp, expert: &str, suspended: bool) -> Value {
    let path = format!("/v1/experts/{expert}");
    let tag = test.get(&format!("{path}/profile")).signed_in_as("margaret").send().await.etag();
    let edit = test.put(&format!("{path}/suspension")).signed_in_as("margaret").header("If-Match", &tag);
    edit.json(&json!({ "suspended": suspended })).send().await.expect(200)
}

#[tokio::test]
async fn session_types_and_slots_of_a_draft_are_hidden_like_its_profile() {
    let test = TestApp::new().await;
    let create = test.post("/v1/experts").signed_in_as("ada").idempotency_key("profile");
    let expert = id(&create.json(&profile("draft")).send().await.expect(201));
    let session_type = test.session_type(&expert, &free_hour()).await;
    check_hidden(&test, &expert, &session_type).await;
    let rules = test.put(&format!("/v1/experts/{expert}/availability")).signed_in_as("ada");
    rules.header("If-Match", "\"0\"").json(&office_hours()).send().await.expect(200);
    check_hidden(&test, &expert, &session_type).await;

    // The expert, members and administrators list the session types, and see why they have no slots.
    test.join(&expert, "ada", "katherine", "assistant").await;
    let own = format!("/v1/experts/{expert}/profile/session-types");
    for reader in ["ada", "katherine", "margaret"] {
        let listed = test.get(&own).signed_in_as(reader).send().await.expect(200);
        let listed = listed["session_types"].as_array().expect("a list").clone();
        assert_eq!(listed.len(), 1, "{reader}");
        assert_eq!(listed[0]["id"], session_type.as_str(), "{reader}");
        assert_eq!(listed[0]["version"], 1, "{reader}");
        assert_eq!(listed[0]["unavailable_reason"], "expert_not_live", "{reader}");
    }
    assert_eq!(test.get(&own).signed_in_as("alan").send().await.problem(403), "forbidden");
    assert_eq!(test.get(&own).send().await.problem(401), "unauthorized");

    set_status(&test, &expert, "live").await;
    let offer = Offer { expert, session_type };
    assert_eq!(visible_reason(&test, &offer).await, Value::Null);
    let listed = test.get(&own).signed_in_as("ada").send().await.expect(200);
    assert_eq!(listed["session_types"][0]["unavailable_reason"], Value::Null);
    set_status(&test, &offer.expert, "draft").await;
    check_hidden(&test, &offer.expert, &offer.session_type).await;
}

#[tokio::test]
async fn own_list_of_session_types_has_retired_ones_and_estimates_on_request() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.stack.fetch_exchange_rates().await.expect("the rates are fetched");
    let own = format!("/v1/experts/{}/profile/session-types", offer.expert);
    let read = async |query: &str| {
        let read = test.get(&format!("{own}{query}")).signed_in_as("ada").send().await.expect(200);
        read["session_types"].as_array().expect("a list").clone()
    };
    let public = format!("/v1/experts/{}/session-types", offer.expert);
    let listed = test.get(&format!("{public}?currency=USD")).send().await.expect(200);
    assert_eq!(json!(read("?currency=USD").await), listed["session_types"]);
    let retire = format!("{public}/{}", offer.session_type);
    let retire = test.request(Method::DELETE, &retire).signed_in_as("ada").header("If-Match", "\"1\"");
    retire.send().await.expect(200);
    assert_eq!(read("").await.len(), 0);
    assert_eq!(read("?status=all").await[0]["status"], "retired");
}

#[tokio::test]
async fn offers_of_a_suspended_expert_are_as_visible_as_the_profile() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    assert_eq!(suspend(&test, &offer.expert, true).await["status"], "suspended");
    assert_eq!(visible_reason(&test, &offer).await, "expert_not_live");
    // A draft is hidden, whether or not it is suspended.
    assert_eq!(set_status(&test, &offer.expert, "draft").await["status"], "suspended");
    check_hidden(&test, &offer.expert, &offer.session_type).await;
    assert_eq!(suspend(&test, &offer.expert, false).await["status"], "draft");
    check_hidden(&test, &offer.expert, &offer.session_type).await;
}

#[tokio::test]
async fn reasons_of_listed_session_types_have_the_order_of_booking_checks() {
    let test = TestApp::new().await;
    // The expert has no payment account, so the session type has two reasons.
    let expert = test.expert(&office_hours()).await;
    let session_type = test.session_type(&expert, &paid_hour()).await;
    let offer = Offer { expert, session_type };
    let refusal = async |key: &str| test.book(&offer, "2027-01-05T10:00:00Z", key).await;
    suspend(&test, &offer.expert, true).await;
    assert_eq!(visible_reason(&test, &offer).await, "expert_not_live");
    assert_eq!(refusal("k1").await.problem(409), "expert-not-live");
    suspend(&test, &offer.expert, false).await;
    assert_eq!(visible_reason(&test, &offer).await, "payments_not_ready");
    assert_eq!(refusal("k2").await.problem(409), "payments-not-ready");
}

#[tokio::test]
async fn clients_of_an_expert_who_is_not_live_can_still_move_and_cancel() {
    for status in ["suspended", "draft"] {
        let test = TestApp::new().await;
        let offer = test.offer(&free_hour()).await;
        let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k1").await.expect(201));
        test.book_as("katherine", &offer, "2027-01-05T12:00:00Z", "k2").await.expect(201);
        match status {
            "draft" => set_status(&test, &offer.expert, "draft").await,
            _ => suspend(&test, &offer.expert, true).await,
        };
        assert_eq!(test.appointment(&booked).await["status"], "confirmed");
        // A refusal has the starts to which the appointment can be moved.
        let moved = async |start: &Value| {
            test.post_action("alan", &booked, "reschedule", &json!({ "start": start })).await
        };
        let refused = moved(&json!("2027-01-05T12:00:00Z")).await;
        assert_eq!(refused.problem(409), "slot-taken", "{status}");
        let alternatives = refused.body["alternatives"].as_array().expect("alternatives").clone();
        assert_eq!(alternatives.len(), 5, "{status}");
        for start in &alternatives {
            assert_eq!(moved(start).await.expect(200)["start"], *start, "{status}");
        }
        let quote = format!("/v1/appointments/{booked}/cancellation");
        test.get(&quote).signed_in_as("alan").send().await.expect(200);
        let cancelled = test.post_action("alan", &booked, "cancel", &json!({})).await.expect(200);
        assert_eq!(cancelled["status"], "cancelled", "{status}");
    }
}
