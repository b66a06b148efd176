//! A request to a route, which can be sent to the handler or printed as a `curl` command.

use std::collections::HashMap;
use std::fmt;

use aws_lambda_events::apigw::{
    ApiGatewayRequestAuthorizer, ApiGatewayRequestAuthorizerJwtDescription, ApiGatewayV2httpRequestContext,
};
use http::header::{HeaderName, HeaderValue};
use http_api::Route;
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};

use crate::platform::Person;

/// A request to a route.
#[derive(Clone)]
pub struct Request {
    /// The route.
    pub route: &'static Route,
    /// The signed-in person; without one, the request has no token.
    pub person: Option<Person>,
    /// The decoded path parameters by name.
    pub parameters: HashMap<String, String>,
    /// The query string, encoded.
    pub query: String,
    /// The names and values of the headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, which may be empty.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without person, parameters, headers and body.
    pub fn new(route: &'static Route) -> Self {
        let (parameters, headers) = (HashMap::new(), Vec::new());
        Self { route, person: None, parameters, query: String::new(), headers, body: Vec::new() }
    }

    /// The path, encoded.
    pub fn path(&self) -> String {
        self.parameters.iter().fold(self.route.path.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), &encoded(value.as_bytes()))
        })
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The request as Lambda receives it; `None` if it is not valid HTTP, so that no gateway would pass it on.
    pub fn to_lambda(&self) -> Option<lambda_http::Request> {
        let question = if self.query.is_empty() { "" } else { "?" };
        let address = format!("https://api.example{}{question}{}", self.path(), self.query);
        let mut request = http::Request::builder().method(self.route.method.as_str()).uri(address);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request = request.header(name, HeaderValue::from_bytes(value).ok()?);
        }
        let body = match String::from_utf8(self.body.clone()) {
            Ok(text) if text.is_empty() => Body::Empty,
            Ok(text) => Body::Text(text),
            Err(bytes) => Body::Binary(bytes.into_bytes()),
        };
        if let Some(person) = self.person.filter(|_| !self.has_header("authorization")) {
            request = request.header("Authorization", person.authorization());
        }
        let mut context = ApiGatewayV2httpRequestContext::default();
        // Like the gateway, ignore the token if the route needs none.
        if let Some(person) = self.person.filter(|_| self.route.audience.needs_token()) {
            let mut token = ApiGatewayRequestAuthorizerJwtDescription::default();
            token.claims = person.claims();
            let mut authorizer = ApiGatewayRequestAuthorizer::default();
            authorizer.jwt = Some(token);
            context.authorizer = Some(authorizer);
        }
        let parameters: HashMap<String, Vec<String>> =
            self.parameters.iter().map(|(name, value)| (name.clone(), vec![value.clone()])).collect();
        let request = request.body(body).ok()?.with_path_parameters(parameters);
        Some(request.with_request_context(RequestContext::ApiGatewayV2(context)))
    }
}

/// Percent-encodes everything except letters, digits and `-._~`.
pub fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte))
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

/// Bytes as a quoted string of bash: `$'…'`.
fn quoted(bytes: &[u8]) -> String {
    let inner: String =
        bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    format!("$'{inner}'")
}

impl fmt::Display for Request {
    /// Formats the request as a command for bash. `$API` is the URL of the API; `$ADA` and so on are access tokens.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let question = if self.query.is_empty() { "" } else { "?" };
        write!(
            out,
            "curl -i -X {} \"$API\"{}",
            self.route.method.as_str(),
            quoted(format!("{}{question}{}", self.path(), self.query).as_bytes())
        )?;
        if let Some(person) = self.person {
            write!(out, " -H \"Authorization: Bearer ${}\"", person.subject.to_ascii_uppercase())?;
        }
        for (name, value) in &self.headers {
            write!(out, " -H {}", quoted(&[name.as_bytes(), b": ", value].concat()))?;
        }
        if !self.body.is_empty() {
            write!(out, " --data-binary {}", quoted(&self.body))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
