//! Stripe's webhook events. The signature covers the unchanged bytes of the body. Of a verified event only its subject is read
//! (<https://docs.stripe.com/webhooks#verify-manually>).

use app::payments::ports::{GatewayError, Headers, WebhookError, WebhookEvent, WebhookSubject, Webhooks};
use app::ports::PortError;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use stripe_core::payment_intent::RetrievePaymentIntent;

use super::convert::APPOINTMENT;
use super::errors::NOT_FOUND;
use super::{Stripe, wire};

/// Maximum difference between the time of signing and the current time, in seconds.
const TOLERANCE: i64 = 300;
/// Maximum number of signatures that are checked. Stripe sends two while a secret is rolled.
const MAX_SIGNATURES: usize = 8;

#[async_trait]
impl Webhooks for Stripe {
    async fn read_webhook(
        &self,
        headers: &Headers<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError> {
        let signature = headers("stripe-signature").ok_or(WebhookError::Signature)?;
        let keys = self.keys.get().await?;
        match (verify(&keys.webhook_secret, &signature, body, now), &keys.connect_webhook_secret) {
            (Err(WebhookError::Signature), Some(secret)) => verify(secret, &signature, body, now)?,
            (verified, _) => verified?,
        }
        let (id, reference) = read(body)?;
        let subject = match reference {
            EventReference::Subject(subject) => subject,
            EventReference::Intent(intent) => {
                match self.send::<wire::PaymentIntent>(&RetrievePaymentIntent::new(intent)).await {
                    Ok(intent) => payment_subject(intent.metadata.get(APPOINTMENT)),
                    // An intent that does not exist is not one of ours.
                    Err(failure) if failure.code() == Some(NOT_FOUND) => WebhookSubject::Nothing,
                    Err(failure) => return Err(PortError(GatewayError::from(failure).to_string()).into()),
                }
            }
        };
        Ok(WebhookEvent { id, subject })
    }
}

/// Verifies the value of the header `Stripe-Signature`.
fn verify(secret: &str, header: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let signed_at =
        parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(WebhookError::Signature)?;
    let seconds: i64 = signed_at.parse().map_err(|_| WebhookError::Signature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [signed_at.as_bytes(), b".", body].concat();
    // `hmac::verify` compares in constant time.
    let genuine = parts()
        .filter(|(name, _)| *name == "v1")
        .take(MAX_SIGNATURES)
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
    /// The connected account on which the event occurred; none for the platform's own.
    account: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// What an event refers to.
#[derive(Debug, PartialEq, Eq)]
enum EventReference {
    /// The event names its subject.
    Subject(WebhookSubject),
    /// The event names only this intent. The intent's metadata names the appointment.
    Intent(String),
}

/// The payment of the appointment with this id; nothing if the text is not an id of an appointment.
fn payment_subject(name: Option<&String>) -> WebhookSubject {
    name.and_then(|name| name.parse().ok())
        .map_or(WebhookSubject::Nothing, |appointment| WebhookSubject::Payment { appointment })
}

/// The id of an event, and what it refers to.
fn read(body: &[u8]) -> Result<(String, EventReference), WebhookError> {
    let Event { id, kind, account, data: Data { object } } =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if id.is_empty() || id.len() > 255 {
        return Err(WebhookError::Body("its id is empty or too long".to_owned()));
    }
    let reference = match kind.split('.').next().unwrap_or_default() {
        "account" | "capability" | "person" => EventReference::Subject(account_subject(account, &object)),
        "payout" => EventReference::Subject(
            account.map_or(WebhookSubject::Nothing, |account| WebhookSubject::Payouts { account }),
        ),
        // Our payments belong to the platform's account. Others on an expert's account are the expert's own, whatever they name.
        _ if account.is_some() => EventReference::Subject(WebhookSubject::Nothing),
        _ => payment_reference(&object),
    };
    let is_declined = matches!(kind.as_str(), "payment_intent.payment_failed" | "setup_intent.setup_failed");
    let reference = match reference {
        EventReference::Subject(WebhookSubject::Payment { appointment }) if is_declined => {
            EventReference::Subject(WebhookSubject::DeclinedPayment { appointment })
        }
        reference => reference,
    };
    Ok((id, reference))
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn account_subject(account: Option<String>, object: &Value) -> WebhookSubject {
    let itself = || text(object, "id").filter(|_| text(object, "object").as_deref() == Some("account"));
    account.or_else(itself).map_or(WebhookSubject::Nothing, |account| WebhookSubject::Account { account })
}

fn payment_reference(object: &Value) -> EventReference {
    let named = object.get("metadata").and_then(|metadata| text(metadata, APPOINTMENT));
    let kind = text(object, "object").unwrap_or_default();
    match (kind.as_str(), named) {
        ("payment_intent" | "setup_intent" | "charge" | "refund" | "dispute", Some(name)) => {
            EventReference::Subject(payment_subject(Some(&name)))
        }
        // Disputes, and refunds that were created manually, have no metadata of ours.
        ("refund" | "dispute", None) => text(object, "payment_intent")
            .map_or(EventReference::Subject(WebhookSubject::Nothing), EventReference::Intent),
        ("transfer", _) => EventReference::Subject(payment_subject(text(object, "transfer_group").as_ref())),
        _ => EventReference::Subject(WebhookSubject::Nothing),
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
    fn event_signed_by_stripe_is_accepted() {
        for now in [1_700_000_000, 1_700_000_300, 1_699_999_700] {
            assert_eq!(verify(SECRET, HEADER, BODY, at(now)), Ok(()));
        }
        let rolled = HEADER.replace("v1=", "v1=00,v0=ad44,v1=");
        assert_eq!(verify(SECRET, &rolled, BODY, at(1_700_000_000)), Ok(()));
        assert_eq!(read(BODY), Ok(("evt_1".to_owned(), EventReference::Subject(WebhookSubject::Nothing))));
    }

    #[test]
    fn event_with_another_signature_is_refused() {
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

    fn reference(kind: &str, account: Option<&str>, object: serde_json::Value) -> EventReference {
        let event = serde_json::json!({
            "id": "evt_1", "object": "event", "type": kind, "account": account, "data": { "object": object },
        });
        read(&serde_json::to_vec(&event).expect("JSON")).expect("an event").1
    }

    #[test]
    fn event_leads_to_its_payment() {
        let id = "apt_00000000000000000000000001";
        let payment =
            || EventReference::Subject(WebhookSubject::Payment { appointment: id.parse().expect("an id") });
        let nothing = || EventReference::Subject(WebhookSubject::Nothing);
        let named = |object: &str| serde_json::json!({ "object": object, "id": "x", "metadata": { APPOINTMENT: id } });
        for (kind, object) in [
            ("payment_intent.succeeded", "payment_intent"),
            ("setup_intent.succeeded", "setup_intent"),
            ("charge.captured", "charge"),
            ("refund.failed", "refund"),
        ] {
            assert_eq!(reference(kind, None, named(object)), payment(), "{kind}");
            // A payment on an expert's own account is not one of ours.
            assert_eq!(reference(kind, Some("acct_1"), named(object)), nothing(), "{kind}");
        }
        for (kind, object) in [
            ("payment_intent.payment_failed", "payment_intent"),
            ("setup_intent.setup_failed", "setup_intent"),
        ] {
            let subject = WebhookSubject::DeclinedPayment { appointment: id.parse().expect("an id") };
            assert_eq!(reference(kind, None, named(object)), EventReference::Subject(subject), "{kind}");
            assert_eq!(reference(kind, Some("acct_1"), named(object)), nothing(), "{kind}");
        }
        let bare = |object: &str| serde_json::json!({ "object": object, "id": "x", "metadata": {}, "payment_intent": "pi_1" });
        for (kind, object) in [("charge.refund.updated", "refund"), ("charge.dispute.created", "dispute")] {
            assert_eq!(
                reference(kind, None, bare(object)),
                EventReference::Intent("pi_1".to_owned()),
                "{kind}"
            );
        }
        assert_eq!(reference("charge.succeeded", None, bare("charge")), nothing());
        let transfer =
            serde_json::json!({ "object": "transfer", "id": "tr_1", "metadata": {}, "transfer_group": id });
        assert_eq!(reference("transfer.reversed", None, transfer), payment());
        assert_eq!(reference("application_fee.created", None, bare("application_fee")), nothing());
    }

    #[test]
    fn event_leads_to_its_account() {
        let account = || EventReference::Subject(WebhookSubject::Account { account: "acct_1".to_owned() });
        let itself = serde_json::json!({ "object": "account", "id": "acct_1" });
        assert_eq!(reference("account.updated", None, itself.clone()), account());
        assert_eq!(reference("account.updated", Some("acct_1"), itself), account());
        let application = serde_json::json!({ "object": "application", "id": "ca_1" });
        assert_eq!(
            reference("account.application.deauthorized", Some("acct_1"), application.clone()),
            account()
        );
        assert_eq!(
            reference("account.application.deauthorized", None, application),
            EventReference::Subject(WebhookSubject::Nothing)
        );
        let capability =
            serde_json::json!({ "object": "capability", "id": "transfers", "account": "acct_1" });
        assert_eq!(reference("capability.updated", Some("acct_1"), capability), account());
        let payout = serde_json::json!({ "object": "payout", "id": "po_1" });
        let payouts = EventReference::Subject(WebhookSubject::Payouts { account: "acct_1".to_owned() });
        assert_eq!(reference("payout.paid", Some("acct_1"), payout.clone()), payouts);
        // The platform's own payout.
        assert_eq!(reference("payout.paid", None, payout), EventReference::Subject(WebhookSubject::Nothing));
    }
}
