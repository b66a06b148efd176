//! A request as a handler sees it: who calls, and typed access to path, query, headers and body.

use std::str::FromStr;

use app::idempotency;
use app::identity::people::{Person, Role};
use aws_lc_rs::digest;
use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, Method, StatusCode};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde::de::DeserializeOwned;

use crate::json::Strict;
use crate::{Problem, accept};

/// Largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 256 * 1024;
/// Longest Idempotency-Key, in characters, as Stripe has it.
const LONGEST_KEY: usize = 255;

/// One request.
#[derive(Debug)]
pub struct Call {
    person: Option<Person>,
    method: Method,
    path: String,
    query: String,
    parameters: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Call {
    /// Reads a request as the API gateway passes it on. The gateway has checked the token; its claims say who calls.
    pub fn new(request: Request) -> Self {
        let person = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context
                .authorizer
                .as_ref()
                .and_then(|authorizer| authorizer.jwt.as_ref())
                .and_then(|token| person_of(|name| token.claims.get(name).map(String::as_str))),
            _ => None,
        };
        let parameters = request.path_parameters_ref().map(|parameters| {
            parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        let parameters = parameters.unwrap_or_default();
        let (parts, body) = request.into_parts();
        Self {
            person,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            parameters,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// Who signed in, when somebody did.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// Who signed in.
    ///
    /// # Errors
    /// 401 when nobody did.
    pub fn signed_in(&self) -> Result<&Person, Problem> {
        self.person.as_ref().ok_or_else(Problem::sign_in)
    }

    /// A variable part of the path.
    ///
    /// # Errors
    /// 404 when it is not of its form: then there is no such thing.
    pub fn parameter<T: FromStr>(&self, name: &str, what: &str) -> Result<T, Problem> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| Problem::not_found(what))
    }

    /// The parameters behind the question mark.
    ///
    /// # Errors
    /// 422 that names what is missing, unknown or of the wrong form.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let deserializer = serde_urlencoded::Deserializer::new(form_pairs(&self.query));
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "query".to_owned() } else { path };
            Problem::invalid(field, error.into_inner().to_string())
        })
    }

    /// The JSON document of the body.
    ///
    /// # Errors
    /// 413 when it is too large, 415 when it is said to be something else, 400 when it is not JSON, 422 when it is not this
    /// document.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.check_size()?;
        let media_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail = "send the body as \"Content-Type: application/json\"";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "media-type", "Not JSON", detail).subject("Content-Type"));
        }
        let value: Strict = serde_json::from_slice(&self.body)
            .map_err(|error| Problem::malformed(format!("the body is not one JSON document: {error}")))?;
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "body".to_owned() } else { path };
            Problem::invalid(field, error.into_inner().to_string())
        })
    }

    /// The JSON document of the body, or the default when there is no body.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// The body as it came, to the byte.
    ///
    /// # Errors
    /// 413 when it is too large.
    pub fn raw_body(&self) -> Result<&[u8], Problem> {
        self.check_size()?;
        Ok(&self.body)
    }

    fn check_size(&self) -> Result<(), Problem> {
        if self.body.len() <= LARGEST_BODY {
            return Ok(());
        }
        let detail = format!("the body may have at most {LARGEST_BODY} bytes");
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail))
    }

    /// A header, when it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type that the caller likes best of those that there are, the first of which is the ordinary one; from
    /// `Accept`.
    ///
    /// # Errors
    /// 406 that names what there is, when the caller takes none of it.
    pub fn preferred(&self, offered: &[&'static str]) -> Result<&'static str, Problem> {
        let accept = self.header(ACCEPT.as_str()).filter(|accept| !accept.trim().is_empty()).unwrap_or("*/*");
        accept::best(accept, offered).ok_or_else(|| {
            let detail = format!("this comes as {}", offered.join(", "));
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", "Not in that form", detail)
                .subject("Accept")
        })
    }

    /// The version of the document that the caller saw, from `If-Match`.
    ///
    /// # Errors
    /// 428 when it is missing, 400 when it is not one of our ETags.
    pub fn if_match(&self) -> Result<u64, Problem> {
        let Some(tag) = self.header(IF_MATCH.as_str()) else {
            let detail = "send the ETag of the document you read as \"If-Match\" (\"0\" when there was none)";
            let status = StatusCode::PRECONDITION_REQUIRED;
            return Err(Problem::new(status, "version-required", "Say which version you saw", detail)
                .subject("If-Match"));
        };
        tag.trim()
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'))
            // One version has one ETag; Rust would also read a sign and zeros in front.
            .and_then(|version| version.parse().ok().filter(|number: &u64| number.to_string() == version))
            .ok_or_else(|| {
                Problem::malformed("expected an ETag of ours, such as \"3\" with its quotes")
                    .subject("If-Match")
            })
    }

    /// What keeps this request from creating twice.
    ///
    /// # Errors
    /// 400 when the key is missing or of the wrong form, 401 when nobody signed in.
    pub fn idempotency(&self) -> Result<idempotency::IdempotentRequest, Problem> {
        let person = self.signed_in()?;
        let key = self.header("idempotency-key").unwrap_or_default();
        if key.is_empty()
            || key.len() > LONGEST_KEY
            || !key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            let detail = "send \"Idempotency-Key\" with a fresh random value for each thing to create, such as a UUID: 1 to \
                          255 visible ASCII characters without #; send the same one when you repeat the request";
            return Err(Problem::malformed(detail).subject("Idempotency-Key"));
        }
        self.check_size()?;
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [self.method.as_str().as_bytes(), self.path.as_bytes(), &self.body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let fingerprint = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(idempotency::IdempotentRequest {
            person: person.client_id().to_string(),
            key: key.to_owned(),
            fingerprint,
        })
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// The person of a token's claims.
///
/// API Gateway passes every claim as text, a list as `[one two]`; a list in JSON is read too.
pub fn person_of<'a>(claim: impl Fn(&str) -> Option<&'a str>) -> Option<Person> {
    let (issuer, subject) = (claim("iss")?, claim("sub")?);
    if issuer.is_empty() || subject.is_empty() {
        return None;
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&(issuer.len() as u64).to_be_bytes());
    context.update(issuer.as_bytes());
    context.update(subject.as_bytes());
    let bits =
        context.finish().as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let roles = groups(claim("cognito:groups").unwrap_or_default());
    let roles = roles.iter().filter_map(|group| Role::from_group(group)).collect();
    Some(Person::new(bits, roles))
}

/// The groups of a claim, whole: a name may hold commas, and a part of a name is no group.
fn groups(claim: &str) -> Vec<String> {
    serde_json::from_str(claim).unwrap_or_else(|_| {
        let bare = claim.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(claim);
        bare.split_whitespace().map(str::to_owned).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_make_a_person() {
        let groups = |text: &'static str| {
            person_of(move |name| match name {
                "iss" => Some("https://issuer.example"),
                "sub" => Some("ada"),
                "cognito:groups" => Some(text),
                _ => None,
            })
            .expect("a person")
        };
        assert!(groups("[expert client]").has(Role::Expert));
        assert!(groups("[expert client]").has(Role::Client));
        assert!(groups("[\"expert\",\"admin\"]").has(Role::Admin));
        assert!(!groups("[superexpert]").has(Role::Expert));
        assert!(!groups("[x,admin [admin] \"admin\"]").has(Role::Admin));
        assert!(groups("expert").has(Role::Expert));
        assert_eq!(groups("").expert_id(), groups("[expert]").expert_id());
        assert_eq!(person_of(|name| (name == "sub").then_some("ada")), None);
    }
}
