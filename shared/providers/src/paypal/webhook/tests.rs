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

fn verification(
    change: impl Fn(&str) -> Option<String> + Sync,
    body: &[u8],
    now: Timestamp,
) -> Result<String, WebhookError> {
    let headers = |name: &str| {
        assert!(NAMES.contains(&name), "{name}");
        change(name)
    };
    let request = VerificationRequest::new(read_signed(&headers, now)?, "W".to_owned(), raw(body)?);
    Ok(serde_json::to_string(&request).expect("JSON"))
}

fn good(name: &str) -> Option<String> {
    Some(if name == "paypal-transmission-time" { now().to_string() } else { format!("the {name}") })
}

#[test]
fn verification_contains_the_unchanged_body() {
    let request = verification(good, BODY, now()).expect("a request");
    let body = std::str::from_utf8(BODY).expect("text");
    assert!(request.ends_with(&format!("\"webhook_event\":{body}}}")), "{request}");
    let request: serde_json::Value = serde_json::from_str(&request).expect("JSON");
    assert_eq!((&request["webhook_id"], &request["cert_url"]), (&json!("W"), &json!("the paypal-cert-url")));
}

#[test]
fn malformed_event_costs_no_request() {
    for missing in NAMES {
        for value in [None, Some(String::new()), Some("x".repeat(MAX_HEADER + 1)), Some("\u{7f}".to_owned())]
        {
            let odd = value == Some("\u{7f}".to_owned());
            let built =
                verification(|name| if name == missing { value.clone() } else { good(name) }, BODY, now());
            if odd && missing != "paypal-transmission-time" {
                built.expect("PayPal decides");
            } else {
                assert_eq!(built, Err(WebhookError::Signature), "{missing}");
            }
        }
    }
    for (distance, fresh) in
        [(300, true), (-300, true), (301, false), (-301, false), (i64::from(i32::MAX), false)]
    {
        let built = verification(good, BODY, now().plus(distance));
        assert_eq!(built.is_ok(), fresh, "{distance}");
        assert!(fresh || built == Err(WebhookError::Stale));
    }
    for body in [&b""[..], b"[]", b"\"x\"", b"{", b"\xff", b"{}{}", b"null"] {
        assert!(matches!(verification(good, body, now()), Err(WebhookError::Body(_))), "{body:?}");
    }
}

fn reference(kind: &str, resource: serde_json::Value) -> EventReference {
    let event = json!({ "id": "WH-1", "event_type": kind, "resource": resource });
    read(&serde_json::to_vec(&event).expect("JSON")).expect("an event").1
}

#[test]
fn event_leads_to_its_payment() {
    let id = "apt_00000000000000000000000001";
    let payment =
        || EventReference::Subject(WebhookSubject::Payment { appointment: id.parse().expect("an id") });
    let nothing = || EventReference::Subject(WebhookSubject::Nothing);
    for kind in [
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.PENDING",
        "PAYMENT.CAPTURE.DENIED",
        "PAYMENT.CAPTURE.DECLINED",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.AUTHORIZATION.VOIDED",
        "PAYMENT.REFUND.FAILED",
    ] {
        assert_eq!(reference(kind, json!({ "id": "X", "custom_id": id })), payment(), "{kind}");
        assert_eq!(
            reference(kind, json!({ "id": "X", "custom_id": "somebody else's" })),
            nothing(),
            "{kind}"
        );
    }
    let order = json!({ "purchase_units": [{ "custom_id": id }] });
    assert_eq!(reference("CHECKOUT.ORDER.APPROVED", order), payment());
    let dispute = json!({ "disputed_transactions": [{ "custom": id, "seller_transaction_id": "C1" }] });
    assert_eq!(reference("CUSTOMER.DISPUTE.CREATED", dispute), payment());
    let capture = || EventReference::Capture("C1".to_owned());
    let dispute = json!({ "disputed_transactions": [{ "seller_transaction_id": "C1" }] });
    assert_eq!(reference("CUSTOMER.DISPUTE.RESOLVED", dispute), capture());
    let reversal = |href: &str| json!({ "id": "R1", "links": [{ "rel": "self", "href": "x" }, { "rel": "up", "href": href }] });
    let up = "https://api-m.paypal.com/v2/payments/captures/C1";
    assert_eq!(reference("PAYMENT.CAPTURE.REVERSED", reversal(up)), capture());
    let payout = json!({ "item_id": "I1", "reference_type": "TRANSACTION_ID", "reference_id": "C1" });
    assert_eq!(reference("PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED", payout), capture());
    for up in [
        "",
        "https://x/v2/payments/captures/",
        "https://x/v2/payments/captures/../../v1/x",
        "https://x/v2/orders/C1",
    ] {
        assert_eq!(reference("PAYMENT.CAPTURE.REVERSED", reversal(up)), nothing(), "{up}");
    }
    for kind in ["VAULT.PAYMENT-TOKEN.CREATED", "CUSTOMER.ACCOUNT-LIMITATION.ADDED", "", "."] {
        assert_eq!(reference(kind, json!({ "custom_id": id })), nothing(), "{kind}");
    }
}

#[test]
fn event_leads_to_its_account() {
    let account = |name: &str| EventReference::Subject(WebhookSubject::Account { account: name.to_owned() });
    let both = json!({ "merchant_id": "MERCHANT22222", "tracking_id": "exp_1" });
    assert_eq!(reference("MERCHANT.ONBOARDING.COMPLETED", both.clone()), account("exp_1"));
    assert_eq!(reference("MERCHANT.PARTNER-CONSENT.REVOKED", both), account("exp_1"));
    let merchant = json!({ "merchant_id": "MERCHANT22222" });
    assert_eq!(reference("MERCHANT.PARTNER-CONSENT.REVOKED", merchant), account("MERCHANT22222"));
    for resource in
        [json!({}), json!({ "merchant_id": 5 }), json!({ "merchant_id": "x".repeat(65) }), json!(null)]
    {
        assert_eq!(
            reference("MERCHANT.ONBOARDING.COMPLETED", resource),
            EventReference::Subject(WebhookSubject::Nothing)
        );
    }
}

#[test]
fn body_that_is_not_an_event_is_refused() {
    for body in [&b"{}"[..], b"[", b"\xff", br#"{"id":"","event_type":"x"}"#, br#"{"id":5,"event_type":"x"}"#]
    {
        assert!(matches!(read(body), Err(WebhookError::Body(_))), "{body:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_events_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let _ = read(&body);
        let _ = verification(good, &body, now());
        let _ = verification(|_| Some(text.clone()), BODY, now());
        for kind in ["CHECKOUT.X", "PAYMENT.X", "CUSTOMER.DISPUTE.X", "MERCHANT.X"] {
            reference(kind, json!({ "custom_id": text, "links": [{ "rel": "up", "href": text }], "tracking_id": text }));
        }
    }
}
