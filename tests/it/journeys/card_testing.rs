//! Somebody tries many stolen cards: attempts per payment, client and network address are bounded, and a challenge comes before.

use std::sync::{Arc, Mutex};

use app::ports::Secret;
use axum::extract::{Form, State};
use axum::routing::post;
use domain::payments::declines::DeclineLimits;
use local::ChallengeConfig;
use serde_json::{Value, json};
use simulators::stripe::Faults;

use crate::harness::{GOOD_CARD, Offer, Response, TestApp, free_hour, id, intent, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";
const DECLINED_CARD: &str = "4000000000000002";
/// From 08:00 to midnight, in seconds.
const REST_OF_DAY: u32 = 16 * 3_600;

async fn with_limits(limits: DeclineLimits) -> TestApp {
    TestApp::with(|config| config.settings.decline_limits = limits).await
}

/// Tries a card that is declined, and lets the platform learn of it.
async fn decline(test: &TestApp, booked: &Value) {
    test.stripe().pay(intent(booked), DECLINED_CARD).expect_err("declined");
    test.stack.run_until_idle().await;
}

/// Checks the explanation of the limit.
#[track_caller]
fn assert_too_many(refused: &Response, limit: u16, words: &str) {
    assert_eq!(refused.problem(429), "too-many-declined-payments", "{:#}", refused.body);
    let found = (&refused.body["limit"], &refused.body["retry_after"]);
    assert_eq!(found, (&json!(limit), &json!(REST_OF_DAY)), "{:#}", refused.body);
    assert!(refused.body["detail"].as_str().expect("text").contains(words), "{:#}", refused.body);
}

#[tokio::test]
async fn payment_ends_after_five_declined_attempts() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    // Each event arrives twice, and counts once.
    test.stripe().set_faults(Faults { duplicate_deliveries: true, ..Faults::default() });
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let path = format!("/v1/appointments/{}/payment", id(&booked));
    for _ in 0..4 {
        decline(&test, &booked).await;
    }
    let payment = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!(payment["declined"]["reason"], "refused", "{payment:#}");
    assert!(payment["client_secret"].is_string() && payment["too_many_declines"].is_null(), "{payment:#}");
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 12);

    decline(&test, &booked).await;
    let ended = test.appointment(&id(&booked)).await;
    assert_eq!((&ended["status"], &ended["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    let payment = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert!(payment["client_secret"].is_null() && payment["too_many_declines"] == true, "{payment:#}");
    test.stripe().pay(intent(&booked), GOOD_CARD).expect_err("the intent is cancelled");
    // The slot is free long before the hold would have expired.
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    test.book_as("katherine", &offer, AT, "k").await.expect(201);
}

#[tokio::test]
async fn good_card_pays_after_declined_ones() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, AT, "k").await.expect(201);
    let digest = async || {
        let key = json!({ "PK": { "S": format!("APT#{}", id(&booked)) }, "SK": { "S": "PAY" } });
        let row = test.database("GetItem", &json!({ "TableName": "expert-connect", "Key": key })).await;
        row["Item"]["booked_from"].clone()
    };
    assert_eq!(digest().await["S"].as_str().map(str::len), Some(64));
    for _ in 0..4 {
        decline(&test, &booked).await;
    }
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let confirmed = test.appointment(&id(&booked)).await;
    assert_eq!((&confirmed["status"], &confirmed["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    // What stands for the address is kept only while the client can pay.
    assert!(digest().await.get("S").is_none());
}

#[tokio::test]
async fn client_with_too_many_declined_attempts_waits_until_the_next_day() {
    let limits = DeclineLimits { per_payment: 2, per_client: 3, ..DeclineLimits::default() };
    let test = with_limits(limits).await;
    let offer = test.offer(&paid_hour()).await;
    let mut introduction = free_hour();
    introduction["name"] = json!("Introduction");
    let free = Offer { session_type: test.session_type(&offer.expert, &introduction).await, ..offer.clone() };
    let first = test.book(&offer, AT, "a").await.expect(201);
    decline(&test, &first).await;
    decline(&test, &first).await;
    let second = test.book(&offer, AT, "b").await.expect(201);
    decline(&test, &second).await;
    // Three in all. What is held can still be paid, but nothing more can be booked for a price.
    let before = test.snapshot().await;
    assert_too_many(&test.book(&offer, "2027-01-05T12:00:00Z", "c").await, 3, "by you");
    assert_eq!(test.snapshot().await, before, "a refused booking changes nothing");
    assert_eq!(test.book(&offer, AT, "b").await.expect(201)["id"], second["id"], "a repeated request");
    test.book(&free, "2027-01-05T14:00:00Z", "d").await.expect(201);
    test.book_as("katherine", &offer, "2027-01-05T12:00:00Z", "k").await.expect(201);
    test.stripe().pay(intent(&second), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&second)).await["status"], "confirmed");
    test.advance(REST_OF_DAY.into());
    test.sweep().await;
    test.book(&offer, "2027-01-06T12:00:00Z", "e").await.expect(201);
}

#[tokio::test]
async fn accounts_of_one_network_share_a_limit() {
    let limits = DeclineLimits { per_address: 2, ..DeclineLimits::default() };
    let test = with_limits(limits).await;
    let offer = test.offer(&paid_hour()).await;
    for (number, subject) in ["alan", "katherine"].into_iter().enumerate() {
        let booked =
            test.book_as(subject, &offer, &format!("2027-01-05T1{number}:00:00Z"), "k").await.expect(201);
        decline(&test, &booked).await;
    }
    assert_too_many(
        &test.book_as("grace", &offer, "2027-01-05T14:00:00Z", "k").await,
        2,
        "from your network",
    );
}

/// A service of challenges. It accepts each token that begins with `good` once.
#[derive(Clone, Default)]
struct Verifier(Arc<Mutex<Vec<String>>>);

impl Verifier {
    async fn start(self) -> ChallengeConfig {
        let verify = async |State(Self(seen)): State<Self>, Form(form): Form<Vec<(String, String)>>| {
            let value = |name| form.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone());
            assert_eq!(value("secret").as_deref(), Some("private"));
            assert_eq!(value("remoteip").as_deref(), Some("127.0.0.1"));
            let token = value("response").expect("a token");
            let mut seen = seen.lock().expect("a lock");
            let success = token.starts_with("good") && !seen.contains(&token);
            seen.push(token);
            json!({ "success": success, "error-codes": [] }).to_string()
        };
        let router = axum::Router::new().route("/siteverify", post(verify)).with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        ChallengeConfig {
            site_key: "public".to_owned(),
            secret_key: Secret::new("private"),
            verify_url: format!("http://{address}/siteverify").parse().expect("a URL"),
        }
    }
}

/// Books with the token of a challenge.
async fn book_with_token(test: &TestApp, offer: &Offer, start: &str, key: &str, token: &str) -> Response {
    let mut body = TestApp::booking(offer, start);
    body["challenge_token"] = json!(token);
    test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await
}

#[tokio::test]
async fn challenge_is_required_after_declined_attempts() {
    let verifier = Verifier::default();
    let challenges = verifier.clone().start().await;
    let limits = DeclineLimits { challenge_after: 2, per_client: 4, ..DeclineLimits::default() };
    let test = TestApp::with(|config| {
        config.settings.decline_limits = limits;
        config.challenges = Some(challenges);
    })
    .await;
    let offer = test.offer(&paid_hour()).await;
    let first = book_with_token(&test, &offer, AT, "a", "unneeded").await.expect(201);
    decline(&test, &first).await;
    decline(&test, &first).await;
    assert!(verifier.0.lock().expect("a lock").is_empty(), "a token that is not needed is shown to nobody");

    let at = "2027-01-05T12:00:00Z";
    let refused = test.book(&offer, at, "b").await;
    assert_eq!(refused.problem(403), "challenge-required");
    assert_eq!(refused.body["site_key"], "public");
    let refused = book_with_token(&test, &offer, at, "b", "forged").await;
    assert_eq!(refused.problem(403), "challenge-required");
    // The same request, with a token.
    let booked = book_with_token(&test, &offer, at, "b", "good-1").await.expect(201);
    // A repeated request gets the same response, although the token is used up.
    assert_eq!(book_with_token(&test, &offer, at, "b", "good-1").await.expect(201)["id"], booked["id"]);
    let reused = book_with_token(&test, &offer, "2027-01-05T14:00:00Z", "c", "good-1").await;
    assert_eq!(reused.problem(403), "challenge-required");
    // A challenge does not lift the limit.
    decline(&test, &booked).await;
    decline(&test, &booked).await;
    let refused = book_with_token(&test, &offer, "2027-01-05T14:00:00Z", "d", "good-2").await;
    assert_too_many(&refused, 4, "by you");
}

#[tokio::test]
async fn challenge_that_cannot_be_verified_is_not_passed() {
    let limits = DeclineLimits { challenge_after: 1, ..DeclineLimits::default() };
    let test = TestApp::with(|config| {
        config.settings.decline_limits = limits;
        config.challenges = Some(ChallengeConfig {
            site_key: "public".to_owned(),
            secret_key: Secret::new("private"),
            // Nothing listens there.
            verify_url: "http://127.0.0.1:9/siteverify".parse().expect("a URL"),
        });
    })
    .await;
    let offer = test.offer(&paid_hour()).await;
    let first = test.book(&offer, AT, "a").await.expect(201);
    decline(&test, &first).await;
    let refused = book_with_token(&test, &offer, "2027-01-05T12:00:00Z", "b", "good-1").await;
    assert_eq!(refused.problem(503), "unavailable");
}

#[tokio::test]
async fn confirmed_session_is_cancelled_after_five_declined_attempts() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    let offer = test.offer(&terms).await;
    // The card is saved, and fails when it is charged four days before the session.
    let booked = test.book(&offer, "2027-01-26T10:00:00Z", "k").await.expect(201);
    test.stripe().pay(intent(&booked), "4000000000000341").expect("the card can be saved");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
    test.advance(19 * 86_400);
    test.sweep().await;
    let failed = test.appointment(&id(&booked)).await;
    assert_eq!(failed["payment"]["state"], "action_required", "{failed:#}");
    let path = format!("/v1/appointments/{}/payment", id(&booked));
    let payment = test.get(&path).signed_in_as("alan").send().await.expect(200);
    // The attempt with the saved card counts too.
    for _ in 0..4 {
        let failed = json!({ "payment": payment });
        decline(&test, &failed).await;
    }
    let cancelled = test.appointment(&id(&booked)).await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled:#}");
    assert_eq!(cancelled["payment"]["too_many_declines"], true, "{cancelled:#}");
}
