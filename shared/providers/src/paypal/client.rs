//! Sends calls over connections that are kept open, with an access token, and reads the answers.

use bytes::BytesMut;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::auth::{Access, Keys, Session, Token, assertion};
use super::errors::Failure;

/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// PayPal's address, the connections that lead there, and who we are.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    pub(super) access: Access,
}

/// One call.
pub(super) struct Call<'a> {
    method: Method,
    path: String,
    query: Vec<(&'static str, &'a str)>,
    body: Option<Vec<u8>>,
    key: Option<&'a str>,
    seller: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Asks for something.
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), body: None, key: None, seller: None }
    }

    /// Asks for those of many.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.query.push((name, value));
        self
    }

    /// Orders something.
    pub(super) fn post(path: String, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| Failure::Silence(format!("a call cannot be written: {error}")))?;
        Ok(Self { method: Method::POST, body: Some(body), ..Self::get(path) })
    }

    /// Once: PayPal acts once for each key, and answers what became of it again.
    #[must_use]
    pub(super) fn once(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// For a seller, by their merchant id.
    #[must_use]
    pub(super) fn acting_for(self, seller: &'a str) -> Self {
        Self { seller: Some(seller), ..self }
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: Url, access: Access) -> Self {
        Self { http, base, access }
    }

    /// The keys that calls are made with.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        self.access.session(async |keys| self.sign_in(keys).await).await
    }

    /// Makes a call, and once more with another token when this one is not taken: then nothing was done yet.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Failure> {
        let session = self.session().await?;
        match self.send_with(&session, call).await {
            Err(failure) if failure.wants_another_token() => {
                self.access.forget(&session.token).await;
                self.send_with(&self.session().await?, call).await
            }
            done => done,
        }
    }

    async fn send_with<T: DeserializeOwned>(&self, session: &Session, call: &Call<'_>) -> Result<T, Failure> {
        let mut url = self.address(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        // Without this wish a POST is answered with little more than an id.
        let mut http = self
            .http
            .request(call.method.clone(), url)
            .bearer_auth(session.token.reveal())
            .header("Prefer", "return=representation");
        if let Some(key) = call.key {
            http = http.header("PayPal-Request-Id", key);
        }
        if let Some(seller) = call.seller {
            http = http.header("PayPal-Auth-Assertion", assertion(&session.keys.client_id, seller));
        }
        if let Some(body) = &call.body {
            http = http.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        answer(http).await
    }

    async fn sign_in(&self, keys: &Keys) -> Result<Token, Failure> {
        let http = self
            .http
            .post(self.address("/v1/oauth2/token"))
            .basic_auth(&keys.client_id, Some(&keys.client_secret))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body("grant_type=client_credentials");
        answer(http).await
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

async fn answer<T: DeserializeOwned>(http: RequestBuilder) -> Result<T, Failure> {
    let silence = |error: reqwest::Error| Failure::Silence(error.without_url().to_string());
    let answer = http.send().await.map_err(silence)?;
    let status = answer.status();
    let body = read(answer).await?;
    if !status.is_success() {
        return Err(Failure::of_answer(status, &body));
    }
    // What is done without anything to say is answered 204.
    let body = if body.is_empty() { b"null" } else { &*body };
    serde_json::from_slice(body)
        .map_err(|error| Failure::Silence(format!("an answer cannot be understood: {error}")))
}

async fn read(mut answer: Response) -> Result<BytesMut, Failure> {
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Failure::Silence("an answer is too large".to_owned())),
            Err(error) => return Err(Failure::Silence(error.without_url().to_string())),
        }
    }
}
