//! A request to a route, as the API gateway passes it on, and as it can be sent by hand.

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

/// A request.
#[derive(Clone)]
pub struct Request {
    /// Where to.
    pub route: &'static Route,
    /// Who asks; nobody has no token.
    pub person: Option<Person>,
    /// The variable parts of the path, by their names, decoded.
    pub parameters: HashMap<String, String>,
    /// What stands behind the question mark.
    pub query: String,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, which may be empty.
    pub body: Vec<u8>,
}

impl Request {
    /// One without anything.
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

    /// As the function gets it; `None` for what is no HTTP, so that no gateway would pass it on.
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
        let mut context = ApiGatewayV2httpRequestContext::default();
        // As the gateway does: without need for a token none is read.
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

/// As a form has it: everything but letters, digits and `-._~` by its number.
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

/// Bytes in the quotes of bash: `$'…'`.
fn quoted(bytes: &[u8]) -> String {
    let inner: String =
        bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    format!("$'{inner}'")
}

impl fmt::Display for Request {
    /// As a command for bash. `$API` is the address; `$ADA` and so on are the people's access tokens.
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
