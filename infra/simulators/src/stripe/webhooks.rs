//! Signed webhooks. Source: <https://docs.stripe.com/webhooks#verify-manually>.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use url::Url;

use super::state::{Attempt, Delivery};
use super::{Shared, StripeSimulator, events};
use crate::OpenError;

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many attempts are remembered.
const ATTEMPTS_KEPT: usize = 1000;

/// After the first failed attempt the second follows this many seconds later, and so on; after the last the
/// delivery is given up, within three days.
pub const RETRY_AFTER: [i64; 10] = [60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200];

/// The value of the `Stripe-Signature` header for `body` sent at `unix_seconds`: `t=…,v1=…`, where `v1` is
/// the HMAC-SHA256 of `t.body` in hexadecimal, with the whole secret as its key.
pub fn signature_header(secret: &str, unix_seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{unix_seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={unix_seconds},v1={hex}")
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
    simulator: &'a StripeSimulator,
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

pub(super) async fn deliver_due(simulator: &StripeSimulator) -> usize {
    let mut attempts = 0;
    while let Some(delivery) = next(simulator) {
        let status = post(simulator, &delivery).await;
        finish(simulator, &delivery, status);
        attempts += 1;
    }
    attempts
}

fn next(simulator: &StripeSimulator) -> Option<UnderWay<'_>> {
    let mut shared = simulator.lock();
    let now = simulator.now();
    // What cannot be kept is not told.
    simulator.pass_time(&mut shared).ok()?;
    let url = shared.webhook_url.clone()?;
    loop {
        let delivery = pick(&shared, now)?;
        let Some((kind, body)) = events::body(&shared, &delivery.event) else {
            tracing::error!(event = delivery.event, "a webhook is due for an event that is gone");
            shared.state.deliveries.retain(|other| other.number != delivery.number);
            continue;
        };
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

async fn post(simulator: &StripeSimulator, sent: &UnderWay<'_>) -> Option<u16> {
    let signature = signature_header(&simulator.config.webhook_secret, simulator.now(), &sent.body);
    let request = simulator
        .http
        .post(sent.url.clone())
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .body(sent.body.clone());
    match request.send().await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::warn!(%error, event = sent.delivery.event, "a webhook was not answered");
            None
        }
    }
}

fn finish(simulator: &StripeSimulator, sent: &UnderWay, status: Option<u16>) {
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
    use super::{RETRY_AFTER, signature_header};

    #[test]
    fn the_signature_is_the_one_stripes_own_library_accepts() {
        let body = "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\",\
                    \"data\":{\"object\":{\"id\":\"pi_1\",\"object\":\"payment_intent\"}}}";
        assert_eq!(
            signature_header("whsec_test_secret", 1_700_000_000, body),
            "t=1700000000,v1=ad449e7ce1554730d147003402b7abd98e37b986a9e657b6868110fd854cf5d3"
        );
    }

    #[test]
    fn retries_end_within_three_days() {
        assert!(RETRY_AFTER.iter().sum::<i64>() <= 3 * 86_400);
        assert!(RETRY_AFTER.is_sorted());
    }
}
