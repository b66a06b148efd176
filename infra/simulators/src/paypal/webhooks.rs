//! Sending signed webhooks, and saying whether a signature is right.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/>.
//!
//! The signature is RSA-SHA256 over `transmission id|time|webhook id|CRC-32 of the raw body in decimal`. **The
//! raw bytes matter**: whoever asks `verify-webhook-signature` puts the body they received into the request as
//! it is, byte for byte, as the value of `webhook_event`. Reading it and writing it anew changes the order of
//! its members, so the checksum, so the answer.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::render::time;
use super::signing::{self, SigningKey};
use super::work::{Answer, Caller, Outcome, Work};
use super::{PayPalSimulator, PayPalSimulatorConfig, Shared, events, ids};
use crate::OpenError;
use crate::webhooks::{Letter, Outbox, Teller};

/// After the first failed attempt the second follows this many seconds later, and so on; after the last the
/// delivery is given up: 25 times within three days.
pub const RETRY_AFTER: [i64; 25] = [
    60, 120, 240, 480, 960, 1800, 3600, 3600, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400,
    14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400,
];

/// The headers of a webhook with this body, sent at `unix_seconds`.
pub(super) fn headers(
    config: &PayPalSimulatorConfig,
    key: &SigningKey,
    unix_seconds: i64,
    body: &str,
) -> Result<Vec<(&'static str, String)>, OpenError> {
    let (transmission, time) = (ids::transmission(), time(unix_seconds));
    let message = signing::signed_message(&transmission, &time, &config.webhook_id, body.as_bytes());
    Ok(vec![
        ("paypal-transmission-id", transmission),
        ("paypal-transmission-time", time),
        ("paypal-transmission-sig", key.signature(&message)?),
        ("paypal-cert-url", certificate_address(config, key)),
        ("paypal-auth-algo", signing::ALGORITHM.to_owned()),
    ])
}

fn certificate_address(config: &PayPalSimulatorConfig, key: &SigningKey) -> String {
    config.address(&format!("v1/notifications/certs/{}", key.certificate_name()))
}

/// `POST /v1/notifications/verify-webhook-signature`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify<'a> {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    webhook_id: String,
    /// The bytes as they stand in the request.
    #[serde(borrow)]
    webhook_event: &'a RawValue,
}

/// Says whether PayPal, and nobody else, sent these bytes to this webhook.
pub(super) fn verify(config: &PayPalSimulatorConfig, key: &SigningKey, body: &[u8]) -> Outcome {
    let asked: Verify = serde_json::from_slice(body).map_err(|error| {
        let issue = if error.is_data() { "MISSING_REQUIRED_PARAMETER" } else { "MALFORMED_REQUEST_JSON" };
        ApiError::bad_request(issue).because(error.to_string())
    })?;
    let event = asked.webhook_event.get();
    if !event.starts_with('{') {
        return Err(ApiError::bad_request("INVALID_PARAMETER_SYNTAX").at("/webhook_event", ""));
    }
    let message = signing::signed_message(
        &asked.transmission_id,
        &asked.transmission_time,
        &asked.webhook_id,
        event.as_bytes(),
    );
    let right = asked.auth_algo == signing::ALGORITHM
        && asked.webhook_id == config.webhook_id
        && asked.cert_url == certificate_address(config, key)
        && key.made(&asked.transmission_sig, &message);
    let status = if right { "SUCCESS" } else { "FAILURE" };
    Ok(Answer::Body { status: 200, body: json!({ "verification_status": status }) })
}

impl Teller for PayPalSimulator {
    const RETRY_AFTER: &'static [i64] = &RETRY_AFTER;

    fn next(&self) -> Option<Letter<'_>> {
        let mut shared = self.lock();
        let quietly = |_: &mut Work| Ok(Answer::Body { status: 200, body: Value::Null });
        // What cannot be kept is not told.
        self.look(&mut shared, Caller::default(), quietly).ok()?;
        let url = shared.webhook_url.clone()?;
        let Shared { state, switches, .. } = &mut *shared;
        let find = |id: &str| state.events.get(id);
        let (under_way, event) =
            state.webhooks.take(&self.sender, self.now(), switches.out_of_order, find)?;
        let body = events::body(&self.config, event);
        Some(Letter { under_way, kind: event.kind.clone(), body, url })
    }

    fn headers(&self, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        let mut headers = self.webhook_headers(body)?;
        headers.push(("content-type", "application/json".to_owned()));
        Ok(headers)
    }

    fn change_outbox(&self, change: impl FnOnce(&mut Outbox, i64)) {
        let mut shared = self.lock();
        change(&mut shared.state.webhooks, self.now());
        if let Err(error) = self.save(&shared) {
            tracing::error!(%error, "the simulator's state was not saved");
        }
    }
}
