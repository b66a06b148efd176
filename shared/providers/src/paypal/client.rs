//! Sends requests with an access token over pooled connections, and reads the responses.

use std::sync::Arc;

use bytes::BytesMut;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::auth::{Access, Keys, Session, Token, assertion};
use super::errors::Failure;

/// Maximum size of a response, in bytes.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// The address of PayPal's API, the connections to it, and the access tokens for it.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    pub(super) access: Access,
}

/// A request.
pub(super) struct Request<'a> {
    method: Method,
    path: String,
    query: Vec<(&'static str, &'a str)>,
    body: Option<Vec<u8>>,
    key: Option<&'a str>,
    seller: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request to read an object or a list.
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), body: None, key: None, seller: None }
    }

    /// Adds a query parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.query.push((name, value));
        self
    }

    /// A request to create or change an object.
    pub(super) fn post(path: String, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body);
        let body =
            body.map_err(|error| Failure::Unavailable(format!("the request cannot be written: {error}")))?;
        Ok(Self { method: Method::POST, body: Some(body), ..Self::get(path) })
    }

    /// Adds an idempotency key. PayPal acts once for each key, and replays the outcome to later requests with the same key.
    #[must_use]
    pub(super) fn once(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Acts for a seller, named by their merchant id.
    #[must_use]
    pub(super) fn acting_for(self, seller: &'a str) -> Self {
        Self { seller: Some(seller), ..self }
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: Url, access: Access) -> Self {
        Self { http, base, access }
    }

    /// The keys and the access token for requests.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        self.access.session(async |keys| self.sign_in(keys).await).await
    }

    /// The keys, without an access token.
    pub(super) async fn keys(&self) -> Result<Arc<Keys>, Failure> {
        self.access.own_keys().await
    }

    /// Sends a request. If PayPal refuses the access token, it has not acted; the request is then sent once more with a new token.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, Failure> {
        let session = self.session().await?;
        match self.send_with(&session, request).await {
            Err(failure) if failure.is_invalid_token() => {
                self.access.forget(&session.token).await;
                self.send_with(&self.session().await?, request).await
            }
            result => result,
        }
    }

    async fn send_with<T: DeserializeOwned>(
        &self,
        session: &Session,
        request: &Request<'_>,
    ) -> Result<T, Failure> {
        let mut url = self.address(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        // By default, the response to a POST contains little more than an id.
        let mut http = self
            .http
            .request(request.method.clone(), url)
            .bearer_auth(session.token.reveal())
            .header("Prefer", "return=representation");
        if let Some(key) = request.key {
            http = http.header("PayPal-Request-Id", key);
        }
        if let Some(seller) = request.seller {
            http = http.header("PayPal-Auth-Assertion", assertion(&session.keys.client_id, seller));
        }
        if let Some(body) = &request.body {
            http = http.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        respond(http).await
    }

    async fn sign_in(&self, keys: &Keys) -> Result<Token, Failure> {
        let http = self
            .http
            .post(self.address("/v1/oauth2/token"))
            .basic_auth(&keys.client_id, Some(&keys.client_secret))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body("grant_type=client_credentials");
        respond(http).await
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

async fn respond<T: DeserializeOwned>(http: RequestBuilder) -> Result<T, Failure> {
    let response = http.send().await.map_err(unavailable)?;
    let status = response.status();
    let body = read(response).await?;
    if !status.is_success() {
        return Err(Failure::from_response(status, &body));
    }
    // A response with status 204 has no body.
    let body = if body.is_empty() { b"null" } else { &*body };
    serde_json::from_slice(body)
        .map_err(|error| Failure::Unavailable(format!("the response cannot be read: {error}")))
}

async fn read(mut response: Response) -> Result<BytesMut, Failure> {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_RESPONSE => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Failure::Unavailable("the response is too large".to_owned())),
            Err(error) => return Err(unavailable(error)),
        }
    }
}

fn unavailable(error: reqwest::Error) -> Failure {
    Failure::Unavailable(error.without_url().to_string())
}
