//! Stripe's messages: checked over the bytes as they came, then read only for what they are about
//! (<https://docs.stripe.com/webhooks#verify-manually>).

use app::payments::ports::{WebhookError, WebhookSubject};
use aws_lc_rs::hmac;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::convert::APPOINTMENT;

/// How far the time of signing may lie from now, in seconds.
const TOLERANCE: i64 = 300;
/// Most signatures that are looked at: Stripe sends two while a secret is rolled.
const MOST_SIGNATURES: usize = 8;

pub(super) fn verify(secret: &str, header: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let signed_at =
        parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(WebhookError::Signature)?;
    let seconds: i64 = signed_at.parse().map_err(|_| WebhookError::Signature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [signed_at.as_bytes(), b".", body].concat();
    // `hmac::verify` compares in constant time.
    let genuine = parts()
        .filter(|(name, _)| *name == "v1")
        .take(MOST_SIGNATURES)
        .filter_map(|(_, value)| from_hexadecimal(value))
        .any(|signature| hmac::verify(&key, &signed, &signature).is_ok());
    if !genuine {
        Err(WebhookError::Signature)
    } else if now.seconds().abs_diff(seconds) > TOLERANCE.unsigned_abs() {
        Err(WebhookError::Stale)
    } else {
        Ok(())
    }
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// The connected account on which it happened.
    account: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// What an event tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What it is about.
    WebhookSubject(WebhookSubject),
    /// Only the intent that it is about, which knows its appointment.
    Intent(String),
}

/// The payment of the appointment that an object names, if it names one.
pub(super) fn payment_named(name: Option<&String>) -> WebhookSubject {
    name.and_then(|name| name.parse().ok())
        .map_or(WebhookSubject::Nothing, |appointment| WebhookSubject::Payment { appointment })
}

/// The id of an event, and what it tells.
pub(super) fn read(body: &[u8]) -> Result<(String, Told), WebhookError> {
    let Event { id, kind, account, data: Data { object } } =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if id.is_empty() || id.len() > 255 {
        return Err(WebhookError::Body("its id is not one".to_owned()));
    }
    let told = match kind.split('.').next().unwrap_or_default() {
        "account" | "capability" | "person" => Told::WebhookSubject(of_account(account, &object)),
        "payout" => Told::WebhookSubject(
            account.map_or(WebhookSubject::Nothing, |account| WebhookSubject::Payouts { account }),
        ),
        // Our payments are the platform's. What happens on an expert's own account is theirs, whatever it names.
        _ if account.is_some() => Told::WebhookSubject(WebhookSubject::Nothing),
        _ => of_payment(&object),
    };
    Ok((id, told))
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn of_account(account: Option<String>, object: &Value) -> WebhookSubject {
    let itself = || text(object, "id").filter(|_| text(object, "object").as_deref() == Some("account"));
    account.or_else(itself).map_or(WebhookSubject::Nothing, |account| WebhookSubject::Account { account })
}

fn of_payment(object: &Value) -> Told {
    let named = object.get("metadata").and_then(|metadata| text(metadata, APPOINTMENT));
    let kind = text(object, "object").unwrap_or_default();
    match (kind.as_str(), named) {
        ("payment_intent" | "setup_intent" | "charge" | "refund" | "dispute", Some(name)) => {
            Told::WebhookSubject(payment_named(Some(&name)))
        }
        // Refunds that a person gave by hand, and disputes, carry nothing of ours.
        ("refund" | "dispute", None) => {
            text(object, "payment_intent").map_or(Told::WebhookSubject(WebhookSubject::Nothing), Told::Intent)
        }
        ("transfer", _) => Told::WebhookSubject(payment_named(text(object, "transfer_group").as_ref())),
        _ => Told::WebhookSubject(WebhookSubject::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test_secret";
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}"#;
    // Accepted by Stripe's own library.
    const HEADER: &str = "t=1700000000,v1=ad449e7ce1554730d147003402b7abd98e37b986a9e657b6868110fd854cf5d3";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn takes_what_stripe_signed() {
        for now in [1_700_000_000, 1_700_000_300, 1_699_999_700] {
            assert_eq!(verify(SECRET, HEADER, BODY, at(now)), Ok(()));
        }
        let rolled = HEADER.replace("v1=", "v1=00,v0=ad44,v1=");
        assert_eq!(verify(SECRET, &rolled, BODY, at(1_700_000_000)), Ok(()));
        assert_eq!(read(BODY), Ok(("evt_1".to_owned(), Told::WebhookSubject(WebhookSubject::Nothing))));
    }

    #[test]
    fn refuses_everything_else() {
        let now = at(1_700_000_000);
        for header in [
            "",
            "t=1700000000",
            "v1=ad44",
            "t=x,v1=ad44",
            &HEADER.replace("v1", "v0"),
            &HEADER.replace('a', "b"),
        ] {
            assert_eq!(verify(SECRET, header, BODY, now), Err(WebhookError::Signature), "{header}");
        }
        assert_eq!(verify("whsec_other", HEADER, BODY, now), Err(WebhookError::Signature));
        assert_eq!(verify(SECRET, HEADER, b"{}", now), Err(WebhookError::Signature));
        assert_eq!(verify(SECRET, HEADER, BODY, at(1_700_000_301)), Err(WebhookError::Stale));
        assert_eq!(verify(SECRET, HEADER, BODY, at(1_699_999_699)), Err(WebhookError::Stale));
        for body in [&b"{}"[..], b"[", b"\xff", br#"{"id":"","type":"x","data":{"object":{}}}"#] {
            assert!(matches!(read(body), Err(WebhookError::Body(_))));
        }
    }

    fn told(kind: &str, account: Option<&str>, object: serde_json::Value) -> Told {
        let event = serde_json::json!({
            "id": "evt_1", "object": "event", "type": kind, "account": account, "data": { "object": object },
        });
        read(&serde_json::to_vec(&event).expect("JSON")).expect("an event").1
    }

    #[test]
    fn finds_what_an_event_is_about() {
        let id = "apt_00000000000000000000000001";
        let payment =
            || Told::WebhookSubject(WebhookSubject::Payment { appointment: id.parse().expect("an id") });
        let nothing = || Told::WebhookSubject(WebhookSubject::Nothing);
        let named = |object: &str| serde_json::json!({ "object": object, "id": "x", "metadata": { APPOINTMENT: id } });
        for (kind, object) in [
            ("payment_intent.succeeded", "payment_intent"),
            ("setup_intent.succeeded", "setup_intent"),
            ("charge.captured", "charge"),
            ("refund.failed", "refund"),
        ] {
            assert_eq!(told(kind, None, named(object)), payment(), "{kind}");
            // An expert's own payment cannot pass for one of ours.
            assert_eq!(told(kind, Some("acct_1"), named(object)), nothing(), "{kind}");
        }
        let bare = |object: &str| serde_json::json!({ "object": object, "id": "x", "metadata": {}, "payment_intent": "pi_1" });
        for (kind, object) in [("charge.refund.updated", "refund"), ("charge.dispute.created", "dispute")] {
            assert_eq!(told(kind, None, bare(object)), Told::Intent("pi_1".to_owned()), "{kind}");
        }
        assert_eq!(told("charge.succeeded", None, bare("charge")), nothing());
        let transfer =
            serde_json::json!({ "object": "transfer", "id": "tr_1", "metadata": {}, "transfer_group": id });
        assert_eq!(told("transfer.reversed", None, transfer), payment());
        assert_eq!(told("application_fee.created", None, bare("application_fee")), nothing());
    }

    #[test]
    fn finds_the_account_of_an_event() {
        let account = || Told::WebhookSubject(WebhookSubject::Account { account: "acct_1".to_owned() });
        let itself = serde_json::json!({ "object": "account", "id": "acct_1" });
        assert_eq!(told("account.updated", None, itself.clone()), account());
        assert_eq!(told("account.updated", Some("acct_1"), itself), account());
        let application = serde_json::json!({ "object": "application", "id": "ca_1" });
        assert_eq!(told("account.application.deauthorized", Some("acct_1"), application.clone()), account());
        assert_eq!(
            told("account.application.deauthorized", None, application),
            Told::WebhookSubject(WebhookSubject::Nothing)
        );
        let capability =
            serde_json::json!({ "object": "capability", "id": "transfers", "account": "acct_1" });
        assert_eq!(told("capability.updated", Some("acct_1"), capability), account());
        let payout = serde_json::json!({ "object": "payout", "id": "po_1" });
        let payouts = Told::WebhookSubject(WebhookSubject::Payouts { account: "acct_1".to_owned() });
        assert_eq!(told("payout.paid", Some("acct_1"), payout.clone()), payouts);
        // The platform's own.
        assert_eq!(told("payout.paid", None, payout), Told::WebhookSubject(WebhookSubject::Nothing));
    }
}
