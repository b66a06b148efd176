//! Sending signed webhooks, and saying whether a signature is right.
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/>.
//!
//! The signature is RSA-SHA256 over `transmission id|time|webhook id|CRC-32 of the raw body in decimal`. **The
//! raw bytes matter**: whoever asks `verify-webhook-signature` puts the body they received into the request as
//! it is, byte for byte, as the value of `webhook_event`. Reading it and writing it anew changes the order of
//! its members, so the checksum, so the answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use super::api_error::ApiError;
use super::render::time;
use super::signing::{self, SigningKey};
use super::state::{Attempt, Delivery};
use super::work::{Answer, Caller, Outcome};
use super::{PayPalSimulator, PayPalSimulatorConfig, Shared, events, ids, passing};
use crate::OpenError;

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many attempts are remembered.
const ATTEMPTS_KEPT: usize = 1000;

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

/// The client the webhooks are sent with. It trusts no certificate authority: receivers are on this machine.
pub(super) fn client() -> Result<reqwest::Client, OpenError> {
    let failed = |error: String| OpenError::Cryptography(error);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| failed(error.to_string()))
}

/// A delivery that is on its way. It goes back to the queue when it is dropped before it was finished.
struct UnderWay<'a> {
    simulator: &'a PayPalSimulator,
    delivery: Delivery,
    kind: String,
    body: String,
    url: Url,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.simulator.lock().under_way.remove(&self.delivery.number);
    }
}

pub(super) async fn deliver_due(simulator: &PayPalSimulator) -> usize {
    let mut attempts = 0;
    while let Some(delivery) = next(simulator) {
        let status = post(simulator, &delivery).await;
        finish(simulator, &delivery, status);
        attempts += 1;
    }
    attempts
}

fn next(simulator: &PayPalSimulator) -> Option<UnderWay<'_>> {
    let mut shared = simulator.lock();
    let now = simulator.now();
    if passing::anything_due(&shared.state, now) {
        let quietly =
            |_: &mut super::work::Work| Ok(Answer::Body { status: 200, body: serde_json::Value::Null });
        if simulator.work(&mut shared, Caller::default(), quietly).is_err() {
            return None;
        }
    }
    let url = shared.webhook_url.clone()?;
    loop {
        let delivery = pick(&shared, now)?;
        let Some(event) = shared.state.events.get(&delivery.event) else {
            tracing::error!(event = delivery.event, "a webhook is due for an event that is gone");
            shared.state.deliveries.retain(|other| other.number != delivery.number);
            continue;
        };
        let (kind, body) = (event.kind.clone(), events::body(&simulator.config, event));
        shared.under_way.insert(delivery.number);
        return Some(UnderWay { simulator, delivery, kind, body, url });
    }
}

fn pick(shared: &Shared, now: i64) -> Option<Delivery> {
    let waiting = shared.state.deliveries.iter();
    let due =
        waiting.filter(|delivery| delivery.due_at <= now && !shared.under_way.contains(&delivery.number));
    let order = |delivery: &&Delivery| (delivery.due_at, delivery.number);
    if shared.switches.out_of_order { due.max_by_key(order) } else { due.min_by_key(order) }.cloned()
}

async fn post(simulator: &PayPalSimulator, sent: &UnderWay<'_>) -> Option<u16> {
    let signed = match simulator.webhook_headers(&sent.body) {
        Ok(signed) => signed,
        Err(error) => {
            tracing::error!(%error, "a webhook was not signed");
            return None;
        }
    };
    let mut request = simulator.http.post(sent.url.clone()).header("content-type", "application/json");
    for (name, value) in signed {
        request = request.header(name, value);
    }
    match request.body(sent.body.clone()).send().await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::warn!(%error, event = sent.delivery.event, "a webhook was not answered");
            None
        }
    }
}

fn finish(simulator: &PayPalSimulator, sent: &UnderWay, status: Option<u16>) {
    let mut shared = simulator.lock();
    let now = simulator.now();
    let arrived = status.is_some_and(|status| (200..300).contains(&status));
    let delay = RETRY_AFTER.get(sent.delivery.failures).filter(|_| !arrived);
    let retry_at = delay.map(|delay| now + delay);
    let number = sent.delivery.number;
    match retry_at {
        Some(due_at) => {
            for delivery in shared.state.deliveries.iter_mut().filter(|delivery| delivery.number == number) {
                delivery.failures += 1;
                delivery.due_at = due_at;
            }
        }
        None => shared.state.deliveries.retain(|delivery| delivery.number != number),
    }
    let attempts = &mut shared.state.attempts;
    attempts.push(Attempt {
        event: sent.delivery.event.clone(),
        kind: sent.kind.clone(),
        at: now,
        url: sent.url.to_string(),
        status,
        retry_at,
    });
    let surplus = attempts.len().saturating_sub(ATTEMPTS_KEPT);
    attempts.drain(..surplus);
    if let Err(error) = simulator.save(&shared) {
        tracing::error!(%error, "the simulator's state was not saved");
    }
}

#[cfg(test)]
mod tests {
    use super::RETRY_AFTER;

    #[test]
    fn retries_end_within_three_days() {
        assert!(RETRY_AFTER.iter().sum::<i64>() <= 3 * 86_400);
        assert!(RETRY_AFTER.is_sorted());
    }
}
