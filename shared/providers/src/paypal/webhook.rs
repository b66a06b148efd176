//! PayPal's webhook events. Their signature is verified with PayPal's certificate, over the unchanged bytes of the body. Where that
//! cannot be decided, PayPal itself is asked, a few times a minute. Of a verified event only its subject is read
//! (<https://developer.paypal.com/api/rest/webhooks/rest/>).

use app::payments::ports::{GatewayError, Headers, WebhookError, WebhookEvent, WebhookSubject, Webhooks};
use app::ports::PortError;
use async_trait::async_trait;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::client::Request;
use super::errors::Failure;
use super::signature::{Signed, Verdict};
use super::wire::Time;
use super::{PayPal, wire};

/// Maximum difference between the time of sending and the current time, in seconds.
const TOLERANCE: u64 = 300;
/// Maximum length of a header, in bytes. A signature has 344.
const MAX_HEADER: usize = 2_000;
/// Maximum length of the id of an object.
const MAX_ID: usize = 64;

#[async_trait]
impl Webhooks for PayPal {
    async fn read_webhook(
        &self,
        headers: &Headers<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError> {
        let signed = read_signed(headers, now)?;
        let webhook_event = raw(body)?;
        let (id, reference) = read(body)?;
        let keys = self.client.keys().await.map_err(unavailable)?;
        let roots = keys.webhook_roots.as_deref();
        match self.certificates.verify(&signed, &keys.webhook_id, body, roots, now).await {
            Verdict::Genuine => {}
            Verdict::Forged => return Err(WebhookError::Signature),
            Verdict::Undecided(reason) => {
                if !self.verifications.take(now) {
                    let why = format!("too many events cannot be verified in this minute: {reason}");
                    return Err(PortError(why).into());
                }
                tracing::warn!(reason, "PayPal is asked whether it sent an event");
                let request = VerificationRequest::new(signed, keys.webhook_id.clone(), webhook_event);
                self.ask_paypal(&request).await?;
            }
        }
        let subject = match reference {
            EventReference::Subject(subject) => subject,
            EventReference::Capture(capture) => {
                match self.get::<wire::Capture>(format!("/v2/payments/captures/{capture}")).await {
                    Ok(capture) => payment_subject(capture.custom_id.as_deref()),
                    // A capture that does not exist is not one of ours.
                    Err(failure) if failure.is_missing() => WebhookSubject::Nothing,
                    Err(failure) => return Err(unavailable(failure)),
                }
            }
        };
        Ok(WebhookEvent { id, subject })
    }
}

fn unavailable(failure: Failure) -> WebhookError {
    PortError(GatewayError::from(failure).to_string()).into()
}

/// Reads the headers with which an event is signed. Malformed and old events are refused here, so that they cost nothing else.
fn read_signed(headers: &Headers<'_>, now: Timestamp) -> Result<Signed, WebhookError> {
    let signed = Signed::read(headers, MAX_HEADER).ok_or(WebhookError::Signature)?;
    let sent = Time::try_from(signed.time.clone()).map_err(|_| WebhookError::Signature)?;
    if now.seconds().abs_diff(sent.0.seconds()) > TOLERANCE {
        return Err(WebhookError::Stale);
    }
    Ok(signed)
}

/// A request to verify an event: its headers, and the unchanged bytes of its body, because the signature covers the bytes.
#[derive(Serialize)]
struct VerificationRequest<'a> {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    webhook_id: String,
    webhook_event: &'a RawValue,
}

impl<'a> VerificationRequest<'a> {
    fn new(signed: Signed, webhook_id: String, webhook_event: &'a RawValue) -> Self {
        let Signed { algorithm, certificate, transmission, signature, time } = signed;
        Self {
            auth_algo: algorithm,
            cert_url: certificate,
            transmission_id: transmission,
            transmission_sig: signature,
            transmission_time: time,
            webhook_id,
            webhook_event,
        }
    }
}

impl PayPal {
    /// Asks PayPal whether it sent an event.
    async fn ask_paypal(&self, request: &VerificationRequest<'_>) -> Result<(), WebhookError> {
        let path = "/v1/notifications/verify-webhook-signature".to_owned();
        let request = Request::post(path, request).map_err(unavailable)?;
        match self.client.send::<wire::Verification>(&request).await {
            Ok(verification) if verification.verification_status == "SUCCESS" => Ok(()),
            Ok(_) => Err(WebhookError::Signature),
            Err(failure) => Err(match failure.into() {
                // PayPal cannot read the headers.
                GatewayError::Refused { .. } => WebhookError::Signature,
                temporary => PortError(temporary.to_string()).into(),
            }),
        }
    }
}

fn raw(body: &[u8]) -> Result<&RawValue, WebhookError> {
    let raw: &RawValue =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if raw.get().starts_with('{') {
        Ok(raw)
    } else {
        Err(WebhookError::Body("it is not an object".to_owned()))
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    #[serde(default)]
    resource: Value,
}

/// What an event refers to.
#[derive(Debug, PartialEq, Eq)]
enum EventReference {
    /// The event names its subject.
    Subject(WebhookSubject),
    /// The event names only this capture, which names the appointment.
    Capture(String),
}

/// The payment of the appointment with this id; nothing if the text is not an id of an appointment.
fn payment_subject(name: Option<&str>) -> WebhookSubject {
    name.and_then(|name| name.parse().ok())
        .map_or(WebhookSubject::Nothing, |appointment| WebhookSubject::Payment { appointment })
}

/// The id of an event, and what it refers to.
fn read(body: &[u8]) -> Result<(String, EventReference), WebhookError> {
    let Event { id, event_type, resource } =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if id.is_empty() || id.len() > 255 {
        return Err(WebhookError::Body("its id is empty or too long".to_owned()));
    }
    let reference = match event_type.split('.').next().unwrap_or_default() {
        "MERCHANT" => EventReference::Subject(seller_subject(&resource)),
        "CHECKOUT" => {
            EventReference::Subject(payment_subject(text(&resource, "/purchase_units/0/custom_id")))
        }
        "PAYMENT" => payment_reference(&resource),
        "CUSTOMER" if event_type.starts_with("CUSTOMER.DISPUTE.") => dispute_reference(&resource),
        _ => EventReference::Subject(WebhookSubject::Nothing),
    };
    Ok((id, reference))
}

fn text<'a>(resource: &'a Value, pointer: &str) -> Option<&'a str> {
    resource.pointer(pointer)?.as_str()
}

/// An expert's account, by the tracking id with which they were invited, or by their merchant id.
fn seller_subject(resource: &Value) -> WebhookSubject {
    let named = text(resource, "/tracking_id").or_else(|| text(resource, "/merchant_id"));
    let named = named.filter(|name| (1..=MAX_ID).contains(&name.len()));
    named.map_or(WebhookSubject::Nothing, |account| WebhookSubject::Account { account: account.to_owned() })
}

/// An authorization, a capture, a refund, or the release of what was held of a capture. A refund that we did not create names no
/// appointment, but links to its capture.
fn payment_reference(resource: &Value) -> EventReference {
    if let Some(name) = text(resource, "/custom_id") {
        return EventReference::Subject(payment_subject(Some(name)));
    }
    if text(resource, "/reference_type") == Some("TRANSACTION_ID") {
        return capture_reference(text(resource, "/reference_id"));
    }
    let links = resource.get("links").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let up = links.iter().find(|link| text(link, "/rel") == Some("up")).and_then(|link| text(link, "/href"));
    capture_reference(up.and_then(|href| href.split_once("/v2/payments/captures/")).map(|(_, id)| id))
}

fn dispute_reference(resource: &Value) -> EventReference {
    match text(resource, "/disputed_transactions/0/custom") {
        Some(name) => EventReference::Subject(payment_subject(Some(name))),
        None => capture_reference(text(resource, "/disputed_transactions/0/seller_transaction_id")),
    }
}

/// A capture. Its id becomes part of a URL, so only plain ids are accepted.
fn capture_reference(id: Option<&str>) -> EventReference {
    let plain =
        |id: &&str| (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    id.filter(plain)
        .map_or(EventReference::Subject(WebhookSubject::Nothing), |id| EventReference::Capture(id.to_owned()))
}

#[cfg(test)]
mod tests;
