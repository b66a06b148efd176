//! The functions handle the events in `events/` as Lambda delivers them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use functions::messages;
use functions::operations::sweep_outbox;
use functions::payments::{self, reconcile_ledger};
use functions::runtime::Binary;
use functions::{PUBLIC, ROUTES, experts};
use lambda_http::request::from_str;
use serde_json::{Value, json};

use crate::harness::{TestApp, paid_hour};

/// Runs the function of an HTTP event. Returns the status and the problem type of the response.
async fn invoke(test: &TestApp, event: &str) -> (u16, String) {
    let parsed: Value = serde_json::from_str(event).expect("JSON");
    let key = parsed["routeKey"].as_str().expect("a route key");
    let route = ROUTES.iter().find(|route| key == format!("{} {}", route.method.as_str(), route.path));
    let response = route.expect("a route").respond(&test.stack.app, from_str(event).expect("an event")).await;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or_default();
    (response.status().as_u16(), kind.rsplit(':').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn http_events_reach_their_use_cases() {
    let test = TestApp::new().await;
    // The expert does not exist, which only the use case can find out.
    let public = invoke(&test, include_str!("../../events/http_public.json")).await;
    assert_eq!(public, (404, "not-found".to_owned()));
    let signed_in = include_str!("../../events/http_signed_in.json");
    assert_eq!(invoke(&test, signed_in).await, (404, "not-found".to_owned()));
    // The same event with a token without the role, and without claims.
    let payload =
        signed_in.split("Bearer ").nth(1).and_then(|token| token.split('.').nth(1)).expect("a token");
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("text");
    assert!(claims.contains(r#"["client"]"#), "{claims}");
    let other = URL_SAFE_NO_PAD.encode(claims.replace(r#"["client"]"#, r#"["expert"]"#));
    let no_client = signed_in.replace(payload, &other);
    assert_eq!(invoke(&test, &no_client).await, (403, "forbidden".to_owned()));
    let mut nobody: Value = serde_json::from_str(signed_in).expect("JSON");
    nobody["requestContext"].as_object_mut().expect("an object").remove("authorizer");
    assert_eq!(invoke(&test, &nobody.to_string()).await, (401, "unauthorized".to_owned()));
}

#[tokio::test]
async fn binary_without_a_handler_routes_by_method_and_path() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let ask = async |binary: Binary, method: &str, path: &str| {
        let mut event: Value =
            serde_json::from_str(include_str!("../../events/http_public.json")).expect("JSON");
        event.as_object_mut().expect("an object").remove("pathParameters");
        event["rawPath"] = path.into();
        event["rawQueryString"] = "".into();
        event["requestContext"]["http"]["method"] = method.into();
        event["requestContext"]["http"]["path"] = path.into();
        let request = from_str(&event.to_string()).expect("an event");
        let response = binary.respond(&test.stack.app, request).await;
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    };
    let expert = &*offer.expert;
    let (status, profile) = ask(PUBLIC, "GET", &format!("/v1/experts/{expert}")).await;
    assert_eq!((status, profile["id"].as_str()), (200, Some(expert)));
    let (status, listed) = ask(PUBLIC, "GET", &format!("/v1/experts/{expert}/session-types")).await;
    assert_eq!((status, &listed["session_types"][0]["id"]), (200, &json!(offer.session_type)));
    // The same path with another method is another route, which requires a token.
    assert_eq!(ask(experts::AREA.binary(), "PUT", &format!("/v1/experts/{expert}")).await.0, 401);
    // Characters may be percent-encoded, and a path parameter must not be empty.
    let encoded = expert.replacen("exp_", "%65xp%5F", 1);
    assert_eq!(ask(PUBLIC, "GET", &format!("/v1/experts/{encoded}")).await.0, 200);
    for (binary, method, path) in [
        (PUBLIC, "GET", "/v1/experts/".to_owned()),
        (PUBLIC, "PATCH", format!("/v1/experts/{expert}")),
        (PUBLIC, "GET", format!("/v1/experts/{expert}/nothing")),
        // A route of another binary is not served.
        (payments::AREA.binary(), "GET", format!("/v1/experts/{expert}")),
    ] {
        let (status, problem) = ask(binary, method, &path).await;
        assert_eq!((status, &problem["status"]), (404, &json!(404)), "{method} {path}");
    }
}

#[tokio::test]
async fn signature_of_a_base64_webhook_is_verified_over_its_bytes() {
    // The signature is old and made with another secret. With a valid signature, the webhook is accepted.
    let test = TestApp::new().await;
    let event = include_str!("../../events/http_webhook_base64.json");
    assert_eq!(invoke(&test, event).await, (400, "webhook-refused".to_owned()));
    let body = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}"#;
    let signature = simulators::stripe::signature_header("whsec_local", test.clock.now(), body);
    let mut event: Value = serde_json::from_str(event).expect("JSON");
    event["headers"]["stripe-signature"] = signature.into();
    assert_eq!(invoke(&test, &event.to_string()).await, (204, String::new()));
}

#[tokio::test]
async fn only_the_invalid_message_stays_in_the_queue() {
    let test = TestApp::new().await;
    for domain in store::FailureDomain::ALL {
        let event = serde_json::from_str(include_str!("../../events/sqs_jobs.json")).expect("an SQS event");
        let response = messages::handle(&test.stack.app, domain, event).await;
        let failed: Vec<_> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        assert_eq!(failed, ["059f36b4-87a3-44ab-83d2-661975980003"], "{domain}");
    }
}

#[tokio::test]
async fn content_of_a_schedule_event_is_ignored() {
    let test = TestApp::new().await;
    let _: Value = serde_json::from_str(include_str!("../../events/schedule_sweep.json")).expect("JSON");
    sweep_outbox::handle(&test.stack.app).await.expect("it sweeps");
    reconcile_ledger::handle(&test.stack.app).await.expect("it reconciles");
}
