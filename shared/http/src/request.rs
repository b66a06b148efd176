//! Requests as handlers read them: the actor, and typed access to path, query, headers and body.

use std::net::IpAddr;
use std::str::FromStr;

use app::idempotency::{self, Creation};
use app::identity::Actor;
use app::identity::signed_in::{AccessToken, SignedInPerson};
use app::{App, IfMatch, Settings};
use aws_lc_rs::digest;
use domain::Violations;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, Method, StatusCode};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;

use crate::json::Strict;
use crate::{Problem, Response, accept, claims, problem, schema};

/// The maximum size of a request body, in bytes. A larger body is refused with 413.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The maximum length of an `Idempotency-Key`, in characters. Stripe has the same limit.
pub(crate) const MAX_KEY_LENGTH: usize = 255;

/// An HTTP request.
#[derive(Debug)]
pub struct Request {
    actor: Actor,
    /// Issuer and subject of the access token, as API Gateway has verified them.
    verified: Option<(String, String)>,
    method: Method,
    path: String,
    query: String,
    parameters: Vec<(String, String)>,
    headers: HeaderMap,
    source_address: Option<IpAddr>,
    body: Vec<u8>,
}

impl Request {
    /// Converts a request from API Gateway. The gateway has already verified the access token; [`claims`](mod@crate::claims) reads the
    /// person from it.
    pub fn new(request: lambda_http::Request, settings: &Settings) -> Self {
        let (verified, source_address) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                let token = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
                let verified = token.and_then(|token| {
                    Some((token.claims.get("iss")?.to_owned(), token.claims.get("sub")?.to_owned()))
                });
                let address = context.http.source_ip.as_ref().and_then(|address| address.parse().ok());
                (verified, address)
            }
            _ => (None, None),
        };
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let person = verified.as_ref().and_then(|(issuer, subject)| {
            claims::person(Some(issuer), Some(subject), authorization, settings)
        });
        let parameters = request.path_parameters_ref().map(|parameters| {
            parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        let parameters = parameters.unwrap_or_default();
        let (parts, body) = request.into_parts();
        Self {
            actor: person.map_or(Actor::Anonymous, Actor::Person),
            verified,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            parameters,
            headers: parts.headers,
            source_address,
            body: body.to_vec(),
        }
    }

    /// Who sends the request: the person of the access token, or somebody who is not signed in.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// 401 if the request has no access token.
    pub fn require_person(&self) -> Result<&SignedInPerson, Problem> {
        self.actor.person().ok_or_else(Problem::unauthorized)
    }

    /// The network address that sent the request, as API Gateway saw it; `None` if the request did not come through it.
    pub fn source_address(&self) -> Option<IpAddr> {
        self.source_address
    }

    /// The access token; `None` if the request has none, or one that cannot be read.
    pub fn access_token(&self) -> Option<AccessToken> {
        let (issuer, subject) = self.verified.as_ref()?;
        claims::access_token(issuer, subject, self.header(AUTHORIZATION.as_str()))
    }

    /// The path parameter `name`. `what` names the resource for the text of the error, such as "appointment".
    ///
    /// # Errors
    /// 404 if the value is missing or cannot be parsed, because then no resource has that id.
    pub fn path_parameter<T: FromStr>(&self, name: &str, what: &str) -> Result<T, Problem> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| Problem::not_found(what))
    }

    /// The query parameters.
    ///
    /// # Errors
    /// 422, with all parameters that are missing, unknown or invalid.
    pub fn query<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Problem> {
        let pairs = form_pairs(&self.query);
        schema::check_query::<T>(pairs.into_owned())
            .map_err(|violations| Problem::invalid(violations).of_query())?;
        let deserializer = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(deserializer).map_err(|error| unread(error).of_query())
    }

    /// Requires that there are no query parameters.
    ///
    /// # Errors
    /// 422, with all parameters.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        schema::check_query::<NoParameters>(form_pairs(&self.query).into_owned())
            .map_err(|violations| Problem::invalid(violations).of_query())
    }

    /// Whether there are query parameters.
    pub(crate) fn has_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// The JSON document in the body.
    ///
    /// # Errors
    /// 413 if the body is too large, 415 if its media type is not `application/json`, 400 if it is not valid JSON, and 422 with
    /// all violations if it does not match `T`.
    pub fn json<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, Problem> {
        self.check_size()?;
        let media_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail = "send the body as \"Content-Type: application/json\"";
            return Err(Problem::new(problem::MEDIA_TYPE_REFUSED, detail).with_header("Content-Type"));
        }
        let Strict(value) = serde_json::from_slice(&self.body)
            .map_err(|error| Problem::malformed(format!("the body must be one JSON document: {error}")))?;
        schema::check_document::<T>(&value).map_err(Problem::invalid)?;
        serde_path_to_error::deserialize(value).map_err(unread)
    }

    /// The JSON document in the body, or the default value if the body is empty.
    ///
    /// # Errors
    /// The same as [`Self::json`].
    pub fn json_or_default<T: DeserializeOwned + JsonSchema + Default>(&self) -> Result<T, Problem> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// The unchanged bytes of the body, for checking a signature over them.
    ///
    /// # Errors
    /// 413 if the body is too large.
    pub fn raw_body(&self) -> Result<&[u8], Problem> {
        self.check_size()?;
        Ok(&self.body)
    }

    fn check_size(&self) -> Result<(), Problem> {
        if self.body.len() <= MAX_BODY_BYTES {
            return Ok(());
        }
        let detail = format!("the body may have at most {MAX_BODY_BYTES} bytes");
        Err(Problem::new(problem::TOO_LARGE, detail))
    }

    /// The value of a header; `None` if it is missing or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The offered media type that the caller prefers according to `Accept`; the first one if the caller has no preference.
    ///
    /// # Errors
    /// 406, with the list of offered media types, if the caller accepts none of them.
    pub fn negotiate(&self, offered: &[&'static str]) -> Result<&'static str, Problem> {
        let accept = self.header(ACCEPT.as_str()).filter(|accept| !accept.trim().is_empty()).unwrap_or("*/*");
        accept::best(accept, offered).ok_or_else(|| {
            let detail = format!("this document is available as {}", offered.join(", "));
            Problem::new(problem::NOT_ACCEPTABLE, detail).with_header("Accept")
        })
    }

    /// The version of the document that the caller has read, from `If-Match`; `*` stands for every version of a document that can be
    /// read. By convention of this API, version 0 means that nothing is stored yet.
    ///
    /// # Errors
    /// 428 if the header is missing, 400 if it is not an ETag of this API.
    pub fn if_match(&self) -> Result<IfMatch, Problem> {
        let Some(tag) = self.header(IF_MATCH.as_str()) else {
            let detail =
                "send the ETag of the document that you read in \"If-Match\" (\"0\" if it did not exist)";
            return Err(Problem::new(problem::VERSION_REQUIRED, detail).with_header("If-Match"));
        };
        if tag.trim() == "*" {
            return Ok(IfMatch::Any);
        }
        tag.trim()
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'))
            // A version has exactly one ETag; `parse` would also accept a sign and leading zeros.
            .and_then(|version| version.parse().ok().filter(|number: &u64| number.to_string() == version))
            .map(IfMatch::Version)
            .ok_or_else(|| {
                Problem::malformed("send an ETag of this API, such as \"3\", including the quotes")
                    .with_header("If-Match")
            })
    }

    /// The idempotency key of this request, with a digest of method, path and body. Reads nothing.
    ///
    /// # Errors
    /// 400 if the key is missing or invalid, and 413 if the body is too large.
    pub fn idempotent_request(&self) -> Result<idempotency::IdempotentRequest, Problem> {
        let key = self.header("idempotency-key").unwrap_or_default();
        if key.is_empty()
            || key.len() > MAX_KEY_LENGTH
            || !key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            let detail = "send \"Idempotency-Key\" with a new random value, such as a UUID, for each resource to create: 1 \
                          to 255 visible ASCII characters without #; send the same value when you repeat the request";
            return Err(Problem::malformed(detail).with_header("Idempotency-Key"));
        }
        self.check_size()?;
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [self.method.as_str().as_bytes(), self.path.as_bytes(), &self.body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let fingerprint = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(idempotency::IdempotentRequest { key: key.to_owned(), fingerprint })
    }

    /// The body of the response to a request with an idempotency key: that of the first request, or the document of what was
    /// created now, which is stored for repetitions.
    pub async fn idempotent_body<T, D: Serialize + JsonSchema>(
        &self,
        app: &App,
        creation: Creation<T>,
        document: impl FnOnce(T) -> D,
    ) -> String {
        match creation {
            Creation::Replayed(body) => body,
            Creation::Created(created, record) => {
                let body = Response::json(StatusCode::CREATED, &document(created)).into_text();
                idempotency::complete(app, self.actor(), record, body.clone()).await;
                body
            }
        }
    }
}

/// The problem of a value that matches its schema but cannot be read. The domain type that refuses it words the violation.
fn unread<E: std::fmt::Display>(error: serde_path_to_error::Error<E>) -> Problem {
    let pointer = error.path().iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => schema::member(&pointer, key),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    });
    Problem::invalid(Violations::one(pointer, error.into_inner().to_string()))
}

/// The query parameters of a route without any.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}
