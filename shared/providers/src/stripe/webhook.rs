//! Stripe's messages: checked over the bytes as they came, then read only for what they are about
//! (<https://docs.stripe.com/webhooks#verify-manually>).

use app::ports::{About, Notice, WebhookError};
use aws_lc_rs::hmac;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::convert::{APPOINTMENT, EXPERT};

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
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

pub(super) fn read(body: &[u8]) -> Result<Notice, WebhookError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if event.id.is_empty() || event.id.len() > 255 {
        return Err(WebhookError::Body("its id is not one".to_owned()));
    }
    let metadata = |name: &str| event.data.object.get("metadata")?.get(name)?.as_str();
    let about = match event.kind.split('.').next() {
        Some("payment_intent" | "charge" | "refund") => metadata(APPOINTMENT)
            .and_then(|id| id.parse().ok())
            .map_or(About::Nothing, |appointment| About::Payment { appointment }),
        Some("account") => metadata(EXPERT)
            .and_then(|id| id.parse().ok())
            .map_or(About::Nothing, |expert| About::Account { expert }),
        _ => About::Nothing,
    };
    Ok(Notice { id: event.id, about })
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
        assert_eq!(read(BODY), Ok(Notice { id: "evt_1".to_owned(), about: About::Nothing }));
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
}
