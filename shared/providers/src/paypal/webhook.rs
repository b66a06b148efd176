//! PayPal's messages: whether they are PayPal's it says itself, over the bytes as they came; then they are read only for what they
//! are about (<https://developer.paypal.com/api/rest/webhooks/rest/>).

use app::payments::ports::{WebhookError, WebhookSubject};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::Time;

/// How far the time of sending may lie from now, in seconds.
const TOLERANCE: u64 = 300;
/// Longest header that is passed on, in bytes: a signature takes 344.
const LONGEST_HEADER: usize = 2_000;
/// Longest id of one of PayPal's objects.
const LONGEST_ID: usize = 64;

/// What PayPal is asked about a message: its headers, and its body byte for byte, because the signature covers the bytes.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    pub(super) webhook_id: String,
    webhook_event: &'a RawValue,
}

impl<'a> Question<'a> {
    /// The question about a message, unless that is none by its looks: strangers' letters cost us no call.
    pub(super) fn subject(
        headers: &(dyn for<'h> Fn(&'h str) -> Option<String> + Sync),
        body: &'a [u8],
        now: Timestamp,
    ) -> Result<Self, WebhookError> {
        let header = |name: &str| {
            headers(name)
                .filter(|value| !value.is_empty() && value.len() <= LONGEST_HEADER)
                .ok_or(WebhookError::Signature)
        };
        let question = Self {
            auth_algo: header("paypal-auth-algo")?,
            cert_url: header("paypal-cert-url")?,
            transmission_id: header("paypal-transmission-id")?,
            transmission_sig: header("paypal-transmission-sig")?,
            transmission_time: header("paypal-transmission-time")?,
            webhook_id: String::new(),
            webhook_event: raw(body)?,
        };
        let sent = Time::try_from(question.transmission_time.clone()).map_err(|_| WebhookError::Signature)?;
        if now.seconds().abs_diff(sent.0.seconds()) > TOLERANCE {
            return Err(WebhookError::Stale);
        }
        Ok(question)
    }
}

fn raw(body: &[u8]) -> Result<&RawValue, WebhookError> {
    let raw: &RawValue =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if raw.get().starts_with('{') { Ok(raw) } else { Err(WebhookError::Body("it is no object".to_owned())) }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    #[serde(default)]
    resource: Value,
}

/// What an event tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What it is about.
    WebhookSubject(WebhookSubject),
    /// Only the capture that it is about, which knows its appointment.
    Capture(String),
}

/// The payment of the appointment that an object names, if it names one.
pub(super) fn payment_named(name: Option<&str>) -> WebhookSubject {
    name.and_then(|name| name.parse().ok())
        .map_or(WebhookSubject::Nothing, |appointment| WebhookSubject::Payment { appointment })
}

/// The id of an event, and what it tells.
pub(super) fn read(body: &[u8]) -> Result<(String, Told), WebhookError> {
    let Event { id, event_type, resource } =
        serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))?;
    if id.is_empty() || id.len() > 255 {
        return Err(WebhookError::Body("its id is not one".to_owned()));
    }
    let told = match event_type.split('.').next().unwrap_or_default() {
        "MERCHANT" => Told::WebhookSubject(of_seller(&resource)),
        "CHECKOUT" => Told::WebhookSubject(payment_named(text(&resource, "/purchase_units/0/custom_id"))),
        "PAYMENT" => of_payment(&resource),
        "CUSTOMER" if event_type.starts_with("CUSTOMER.DISPUTE.") => of_dispute(&resource),
        _ => Told::WebhookSubject(WebhookSubject::Nothing),
    };
    Ok((id, told))
}

fn text<'a>(resource: &'a Value, pointer: &str) -> Option<&'a str> {
    resource.pointer(pointer)?.as_str()
}

/// An expert, as we named them when they were invited, or by their merchant id.
fn of_seller(resource: &Value) -> WebhookSubject {
    let named = text(resource, "/tracking_id").or_else(|| text(resource, "/merchant_id"));
    let named = named.filter(|name| (1..=LONGEST_ID).contains(&name.len()));
    named.map_or(WebhookSubject::Nothing, |account| WebhookSubject::Account { account: account.to_owned() })
}

/// An authorisation, a capture, or a refund. Refunds that we did not give carry nothing of ours: they lead up to their capture.
fn of_payment(resource: &Value) -> Told {
    if let Some(name) = text(resource, "/custom_id") {
        return Told::WebhookSubject(payment_named(Some(name)));
    }
    let links = resource.get("links").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let up = links.iter().find(|link| text(link, "/rel") == Some("up")).and_then(|link| text(link, "/href"));
    capture(up.and_then(|href| href.split_once("/v2/payments/captures/")).map(|(_, id)| id))
}

fn of_dispute(resource: &Value) -> Told {
    match text(resource, "/disputed_transactions/0/custom") {
        Some(name) => Told::WebhookSubject(payment_named(Some(name))),
        None => capture(text(resource, "/disputed_transactions/0/seller_transaction_id")),
    }
}

/// A capture by its id, which becomes a part of an address.
fn capture(id: Option<&str>) -> Told {
    let plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    id.filter(plain).map_or(Told::WebhookSubject(WebhookSubject::Nothing), |id| Told::Capture(id.to_owned()))
}

#[cfg(test)]
mod tests;
