//! Routes: method, path, audience, description and handler. A route without an audience does not compile.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use app::App;
use app::identity::signed_in::Role;
use http::StatusCode;
use lambda_http::Body;
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::problem::Violation;
use crate::{Problem, ProblemType, Request, Response};

/// Who may call a route: a first check, and documentation. The use case decides whether the actor may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody, without a token.
    Public,
    /// Everybody who is signed in.
    SignedIn,
    /// People with this role.
    Only(Role),
    /// A provider, which signs its messages.
    Provider,
}

impl Audience {
    /// Whether the API gateway requires a token.
    pub fn needs_token(self) -> bool {
        matches!(self, Self::SignedIn | Self::Only(_))
    }
}

/// The method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads a resource.
    Get,
    /// Creates a resource, or acts on one.
    Post,
    /// Replaces a resource.
    Put,
    /// Withdraws a resource.
    Delete,
}

impl Method {
    /// The method as HTTP spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// The future that a handler returns.
pub type Outcome<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send + 'a>>;

/// A route and the Lambda function that serves it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The name of the function: that of its file, its `Handler`, and its operation id.
    pub function: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{variables}`.
    pub path: &'static str,
    /// Who may call it.
    pub audience: Audience,
    /// What the route does, in one line of the OpenAPI document.
    pub summary: &'static str,
    /// The request and response, for the OpenAPI document.
    pub operation: fn(&mut SchemaGenerator) -> Operation,
    /// Reads the request, runs one use case, and renders the result.
    pub handler: for<'a> fn(&'a App, &'a Request) -> Outcome<'a>,
}

/// The name of the variable if a path segment is one, such as `{expert_id}`.
pub(crate) fn variable(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// The request and the responses of a route.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The schema of the request body.
    pub body: Option<Schema>,
    /// Whether a request may have no body, which stands for an empty object.
    pub body_is_optional: bool,
    /// The schema of the query parameters: an object with a member for each.
    pub query: Option<Schema>,
    /// The status of a successful response.
    pub status: StatusCode,
    /// The schema of the document in a successful response.
    pub response: Option<Schema>,
    /// Other media types in which the document is available, selected by `Accept`.
    pub also_as: &'static [&'static str],
    /// Whether the route requires `Idempotency-Key`.
    pub idempotent: bool,
    /// Whether the route requires `If-Match`.
    pub conditional: bool,
    /// Whether a successful response has an `ETag`.
    pub versioned: bool,
    /// The types of this route's problems, besides those that follow from the other fields.
    pub problems: Vec<&'static ProblemType>,
}

impl Operation {
    /// An operation that returns a document of this type.
    pub fn responds_with<T: JsonSchema>(schemas: &mut SchemaGenerator, status: StatusCode) -> Self {
        Self { response: Some(schemas.subschema_for::<T>()), ..Self::responds_empty(status) }
    }

    /// An operation that returns no document.
    pub fn responds_empty(status: StatusCode) -> Self {
        Self {
            body: None,
            body_is_optional: false,
            query: None,
            status,
            response: None,
            also_as: &[],
            idempotent: false,
            conditional: false,
            versioned: false,
            problems: Vec::new(),
        }
    }

    /// Accepts a JSON body of this type.
    #[must_use]
    pub fn accepts<T: JsonSchema>(mut self, schemas: &mut SchemaGenerator) -> Self {
        self.body = Some(schemas.subschema_for::<T>());
        self
    }

    /// Accepts a JSON body of this type, or none.
    #[must_use]
    pub fn accepts_or_none<T: JsonSchema + Default>(self, schemas: &mut SchemaGenerator) -> Self {
        Self { body_is_optional: true, ..self.accepts::<T>(schemas) }
    }

    /// Accepts the members of this type as query parameters.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        let inline = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true);
        self.query = Some(inline.into_generator().into_root_schema_for::<T>());
        self
    }

    /// Returns the document in these media types too, if the caller prefers one of them.
    #[must_use]
    pub fn also_as(mut self, media_types: &'static [&'static str]) -> Self {
        self.also_as = media_types;
        self
    }

    /// Requires `Idempotency-Key`.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Requires `If-Match`, and returns the new `ETag` unless the response is empty.
    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        // What was deleted has no ETag any more.
        self.versioned = self.status != StatusCode::NO_CONTENT;
        self
    }

    /// Returns an `ETag`.
    #[must_use]
    pub fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    /// Adds problem types to the common ones.
    #[must_use]
    pub fn problems(mut self, problems: &[&'static ProblemType]) -> Self {
        self.problems.extend(problems);
        self
    }
}

impl Route {
    /// The values of the route's path variables in `path`, percent-decoded; `None` if the path does not match.
    pub fn parameters(&self, path: &str) -> Option<Vec<(String, String)>> {
        let (mut expected, mut given) = (self.path.split('/'), path.split('/'));
        let mut parameters = Vec::new();
        loop {
            match (expected.next(), given.next()) {
                (None, None) => return Some(parameters),
                (Some(expected), Some(given)) => match variable(expected) {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => {
                        let value = percent_decode_str(given).decode_utf8().ok()?;
                        parameters.push((name.to_owned(), value.into_owned()));
                    }
                    None if expected == given => {}
                    None => return None,
                },
                _ => return None,
            }
        }
    }

    /// Handles a request: checks the audience and the names of query parameters, runs the handler, and turns an error into a problem document.
    pub async fn respond(&self, app: &App, request: lambda_http::Request) -> lambda_http::Response<Body> {
        let started = Instant::now();
        let request = Request::new(request, &app.settings);
        let result = match self.admit(&request).and_then(|()| self.check_query(&request)) {
            Ok(()) => (self.handler)(app, &request).await,
            Err(problem) => Err(problem),
        };
        let response = result.unwrap_or_else(|problem| {
            let place = problem.violations.first().map(Violation::place);
            tracing::info!(problem = %problem.kind, place, "request refused");
            // A request without a body has its values in the query.
            if self.method == Method::Get { problem.of_query() } else { problem }.into()
        });
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            function = self.function,
            status = response.status.as_u16(),
            milliseconds,
            "responded"
        );
        response.into()
    }

    /// Refuses query parameters if the route has none. A handler of a route that has some checks them itself. Providers may add
    /// parameters to their messages at any time, so theirs are ignored.
    fn check_query(&self, request: &Request) -> Result<(), Problem> {
        if !request.has_query() || self.audience == Audience::Provider || self.takes_query() {
            return Ok(());
        }
        request.no_query()
    }

    fn takes_query(&self) -> bool {
        /// The answers so far, by function: generating the schemas takes longer than most requests.
        static KNOWN: Mutex<BTreeMap<&str, bool>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let generate = || (self.operation)(&mut SchemaGenerator::default()).query.is_some();
        *known.entry(self.function).or_insert_with(generate)
    }

    /// Checks that the caller belongs to the audience.
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        match self.audience {
            Audience::Public | Audience::Provider => Ok(()),
            Audience::SignedIn => request.require_person().map(|_| ()),
            Audience::Only(role) if request.require_person()?.has(role) => Ok(()),
            Audience::Only(Role::Expert) => Err(Problem::forbidden("only an expert can do this")),
            Audience::Only(Role::Client) => Err(Problem::forbidden("only a client can do this")),
            Audience::Only(Role::Admin) => Err(Problem::forbidden("only an administrator can do this")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_whole_and_its_variables_are_decoded() {
        let route = Route {
            function: "read",
            method: Method::Get,
            path: "/v1/things/{thing_id}/parts/{part}",
            audience: Audience::Public,
            summary: "Read",
            operation: |_| Operation::responds_empty(StatusCode::OK),
            handler: |_, _| Box::pin(async { Err(Problem::internal()) }),
        };
        let named = |thing: &str, part: &str| {
            Some(vec![("thing_id".to_owned(), thing.to_owned()), ("part".to_owned(), part.to_owned())])
        };
        assert_eq!(route.parameters("/v1/things/a/parts/b"), named("a", "b"));
        assert_eq!(route.parameters("/v1/things/a%2Fb/parts/%c3%a4"), named("a/b", "ä"));
        for other in [
            "/v1/things/a/parts",
            "/v1/things/a/parts/",
            "/v1/things//parts/b",
            "/v1/things/a/parts/b/",
            "/v1/things/a/part/b",
            "/v1/things/a/parts/%ff",
            "v1/things/a/parts/b",
            "",
        ] {
            assert_eq!(route.parameters(other), None, "{other}");
        }
    }
}
