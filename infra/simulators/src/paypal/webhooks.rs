//! Signed webhooks, and the verification of signatures.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/>.
//!
//! The signature is RSA-SHA256 over `transmission id|time|webhook id|CRC-32 of the raw body in decimal`. **The
//! raw bytes matter**: a receiver that calls `verify-webhook-signature` puts the body into the request as it
//! was received, byte for byte, as the value of `webhook_event`. Parsing and writing it anew changes the order
//! of its members, and with it the checksum.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::api_error::ApiError;
use super::render::time;
use super::work::{Outcome, Success};
use super::{PayPal, ids, signing};
use crate::OpenError;

/// The seconds from each failed attempt to the next: 25 retries within three days.
pub const RETRY_AFTER: [i64; 25] = [
    60, 120, 240, 480, 960, 1800, 3600, 3600, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400,
    14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400, 14_400,
];

impl PayPal {
    /// The headers of a webhook with this body, sent at `unix_seconds`.
    pub(super) fn signature_headers(
        &self,
        unix_seconds: i64,
        body: &str,
    ) -> Result<Vec<(&'static str, String)>, OpenError> {
        let (transmission, time) = (ids::transmission(), time(unix_seconds));
        let webhook_id = &self.config.webhook_id;
        let message = signing::signed_message(&transmission, &time, webhook_id, body.as_bytes());
        Ok(vec![
            ("paypal-transmission-id", transmission),
            ("paypal-transmission-time", time),
            ("paypal-transmission-sig", self.key.signature(&message)?),
            ("paypal-cert-url", self.certificate_address()),
            ("paypal-auth-algo", signing::ALGORITHM.to_owned()),
        ])
    }

    fn certificate_address(&self) -> String {
        self.config.address(&format!("v1/notifications/certs/{}", self.key.certificate_name()))
    }

    /// `POST /v1/notifications/verify-webhook-signature`: whether these bytes are a webhook that PayPal sent to
    /// this address.
    pub(super) fn verify(&self, body: &[u8]) -> Outcome {
        let asked: Verify = serde_json::from_slice(body).map_err(|error| {
            let issue = if error.is_data() { "MISSING_REQUIRED_PARAMETER" } else { "MALFORMED_REQUEST_JSON" };
            ApiError::bad_request(issue).because(error.to_string())
        })?;
        let event = asked.webhook_event.get();
        if !event.starts_with('{') {
            return Err(ApiError::bad_request("INVALID_PARAMETER_SYNTAX").at("/webhook_event", ""));
        }
        let (transmission, time) = (&asked.transmission_id, &asked.transmission_time);
        let message = signing::signed_message(transmission, time, &asked.webhook_id, event.as_bytes());
        let right = asked.auth_algo == signing::ALGORITHM
            && asked.webhook_id == self.config.webhook_id
            && asked.cert_url == self.certificate_address()
            && self.key.verify(&asked.transmission_sig, &message);
        let status = if right { "SUCCESS" } else { "FAILURE" };
        Ok(Success::Body { status: 200, body: json!({ "verification_status": status }) })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify<'a> {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    webhook_id: String,
    /// The bytes as they are in the request.
    #[serde(borrow)]
    webhook_event: &'a RawValue,
}
