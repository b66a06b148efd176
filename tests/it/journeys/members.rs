//! Members of experts: who may act for an expert, and who gains nothing by bending the rules.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Response, TestApp, free_hour, id, office_hours, paid_hour};

const DAY: i64 = 86_400;

impl TestApp {
    async fn team(&self, expert: &str) -> Value {
        let path = format!("/v1/experts/{expert}/members");
        self.get(&path).signed_in_as("ada").send().await.expect(200)
    }

    async fn remove_member(&self, subject: &str, expert: &str, member: &str, version: u64) -> Response {
        let path = format!("/v1/experts/{expert}/members/{member}");
        let version = format!("\"{version}\"");
        self.request(Method::DELETE, &path).signed_in_as(subject).header("If-Match", &version).send().await
    }

    async fn change_role(&self, expert: &str, member: &str, version: u64, role: &str) -> Response {
        let path = format!("/v1/experts/{expert}/members/{member}");
        let version = format!("\"{version}\"");
        let terms = json!({ "role": role, "name": "Ines" });
        self.put(&path).signed_in_as("ada").header("If-Match", &version).json(&terms).send().await
    }

    async fn status(&self, subject: &str, path: &str) -> u16 {
        self.get(path).signed_in_as(subject).send().await.status.as_u16()
    }
}

#[tokio::test]
async fn an_assistant_manages_the_offer_and_the_appointments_but_no_money() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    let expert = &offer.expert;
    let ines = test.join(expert, "ada", "ines", "assistant").await;

    let team = test.team(expert).await;
    assert_eq!(team["members"][0]["person_id"], ines.as_str());
    assert_eq!(team["members"][0]["role"], "assistant");
    assert_eq!(team["invitations"], json!([]));
    let mine = test.get("/v1/me/memberships").signed_in_as("ines").send().await.expect(200);
    assert_eq!(mine["memberships"][0]["expert_id"], expert.as_str());

    let profile = json!({ "name": "Ada Lovelace", "headline": "By her assistant" });
    let path = format!("/v1/experts/{expert}");
    let edited = test.put(&path).signed_in_as("ines").header("If-Match", "\"1\"").json(&profile);
    assert_eq!(edited.send().await.expect(200)["headline"], "By her assistant");
    let path = format!("/v1/experts/{expert}/availability");
    let rules = test.put(&path).signed_in_as("ines").header("If-Match", "\"1\"").json(&office_hours());
    rules.send().await.expect(200);
    let path = format!("/v1/experts/{expert}/session-types");
    let created = test.post(&path).signed_in_as("ines").idempotency_key("type").json(&free_hour());
    assert_eq!(created.send().await.problem(403), "forbidden", "only managers set prices");

    let path = format!("/v1/appointments?as=expert&expert_id={expert}");
    let listed = test.get(&path).signed_in_as("ines").send().await.expect(200);
    assert_eq!(listed["appointments"][0]["id"], appointment.as_str());
    let moved = json!({ "starts": ["2027-01-05T12:00:00Z"] });
    test.post_action("ines", &appointment, "proposal", &moved).await.expect(200);

    for path in ["ledger", "billing", "earnings?from=2027-01-01&to=2027-01-31", "receipts?year=2027"] {
        assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/{path}")).await, 403, "{path}");
    }
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/payment-accounts/stripe")).await, 403);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/members")).await, 403);
    let refund = json!({ "amount": { "amount": 100, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    let refused = test.post(&path).signed_in_as("ines").idempotency_key("r").json(&refund).send().await;
    assert_eq!(refused.problem(403), "forbidden");
    test.advance(2 * DAY);
    let discount = json!({ "charge": { "amount": 100, "currency": "EUR" } });
    let refused = test.post_action("ines", &appointment, "complete", &discount).await;
    assert_eq!(refused.problem(403), "forbidden");

    assert_eq!(test.change_role(expert, &ines, 2, "manager").await.problem(412), "version-mismatch");
    assert_eq!(test.change_role(expert, &ines, 1, "manager").await.expect(200)["version"], 2);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/ledger")).await, 200);
    let path = format!("/v1/appointments/{appointment}/refunds");
    test.post(&path).signed_in_as("ines").idempotency_key("r2").json(&refund).send().await.expect(201);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/payment-accounts/stripe")).await, 403);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/members")).await, 403);

    assert_eq!(test.remove_member("ada", expert, &ines, 1).await.problem(412), "version-mismatch");
    test.remove_member("ada", expert, &ines, 2).await.expect(204);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/ledger")).await, 403);
    assert_eq!(test.status("ines", &format!("/v1/experts/{expert}/availability")).await, 403);
    assert_eq!(test.status("ines", &format!("/v1/appointments/{appointment}")).await, 404);
    let mine = test.get("/v1/me/memberships").signed_in_as("ines").send().await.expect(200);
    assert_eq!(mine, json!({ "memberships": [], "truncated": false }));
}

#[tokio::test]
async fn an_assistant_gets_no_quote_of_what_only_a_manager_may_do() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    let path = format!("/v1/appointments/{appointment}/cancellation");
    assert_eq!(test.status("ines", &path).await, 200);
    test.advance_to("2027-01-05T10:30:00Z").await;
    assert_eq!(test.status("ines", &path).await, 403);
    assert_eq!(
        test.post_action("ines", &appointment, "cancel", &Value::Null).await.problem(403),
        "forbidden"
    );
    assert_eq!(test.status("ada", &path).await, 200);
}

#[tokio::test]
async fn an_assistant_cannot_lower_the_price_of_a_booked_session() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["rescheduling_policy"] = json!({ "price": "current" });
    let offer = test.offer(&terms).await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let put = |who: &'static str, tag: &'static str, terms: &Value| {
        test.put(&path).signed_in_as(who).header("If-Match", tag).json(terms).send()
    };
    terms["name"] = json!("Consultation, renamed");
    assert_eq!(put("ines", "\"1\"", &terms).await.expect(200)["version"], 2);
    for (pointer, value) in [
        ("/durations/0/price/amount", json!(50)),
        ("/durations/0", json!({ "minutes": 30, "price": { "amount": 8_000, "currency": "EUR" } })),
        ("/rescheduling_policy", json!({ "price": "as_booked" })),
        (
            "/cancellation_policy",
            json!({ "tiers": [{ "until_hours_before": 0, "refund_percent": 100 }], "grace_minutes": 0, "no_show_refund_percent": 100 }),
        ),
        ("/capacity", json!(5)),
    ] {
        let mut changed = terms.clone();
        if let Some(place) = changed.pointer_mut(pointer) {
            *place = value;
        } else {
            changed[&pointer[1..]] = value;
        }
        assert_eq!(put("ines", "\"2\"", &changed).await.problem(403), "forbidden", "{pointer}");
    }
    let profile =
        json!({ "name": "Ada", "headline": "x", "hourly_rate": { "amount": 300, "currency": "EUR" } });
    let edit = test.put(&format!("/v1/experts/{}", offer.expert)).signed_in_as("ines");
    assert_eq!(edit.header("If-Match", "\"1\"").json(&profile).send().await.problem(403), "forbidden");
    terms["durations"][0]["price"]["amount"] = json!(7_000);
    put("ada", "\"2\"", &terms).await.expect(200);
}

#[tokio::test]
async fn an_assistant_cannot_report_that_the_expert_did_not_come() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    test.join(&offer.expert, "ada", "ines", "assistant").await;
    test.join(&offer.expert, "ada", "max", "manager").await;
    // While the session takes place, a cancellation by the expert's side would be a refund.
    let start: domain::Timestamp = "2027-01-05T10:30:00Z".parse().expect("a time");
    test.advance(start.seconds() - test.clock.now());
    let cancelled = test.post_action("ines", &appointment, "cancel", &json!({})).await;
    assert_eq!(cancelled.problem(403), "forbidden");
    test.advance(2 * DAY);
    let absent = json!({ "missed_by": "expert" });
    assert_eq!(test.post_action("ines", &appointment, "no-show", &absent).await.problem(403), "forbidden");
    let receipts = format!("/v1/appointments/{appointment}/receipts");
    assert_eq!(test.status("ines", &receipts).await, 403);
    assert_eq!(test.status("max", &receipts).await, 200);
    test.post_action("max", &appointment, "no-show", &absent).await.expect(200);
}

#[tokio::test]
async fn an_invitation_is_accepted_once_with_its_secret_within_seven_days() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let path = format!("/v1/experts/{expert}/invitations");
    let terms = json!({ "role": "manager", "name": "Ines" });
    let created = test.post(&path).signed_in_as("ada").idempotency_key("first").json(&terms).send().await;
    let path = created.headers["location"].to_str().expect("a path").to_owned();
    let invitation = created.expect(201);
    let read = test.get(&path).signed_in_as("ada").send().await.expect(200);
    let mut shown = invitation.clone();
    shown.as_object_mut().expect("an object").remove("secret");
    assert_eq!(read, shown, "the secret is shown only once");
    assert_eq!(test.status("ines", &path).await, 403);
    let open = test.team(&expert).await;
    assert_eq!(open["invitations"][0]["id"], invitation["id"]);
    assert!(open["invitations"][0].get("secret").is_none(), "the secret is shown only once");

    let mut guess = invitation.clone();
    guess["secret"] = json!("0".repeat(32));
    assert_eq!(test.accept(&guess, "ines").await.problem(404), "not-found");
    assert_eq!(test.accept(&invitation, "ada").await.problem(403), "forbidden");
    let accepted = test.accept(&invitation, "ines").await.expect(200);
    assert_eq!(accepted["role"], "manager");
    assert_eq!(
        test.accept(&invitation, "ines").await.expect(200),
        accepted,
        "a repeated request changes nothing"
    );
    assert_eq!(test.status("ada", &path).await, 404, "it is no longer open");
    assert_eq!(test.accept(&invitation, "mallory").await.problem(404), "not-found");

    let another = test.invite(&expert, "ada", "assistant").await;
    assert_eq!(test.accept(&another, "ines").await.problem(409), "already-exists");
    let path = format!("/v1/experts/{expert}/invitations/{}", id(&another));
    assert_eq!(test.request(Method::DELETE, &path).signed_in_as("ines").send().await.status, 403);
    test.request(Method::DELETE, &path).signed_in_as("ada").send().await.expect(204);
    assert_eq!(test.accept(&another, "mallory").await.problem(404), "not-found");

    let late = test.invite(&expert, "ada", "assistant").await;
    test.advance(7 * DAY);
    assert_eq!(test.accept(&late, "mallory").await.problem(404), "not-found");
    let path = format!("/v1/experts/{expert}/invitations/{}", id(&late));
    assert_eq!(test.status("ada", &path).await, 404);
    assert_eq!(test.team(&expert).await["invitations"], json!([]));
}

#[tokio::test]
async fn a_removed_member_cannot_return_with_the_old_secret() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let invitation = test.invite(&expert, "ada", "assistant").await;
    let ines =
        test.accept(&invitation, "ines").await.expect(200)["person_id"].as_str().expect("an id").to_owned();
    // Another member cannot remove her, but she can leave.
    test.join(&expert, "ada", "max", "manager").await;
    assert_eq!(test.remove_member("max", &expert, &ines, 1).await.problem(403), "forbidden");
    test.remove_member("ines", &expert, &ines, 1).await.expect(204);
    assert_eq!(test.remove_member("ines", &expert, &ines, 1).await.problem(404), "not-found");
    assert_eq!(test.accept(&invitation, "ines").await.problem(404), "not-found");
}

#[tokio::test]
async fn the_secret_of_an_invitation_is_not_stored() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let path = format!("/v1/experts/{expert}/invitations");
    let invite = async || {
        let body = json!({ "role": "assistant", "name": "Ines" });
        test.post(&path).signed_in_as("ada").idempotency_key("same").json(&body).send().await.expect(201)
    };
    let first = invite().await;
    let rows = test.snapshot().await;
    assert!(!rows.contains(first["secret"].as_str().expect("a secret")), "the rows contain the secret");
    // The response was lost. A repeated request returns the same invitation with another secret.
    let second = invite().await;
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["secret"], first["secret"]);
    assert_eq!(test.team(&expert).await["invitations"].as_array().expect("a list").len(), 1);
    assert_eq!(test.accept(&first, "ines").await.problem(404), "not-found");
    test.accept(&second, "ines").await.expect(200);
    // Once it is accepted, repeating the request does not create another one.
    let body = json!({ "role": "assistant", "name": "Ines" });
    let again = test.post(&path).signed_in_as("ada").idempotency_key("same").json(&body).send().await;
    assert_eq!(again.problem(404), "not-found");
}

#[tokio::test]
async fn a_client_who_is_also_a_member_acts_only_as_the_client() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    let path = format!("/v1/appointments/{appointment}/cancellation");
    let before = test.get(&path).signed_in_as("alan").send().await.expect(200);
    test.join(&offer.expert, "ada", "alan", "manager").await;
    assert_eq!(test.get(&path).signed_in_as("alan").send().await.expect(200), before, "the client's quote");

    let refund = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    let refused = test.post(&path).signed_in_as("alan").idempotency_key("r").json(&refund).send().await;
    assert_eq!(refused.problem(403), "forbidden");
    test.advance(2 * DAY);
    let completed = test.post_action("alan", &appointment, "complete", &json!({})).await;
    assert_eq!(completed.problem(403), "forbidden");
    // He does act for the expert in the appointments of others.
    let path = format!("/v1/experts/{}/ledger", offer.expert);
    assert_eq!(test.status("alan", &path).await, 200);
}

#[tokio::test]
async fn an_administrator_who_is_a_member_decides_nothing_for_the_platform() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    let path = format!("/v1/experts/{}/terms", offer.expert);
    let set_fee = async |points: u64, read: &str| {
        let fee = json!({ "basis_points": points });
        test.put(&path).signed_in_as("margaret").header("If-Match", read).json(&fee).send().await
    };
    set_fee(0, "\"0\"").await.expect(200);
    let member = test.join(&offer.expert, "ada", "margaret", "assistant").await;
    assert_eq!(set_fee(100, "\"1\"").await.problem(403), "forbidden");
    let decision = json!({ "resolution": "try_again" });
    let refused = test.post_action("margaret", &appointment, "payment/resolution", &decision).await;
    assert_eq!(refused.problem(403), "forbidden");
    let refund = json!({ "amount": { "amount": 100, "currency": "EUR" } });
    let refunds = format!("/v1/appointments/{appointment}/refunds");
    let refused =
        test.post(&refunds).signed_in_as("margaret").idempotency_key("r").json(&refund).send().await;
    assert_eq!(refused.problem(403), "forbidden", "she has only the rights of an assistant");

    // She leaves. Until half a year has passed, she sees the appointments of the expert and decides nothing.
    test.remove_member("margaret", &offer.expert, &member, 1).await.expect(204);
    assert_eq!(test.status("margaret", &format!("/v1/appointments/{appointment}")).await, 200);
    let refused = async |when: &str| {
        assert_eq!(set_fee(100, "\"1\"").await.problem(403), "forbidden", "{when}");
        for (action, body) in
            [("payment/resolution", &decision), ("complete", &json!({})), ("no-show", &json!({}))]
        {
            let response = test.post_action("margaret", &appointment, action, body).await;
            assert_eq!(response.problem(403), "forbidden", "{action} {when}");
        }
        let refund = test.post(&refunds).signed_in_as("margaret").idempotency_key(when).json(&refund);
        assert_eq!(refund.send().await.problem(403), "forbidden", "{when}");
    };
    refused("at-once").await;
    test.advance(180 * DAY - 1);
    refused("last-day").await;
    // A membership that is renewed counts from its last end.
    let member = test.join(&offer.expert, "ada", "margaret", "assistant").await;
    test.remove_member("ada", &offer.expert, &member, 1).await.expect(204);
    test.advance(1);
    refused("member-again").await;
    test.advance(180 * DAY - 1);
    set_fee(100, "\"1\"").await.expect(200);
    let resolved = test.post_action("margaret", &appointment, "payment/resolution", &decision).await;
    assert_eq!(resolved.problem(409), "payment-state", "she may decide, and nothing is escalated");
}

#[tokio::test]
async fn an_expert_has_at_most_fifty_members_and_fifty_open_invitations() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    for number in 0..49 {
        test.join(&expert, "ada", &format!("member-{number}"), "assistant").await;
    }
    // Two people accept at once, and one place is left.
    let (one, other) =
        (test.invite(&expert, "ada", "assistant").await, test.invite(&expert, "ada", "manager").await);
    let (first, second) = tokio::join!(test.accept(&one, "ines"), test.accept(&other, "max"));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{:#} {:#}", first.body, second.body);
    let team = test.team(&expert).await;
    assert_eq!(team["members"].as_array().expect("a list").len(), 50);

    for _ in team["invitations"].as_array().expect("a list").len()..50 {
        test.invite(&expert, "ada", "assistant").await;
    }
    let path = format!("/v1/experts/{expert}/invitations");
    let body = json!({ "role": "assistant", "name": "Ines" });
    let refused = test.post(&path).signed_in_as("ada").idempotency_key("51").json(&body).send().await;
    assert_eq!(refused.problem(409), "limit-exceeded");
}

#[tokio::test]
async fn memberships_are_listed_in_pages() {
    let test = TestApp::new().await;
    let ada = test.expert(&office_hours()).await;
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let grace = test.post("/v1/experts").signed_in_as("grace").idempotency_key("p").json(&profile);
    let grace = id(&grace.send().await.expect(201));
    test.join(&ada, "ada", "ines", "assistant").await;
    test.join(&grace, "grace", "ines", "manager").await;
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/me/memberships?limit=1{cursor}");
        let page = test.get(&path).signed_in_as("ines").send().await.expect(200);
        let memberships = page["memberships"].as_array().expect("a list");
        listed.extend(memberships.iter().map(|one| one["expert_id"].as_str().expect("an id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut expected = vec![ada, grace];
    expected.sort();
    assert_eq!(listed, expected);
    // A member of one expert is nobody to the other.
    let path = format!("/v1/experts/{}/ledger", expected[0]);
    assert_eq!(test.status("mallory", &path).await, 403);
}
