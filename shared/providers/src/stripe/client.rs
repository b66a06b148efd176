//! Sends async-stripe's requests over connections that are kept open.

use std::fmt::Display;

use app::ports::{PaymentError, Secret};
use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod, VERSION};

use super::errors;

/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Stripe's address, and the connections that lead there.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    pub(super) fn with_key(&self, key: Secret) -> WithKey<'_> {
        WithKey { client: self, key }
    }
}

/// A client with the key of the moment.
pub(super) struct WithKey<'a> {
    client: &'a Client,
    key: Secret,
}

/// A [`PaymentError`] under a name of this crate, so that async-stripe's trait can be implemented for it.
pub(super) struct CallError(pub(super) PaymentError);

impl StripeClientErr for CallError {
    fn deserialize_err(message: impl Display) -> Self {
        Self(PaymentError::Unavailable(format!("an answer cannot be understood: {message}")))
    }
}

impl StripeClient for WithKey<'_> {
    type Err = CallError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, CallError> {
        let (request, settings) = request.into_pieces();
        let mut url = self.client.base.clone();
        url.set_path(&format!("/v1{}", request.path));
        url.set_query(request.query.as_deref());
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut http = self
            .client
            .http
            .request(method, url)
            .bearer_auth(self.key.reveal())
            .header("Stripe-Version", VERSION.as_str());
        if let Some(key) = settings.request_strategy.and_then(|strategy| strategy.get_key()) {
            http = http.header("Idempotency-Key", key.as_str());
        }
        if let Some(body) = request.body {
            http = http
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .body(body);
        }
        let unavailable =
            |error: reqwest::Error| CallError(PaymentError::Unavailable(error.without_url().to_string()));
        let mut answer = http.send().await.map_err(unavailable)?;
        let status = answer.status();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(CallError(PaymentError::Unavailable("an answer is too large".to_owned())));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() { Ok(body.freeze()) } else { Err(CallError(errors::of_answer(status, &body))) }
    }
}
