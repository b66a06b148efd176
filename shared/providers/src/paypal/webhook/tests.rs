use proptest::prelude::*;
use serde_json::json;

use super::*;

const BODY: &[u8] = br#"{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"b":1,"a":2}}"#;
const NAMES: [&str; 5] = [
    "paypal-auth-algo",
    "paypal-cert-url",
    "paypal-transmission-id",
    "paypal-transmission-sig",
    "paypal-transmission-time",
];

fn now() -> Timestamp {
    "2027-01-04T08:00:00Z".parse().expect("a time")
}

fn ask(
    change: impl Fn(&str) -> Option<String> + Sync,
    body: &[u8],
    now: Timestamp,
) -> Result<String, WebhookError> {
    let headers = |name: &str| {
        assert!(NAMES.contains(&name), "{name}");
        change(name)
    };
    let question = Question { webhook_id: "W".to_owned(), ..Question::subject(&headers, body, now)? };
    Ok(serde_json::to_string(&question).expect("JSON"))
}

fn good(name: &str) -> Option<String> {
    Some(if name == "paypal-transmission-time" { now().to_string() } else { format!("the {name}") })
}

#[test]
fn paypal_is_asked_about_the_bytes_as_they_came() {
    let question = ask(good, BODY, now()).expect("a question");
    let body = std::str::from_utf8(BODY).expect("text");
    assert!(question.ends_with(&format!("\"webhook_event\":{body}}}")), "{question}");
    let question: serde_json::Value = serde_json::from_str(&question).expect("JSON");
    assert_eq!(
        (&question["webhook_id"], &question["cert_url"]),
        (&json!("W"), &json!("the paypal-cert-url"))
    );
}

#[test]
fn what_is_no_message_by_its_looks_costs_no_call() {
    for missing in NAMES {
        for value in
            [None, Some(String::new()), Some("x".repeat(LONGEST_HEADER + 1)), Some("\u{7f}".to_owned())]
        {
            let odd = value == Some("\u{7f}".to_owned());
            let asked = ask(|name| if name == missing { value.clone() } else { good(name) }, BODY, now());
            if odd && missing != "paypal-transmission-time" {
                asked.expect("PayPal may judge it");
            } else {
                assert_eq!(asked, Err(WebhookError::Signature), "{missing}");
            }
        }
    }
    for (distance, fresh) in
        [(300, true), (-300, true), (301, false), (-301, false), (i64::from(i32::MAX), false)]
    {
        let asked = ask(good, BODY, now().plus(distance));
        assert_eq!(asked.is_ok(), fresh, "{distance}");
        assert!(fresh || asked == Err(WebhookError::Stale));
    }
    for body in [&b""[..], b"[]", b"\"x\"", b"{", b"\xff", b"{}{}", b"null"] {
        assert!(matches!(ask(good, body, now()), Err(WebhookError::Body(_))), "{body:?}");
    }
}

fn told(kind: &str, resource: serde_json::Value) -> Told {
    let event = json!({ "id": "WH-1", "event_type": kind, "resource": resource });
    read(&serde_json::to_vec(&event).expect("JSON")).expect("an event").1
}

#[test]
fn finds_what_an_event_is_about() {
    let id = "apt_00000000000000000000000001";
    let payment =
        || Told::WebhookSubject(WebhookSubject::Payment { appointment: id.parse().expect("an id") });
    let nothing = || Told::WebhookSubject(WebhookSubject::Nothing);
    for kind in [
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.PENDING",
        "PAYMENT.CAPTURE.DENIED",
        "PAYMENT.CAPTURE.DECLINED",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.AUTHORIZATION.VOIDED",
        "PAYMENT.REFUND.FAILED",
    ] {
        assert_eq!(told(kind, json!({ "id": "X", "custom_id": id })), payment(), "{kind}");
        assert_eq!(told(kind, json!({ "id": "X", "custom_id": "somebody else's" })), nothing(), "{kind}");
    }
    let order = json!({ "purchase_units": [{ "custom_id": id }] });
    assert_eq!(told("CHECKOUT.ORDER.APPROVED", order), payment());
    let dispute = json!({ "disputed_transactions": [{ "custom": id, "seller_transaction_id": "C1" }] });
    assert_eq!(told("CUSTOMER.DISPUTE.CREATED", dispute), payment());
    let capture = || Told::Capture("C1".to_owned());
    let dispute = json!({ "disputed_transactions": [{ "seller_transaction_id": "C1" }] });
    assert_eq!(told("CUSTOMER.DISPUTE.RESOLVED", dispute), capture());
    let reversal = |href: &str| json!({ "id": "R1", "links": [{ "rel": "self", "href": "x" }, { "rel": "up", "href": href }] });
    let up = "https://api-m.paypal.com/v2/payments/captures/C1";
    assert_eq!(told("PAYMENT.CAPTURE.REVERSED", reversal(up)), capture());
    for up in [
        "",
        "https://x/v2/payments/captures/",
        "https://x/v2/payments/captures/../../v1/x",
        "https://x/v2/orders/C1",
    ] {
        assert_eq!(told("PAYMENT.CAPTURE.REVERSED", reversal(up)), nothing(), "{up}");
    }
    for kind in ["VAULT.PAYMENT-TOKEN.CREATED", "CUSTOMER.ACCOUNT-LIMITATION.ADDED", "", "."] {
        assert_eq!(told(kind, json!({ "custom_id": id })), nothing(), "{kind}");
    }
}

#[test]
fn finds_the_account_of_an_event() {
    let account = |name: &str| Told::WebhookSubject(WebhookSubject::Account { account: name.to_owned() });
    let both = json!({ "merchant_id": "MERCHANT22222", "tracking_id": "exp_1" });
    assert_eq!(told("MERCHANT.ONBOARDING.COMPLETED", both.clone()), account("exp_1"));
    assert_eq!(told("MERCHANT.PARTNER-CONSENT.REVOKED", both), account("exp_1"));
    let merchant = json!({ "merchant_id": "MERCHANT22222" });
    assert_eq!(told("MERCHANT.PARTNER-CONSENT.REVOKED", merchant), account("MERCHANT22222"));
    for resource in
        [json!({}), json!({ "merchant_id": 5 }), json!({ "merchant_id": "x".repeat(65) }), json!(null)]
    {
        assert_eq!(
            told("MERCHANT.ONBOARDING.COMPLETED", resource),
            Told::WebhookSubject(WebhookSubject::Nothing)
        );
    }
}

#[test]
fn refuses_what_is_no_event() {
    for body in [&b"{}"[..], b"[", b"\xff", br#"{"id":"","event_type":"x"}"#, br#"{"id":5,"event_type":"x"}"#]
    {
        assert!(matches!(read(body), Err(WebhookError::Body(_))), "{body:?}");
    }
}

proptest! {
    #[test]
    fn strangers_letters_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let _ = read(&body);
        let _ = ask(good, &body, now());
        let _ = ask(|_| Some(text.clone()), BODY, now());
        for kind in ["CHECKOUT.X", "PAYMENT.X", "CUSTOMER.DISPUTE.X", "MERCHANT.X"] {
            told(kind, json!({ "custom_id": text, "links": [{ "rel": "up", "href": text }], "tracking_id": text }));
        }
    }
}
