//! Sends async-stripe's requests over connections that are kept open, and reads the answers.

use app::ports::Secret;
use bytes::BytesMut;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};

use super::errors::Failure;

/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Stripe's address, and the connections that lead there.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

/// What goes with a request besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct With<'a> {
    /// Stripe acts once for each key, and answers the same again.
    pub(super) idempotency_key: Option<&'a str>,
    /// AppointmentsOf books are asked for, when they are not the platform's.
    pub(super) account: Option<&'a str>,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    /// Sends one request, once.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        secret_key: &Secret,
        request: RequestBuilder,
        with: With<'_>,
    ) -> Result<T, Failure> {
        let mut url = self.base.clone();
        url.set_path(&format!("/v1{}", request.path));
        url.set_query(request.query.as_deref());
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut http = self
            .http
            .request(method, url)
            .bearer_auth(secret_key.reveal())
            .header("Stripe-Version", VERSION.as_str());
        if let Some(key) = with.idempotency_key {
            http = http.header("Idempotency-Key", key);
        }
        if let Some(account) = with.account {
            http = http.header("Stripe-Account", account);
        }
        if let Some(body) = request.body {
            http = http
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .body(body);
        }
        let silence = |error: reqwest::Error| Failure::Silence(error.without_url().to_string());
        let mut answer = http.send().await.map_err(silence)?;
        let status = answer.status();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(silence)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Failure::Silence("an answer is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(Failure::of_answer(status, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Silence(format!("an answer cannot be understood: {error}")))
    }
}
