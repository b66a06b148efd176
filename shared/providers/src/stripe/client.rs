//! Sends async-stripe's requests over pooled connections, and reads the responses.

use app::ports::Secret;
use bytes::BytesMut;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};

use super::errors::Failure;

/// Maximum size of a response, in bytes.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// The address of Stripe's API, and the connections to it.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

/// Headers of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestOptions<'a> {
    /// Stripe acts once for each key, and replays the response to later requests with the same key.
    pub(super) idempotency_key: Option<&'a str>,
    /// The connected account to act on, instead of the platform's.
    pub(super) account: Option<&'a str>,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    /// Sends a request. Does not retry.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        secret_key: &Secret,
        request: RequestBuilder,
        options: RequestOptions<'_>,
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
        if let Some(key) = options.idempotency_key {
            http = http.header("Idempotency-Key", key);
        }
        if let Some(account) = options.account {
            http = http.header("Stripe-Account", account);
        }
        if let Some(body) = request.body {
            http = http
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .body(body);
        }
        let unavailable = |error: reqwest::Error| Failure::Unavailable(error.without_url().to_string());
        let mut response = http.send().await.map_err(unavailable)?;
        let status = response.status();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > MAX_RESPONSE {
                return Err(Failure::Unavailable("the response is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(Failure::from_response(status, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Unavailable(format!("the response cannot be read: {error}")))
    }
}
