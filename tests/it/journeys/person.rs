//! The signed-in person: what is kept when they sign in, and what they choose.

use domain::experts::members::{Member, MemberRole};
use domain::{ExpertId, InvitationId};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::Transaction;

use crate::harness::{Response, TestApp, billing_details, free_hour, id, office_hours};

const HOUR: i64 = 3_600;

impl TestApp {
    async fn me(&self, subject: &str) -> Response {
        let response = self.get("/v1/me").signed_in_as(subject).send().await;
        assert_eq!(response.status, 200, "{:#}", response.body);
        assert_eq!(response.etag(), format!("\"{}\"", response.body["version"]));
        response
    }

    async fn choose(&self, subject: &str, version: &str, choice: &Value) -> Response {
        self.put("/v1/me").signed_in_as(subject).header("If-Match", version).json(choice).send().await
    }

    /// Sets the response of the issuer to all requests for a person.
    fn issuer_responds(&self, status: StatusCode, body: impl ToString) {
        self.stack.sign_in.set_user_info(Some((status, body.to_string())));
    }

    fn issuer_describes(&self, subject: &str, email: &str, verified: impl Into<Value>) {
        let claims = json!({
            "sub": subject, "email": email, "email_verified": verified.into(), "locale": "fr", "zoneinfo": "Europe/Paris",
        });
        self.issuer_responds(StatusCode::OK, claims);
    }
}

#[tokio::test]
async fn a_person_is_kept_at_their_first_sign_in() {
    let test = TestApp::new().await;
    let alan = test.me("alan").await.body;
    let bits = http_api::claims::id_bits(test.stack.sign_in.issuer(), "alan");
    assert_eq!(
        alan,
        json!({
            "id": domain::PersonId::from_bits(bits),
            "client_id": domain::ClientId::from_bits(bits),
            "roles": ["client"],
            "memberships": [],
            "memberships_truncated": false,
            "email": "alan@example.org",
            "language": "en-GB",
            "time_zone": "Europe/London",
            "version": 1,
        })
    );
    let grace = test.me("grace").await.body;
    let bits = http_api::claims::id_bits(test.stack.sign_in.issuer(), "grace");
    assert_eq!(
        (&grace["roles"], &grace["expert_id"]),
        (&json!(["expert", "client"]), &json!(ExpertId::from_bits(bits)))
    );
    let rows = test.snapshot().await;
    assert!(rows.contains("alan@example.org") && !rows.contains(&test.token("alan")), "no token is stored");
    assert_eq!(test.get("/v1/me").send().await.problem(401), "unauthorized");
}

#[tokio::test]
async fn the_issuer_is_asked_once_after_each_sign_in() {
    let test = TestApp::new().await;
    let early = test.token("alan");
    let first = test.me("alan").await.body;
    test.issuer_describes("alan", "alan@example.com", "true");
    assert_eq!(test.me("alan").await.body, first, "the issuer is not asked again for the same sign-in");

    test.advance(HOUR / 2);
    let later = test.me("alan").await.body;
    assert_eq!((&later["email"], &later["version"]), (&json!("alan@example.com"), &json!(2)));
    assert_eq!(later["language"], "en-GB", "language and time zone are taken over only the first time");
    assert_eq!(later["time_zone"], "Europe/London");

    // The token of an earlier sign-in, as on another device, changes nothing.
    test.issuer_describes("alan", "old@example.com", "true");
    let request = test.get("/v1/me").header("Authorization", &format!("Bearer {early}"));
    assert_eq!(request.send().await.expect(200), later);
}

#[tokio::test]
async fn a_person_chooses_language_time_zone_and_phone() {
    let test = TestApp::new().await;
    let choice = json!({ "language": "DE-at", "time_zone": "Europe/Vienna", "phone": "+4312345678" });
    let first = test.me("alan").await.etag();
    let chosen = test.choose("alan", &first, &choice).await;
    assert_eq!(chosen.etag(), "\"2\"");
    let chosen = chosen.expect(200);
    assert_eq!(
        (&chosen["language"], &chosen["time_zone"], &chosen["phone"], &chosen["email"]),
        (&json!("de-AT"), &json!("Europe/Vienna"), &json!("+4312345678"), &json!("alan@example.org"))
    );
    assert_eq!(test.me("alan").await.body, chosen);
    assert_eq!(test.choose("alan", &first, &choice).await.problem(412), "version-mismatch");
    assert_eq!(test.put("/v1/me").signed_in_as("alan").json(&choice).send().await.status, 428);

    // Null and a missing member remove it, and the next sign-in does not bring it back.
    let removed = test.choose("alan", "\"2\"", &json!({ "phone": null, "language": "de" })).await.expect(200);
    assert_eq!((&removed["language"], &removed["version"]), (&json!("de"), &json!(3)));
    assert!(removed.get("phone").is_none() && removed.get("time_zone").is_none(), "{removed:#}");
    test.advance(HOUR);
    let later = test.me("alan").await.body;
    assert_eq!((&later["language"], later.get("time_zone")), (&json!("de"), None));

    // One person's choice is nobody else's.
    assert!(test.me("katherine").await.body.get("phone").is_none());
}

#[tokio::test]
async fn an_invalid_choice_is_refused_and_the_email_cannot_be_chosen() {
    let test = TestApp::new().await;
    let tag = test.me("alan").await.etag();
    let wrong = json!({ "language": "german", "time_zone": "Europe/Vienna ", "phone": "0043 1 2345678" });
    let refused = test.choose("alan", &tag, &wrong).await;
    assert_eq!(refused.problem(422), "invalid");
    let refused_place = |place: &str| refused.places().contains(&place);
    assert!(refused_place("/time_zone") && refused_place("/phone"), "{:#}", refused.body);
    for name in ["email", "roles", "id"] {
        let refused = test.choose("alan", &tag, &json!({ name: "mallory@example.org" })).await;
        assert_eq!((refused.problem(422), refused.places()), ("invalid", vec![&*format!("/{name}")]));
    }
    assert_eq!(test.me("alan").await.etag(), tag);
}

#[tokio::test]
async fn an_issuer_that_fails_leaves_a_person_as_they_are() {
    let test = TestApp::new().await;
    test.issuer_responds(StatusCode::INTERNAL_SERVER_ERROR, "");
    let unknown = test.me("alan").await.body;
    assert_eq!((&unknown["version"], unknown.get("email")), (&json!(0), None));
    // What the person chooses meanwhile is kept when the issuer is back.
    let chosen = test.choose("alan", "\"0\"", &json!({ "language": "de" })).await.expect(200);
    assert_eq!(chosen["version"], 1);
    test.stack.sign_in.set_user_info(None);
    let known = test.me("alan").await.body;
    assert_eq!((&known["email"], &known["language"]), (&json!("alan@example.org"), &json!("de")));
    assert_eq!((&known["version"], known.get("time_zone")), (&json!(2), None));

    test.issuer_responds(StatusCode::BAD_GATEWAY, "<html>");
    test.advance(HOUR);
    assert_eq!(test.me("alan").await.body, known);
    test.issuer_describes("alan", "alan@example.com", true);
    assert_eq!(test.me("alan").await.body["email"], "alan@example.com", "the issuer is asked again");
}

#[tokio::test]
async fn a_response_of_the_issuer_that_proves_nothing_is_not_kept() {
    let test = TestApp::new().await;
    let claims = |subject: &str| json!({ "sub": subject, "email": "m@example.org", "email_verified": true });
    for (status, body) in [
        (StatusCode::OK, claims("mallory").to_string()),
        (StatusCode::OK, claims("Alan").to_string()),
        (StatusCode::OK, claims("").to_string()),
        (StatusCode::OK, json!({ "email": "m@example.org", "email_verified": true }).to_string()),
        (StatusCode::OK, format!("{}{}", claims("alan"), " ".repeat(10 * 1024 * 1024))),
        (StatusCode::OK, "garbage".to_owned()),
    ] {
        test.issuer_responds(status, body);
        let before = test.snapshot().await;
        let alan = test.me("alan").await.body;
        assert_eq!((&alan["version"], alan.get("email")), (&json!(0), None), "{alan:#}");
        assert_eq!(test.snapshot().await, before);
    }
}

#[tokio::test]
async fn an_issuer_that_refuses_a_token_is_asked_again_after_an_hour() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let test = TestApp::new().await;
        test.issuer_responds(
            status,
            json!({ "sub": "alan", "email": "m@example.org", "email_verified": true }),
        );
        let unknown = test.me("alan").await.body;
        assert_eq!((unknown.get("email"), unknown.get("language")), (None, None), "{unknown:#}");
        test.issuer_describes("alan", "alan@example.com", true);
        test.advance(HOUR - 1);
        assert_eq!(test.me("alan").await.body, unknown, "the issuer is not asked");
        test.advance(1);
        let known = test.me("alan").await.body;
        assert_eq!((&known["email"], &known["language"]), (&json!("alan@example.com"), &json!("fr")));

        // A refusal later takes nothing away, and does not count as a sign-in.
        test.advance(HOUR);
        test.issuer_responds(status, "");
        let later = test.me("alan").await.body;
        assert_eq!((&later["email"], &later["language"]), (&known["email"], &known["language"]));
        let choice = json!({ "phone": "+4312345678" });
        test.choose("alan", &format!("\"{}\"", later["version"]), &choice).await.expect(200);
        test.issuer_describes("alan", "alan@example.net", true);
        assert_eq!(test.me("alan").await.body["email"], "alan@example.com");
        test.advance(HOUR);
        let latest = test.me("alan").await.body;
        assert_eq!((&latest["email"], &latest["phone"]), (&json!("alan@example.net"), &choice["phone"]));
    }
}

#[tokio::test]
async fn an_email_that_is_not_verified_is_not_kept() {
    let test = TestApp::new().await;
    test.issuer_describes("alan", "alan@example.net", "false");
    let alan = test.me("alan").await.body;
    assert_eq!((alan.get("email"), &alan["language"]), (None, &json!("fr")));
    for (email, verified, kept) in [
        ("alan@example.com", "true", "alan@example.com"),
        ("alan@example.net", "false", "alan@example.com"),
        ("nobody", "true", "alan@example.com"),
        ("alan@example.org", "true", "alan@example.org"),
    ] {
        test.advance(HOUR);
        test.issuer_describes("alan", email, verified);
        assert_eq!(test.me("alan").await.body["email"], kept, "{email} {verified}");
    }
}

#[tokio::test]
async fn concurrent_first_requests_keep_a_person_once() {
    let test = TestApp::new().await;
    let requests = std::iter::repeat_with(|| test.me("alan")).take(8);
    for alan in join_all(requests).await {
        assert_eq!((&alan.body["email"], &alan.body["version"]), (&json!("alan@example.org"), &json!(1)));
    }
}

#[tokio::test]
async fn a_person_sees_for_whom_they_act() {
    let test = TestApp::new().await;
    let ada = test.expert(&office_hours()).await;
    let id = test.join(&ada, "ada", "alan", "manager").await;
    let alan = test.me("alan").await.body;
    let membership = &alan["memberships"][0];
    assert_eq!(
        (&membership["expert_id"], &membership["role"], &membership["person_id"]),
        (&json!(ada), &json!("manager"), &json!(id))
    );
    assert_eq!((&alan["id"], &alan["memberships_truncated"]), (&json!(id), &json!(false)));

    let mut transaction = Transaction::new();
    for number in 0..25 {
        let member = Member {
            expert: ExpertId::from_bits(number),
            person: id.parse().expect("an id"),
            version: 1,
            role: MemberRole::Assistant,
            name: "Alan".to_owned().try_into().expect("a name"),
            since: test.stack.app.now(),
            invitation: InvitationId::from_bits(number),
        };
        transaction.put_member(&member).expect("storable");
    }
    test.stack.app.store.commit(transaction).await.expect("stored");
    let alan = test.me("alan").await.body;
    assert_eq!(alan["memberships"].as_array().expect("a list").len(), 25);
    assert_eq!(alan["memberships_truncated"], true);
}

#[tokio::test]
async fn signing_in_again_does_not_refuse_a_change_of_the_settings() {
    let test = TestApp::new().await;
    let first = test.me("alan").await;
    test.advance(HOUR);
    assert_eq!(test.me("alan").await.body, first.body, "the issuer says what it said before");
    let mut chosen = test.choose("alan", &first.etag(), &json!({ "language": "de" })).await;
    assert_eq!(chosen.etag(), "\"2\"");

    // A refused token changes nothing that the person sees.
    test.advance(HOUR);
    test.issuer_responds(StatusCode::UNAUTHORIZED, "");
    assert_eq!(test.me("alan").await.body, chosen.body);
    let choice = json!({ "phone": "+4312345678" });
    chosen = test.choose("alan", &chosen.etag(), &choice).await;
    assert_eq!((&chosen.body["phone"], chosen.etag().as_str()), (&choice["phone"], "\"3\""));

    // Nor does the same choice. Another address does.
    assert_eq!(test.choose("alan", &chosen.etag(), &choice).await.body, chosen.body);
    test.advance(HOUR);
    test.issuer_describes("alan", "alan@example.com", true);
    assert_eq!(test.me("alan").await.etag(), "\"4\"");
    assert_eq!(test.choose("alan", &chosen.etag(), &choice).await.problem(412), "version-mismatch");
}

#[tokio::test]
async fn a_refused_token_does_not_refuse_the_first_choice() {
    let test = TestApp::new().await;
    test.issuer_responds(StatusCode::UNAUTHORIZED, "");
    assert_eq!(test.me("alan").await.etag(), "\"0\"");
    let chosen = test.choose("alan", "\"0\"", &json!({ "language": "de" })).await;
    assert_eq!((&chosen.body["language"], chosen.etag().as_str()), (&json!("de"), "\"1\""));
}

#[tokio::test]
async fn any_version_matches_what_can_be_read_and_nothing_else() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let of_ada = |rest: &str| format!("/v1/experts/{}/{rest}", offer.expert);
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let grace = test.post("/v1/experts").signed_in_as("grace").idempotency_key("profile").json(&profile);
    let grace = format!("/v1/experts/{}/availability", id(&grace.send().await.expect(201)));
    let suspension = offer.expert.replace("exp_", "per_");
    // Nothing is stored of any of these. The first three can be read nevertheless.
    let settled = json!({ "suspended": false, "reason": "Settled" });
    for (exists, who, path, body) in [
        (true, "alan", "/v1/me".to_owned(), json!({ "language": "de" })),
        (true, "margaret", of_ada("terms"), json!({ "basis_points": 900 })),
        (true, "margaret", format!("/v1/people/{suspension}/suspension"), settled),
        (false, "ada", of_ada("billing"), billing_details()),
        (false, "grace", grace, office_hours()),
    ] {
        let put = test.put(&path).signed_in_as(who).header("If-Match", "*").json(&body).send().await;
        let read = test.get(&path).signed_in_as(who).send().await;
        if exists {
            assert_eq!((put.status.as_u16(), put.etag().as_str()), (200, "\"1\""), "{path}");
            assert_eq!(read.status, 200, "{path}");
        } else {
            assert_eq!((put.problem(412), read.status.as_u16()), ("version-mismatch", 404), "{path}");
            let detail = "it does not exist yet; to create it, send If-Match: \"0\"";
            assert_eq!(
                (&put.body["detail"], &put.body["current_version"]),
                (&json!(detail), &json!(0)),
                "{path}"
            );
        }
    }
}
