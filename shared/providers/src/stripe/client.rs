//! Sends async-stripe's requests over reqwest, on the one TLS stack that everything here shares.

use std::fmt::Display;
use std::time::Duration;

use app::ports::{PaymentError, Secret};
use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod, VERSION};

use super::errors;

/// Longest wait for an answer: below the time limit of the functions that ask.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base address is not one.
    #[error("\"{0}\" is not a URL")]
    Address(String),
    /// TLS or HTTP could not be set up.
    #[error("the HTTP client cannot be built: {0}")]
    Build(String),
}

/// A pool of connections to Stripe.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    pub(super) fn new(base: Url) -> Result<Self, ClientError> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Build(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(3))
            .build()
            .map_err(|error| ClientError::Build(error.to_string()))?;
        Ok(Self { http, base })
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
