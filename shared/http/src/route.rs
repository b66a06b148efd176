//! The shape of a route. A handler that is in no route does not exist, and a route without an audience does not compile.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use app::App;
use app::identity::people::Role;
use http::StatusCode;
use lambda_http::{Body, Request, Response};
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{Answer, Call, Problem};

/// Who may call a route. Whether the thing is theirs is for the use case to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody; no token is read.
    Public,
    /// Whoever signed in.
    SignedIn,
    /// Who has this role.
    Only(Role),
    /// A provider that proves itself by the signature of its message.
    Provider,
}

impl Audience {
    /// Whether the API gateway asks for a token.
    pub fn needs_token(self) -> bool {
        matches!(self, Self::SignedIn | Self::Only(_))
    }
}

/// The methods that routes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or does something to what is there.
    Post,
    /// Replaces.
    Put,
    /// Withdraws.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a handler comes to, in the end.
pub type Outcome<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'a>>;

/// One route, and the one Lambda function behind it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Name of the function: its folder, its binary, its operation id.
    pub function: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path with `{variables}`.
    pub path: &'static str,
    /// Who may call it.
    pub audience: Audience,
    /// What it does, in one line for readers of the API description.
    pub summary: &'static str,
    /// Its shapes, for the API description.
    pub operation: fn(&mut SchemaGenerator) -> Operation,
    /// Reads the call, runs one use case, renders.
    pub handler: for<'a> fn(&'a App, &'a Call) -> Outcome<'a>,
}

/// The name of a part of a path that is a variable, such as `{expert_id}`.
pub(crate) fn variable(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// The shapes of a route.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The body that it takes.
    pub body: Option<Schema>,
    /// Its parameters, as the members of an object.
    pub query: Option<Schema>,
    /// The status when all is well.
    pub status: StatusCode,
    /// The document that it answers.
    pub answer: Option<Schema>,
    /// More media types that the document comes in, by `Accept`.
    pub also_as: &'static [&'static str],
    /// Whether it takes `Idempotency-Key`.
    pub idempotent: bool,
    /// Whether it takes `If-Match`.
    pub conditional: bool,
    /// Statuses of the problems that are its own; those that every route may have are added.
    pub problems: &'static [u16],
}

impl Operation {
    /// Answers a document of this type.
    pub fn answers<T: JsonSchema>(schemas: &mut SchemaGenerator, status: StatusCode) -> Self {
        Self { answer: Some(schemas.subschema_for::<T>()), ..Self::answers_nothing(status) }
    }

    /// Answers no document.
    pub fn answers_nothing(status: StatusCode) -> Self {
        Self {
            body: None,
            query: None,
            status,
            answer: None,
            also_as: &[],
            idempotent: false,
            conditional: false,
            problems: &[],
        }
    }

    /// Takes a JSON body of this type.
    #[must_use]
    pub fn takes<T: JsonSchema>(mut self, schemas: &mut SchemaGenerator) -> Self {
        self.body = Some(schemas.subschema_for::<T>());
        self
    }

    /// Takes the members of this type as parameters.
    #[must_use]
    pub fn asks<T: JsonSchema>(mut self) -> Self {
        let inline = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true);
        self.query = Some(inline.into_generator().into_root_schema_for::<T>());
        self
    }

    /// Answers the document in these media types too, to callers that ask for them.
    #[must_use]
    pub fn also_as(mut self, media_types: &'static [&'static str]) -> Self {
        self.also_as = media_types;
        self
    }

    /// Takes `Idempotency-Key`.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Takes `If-Match`.
    #[must_use]
    pub fn on_version(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Has these problems of its own.
    #[must_use]
    pub fn may_fail(mut self, problems: &'static [u16]) -> Self {
        self.problems = problems;
        self
    }
}

impl Route {
    /// The variables of the route's path in `path`, percent-decoded; none if the path is not of this route.
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

    /// Answers a request: checks the audience, runs the handler, and makes a problem document of a failure.
    pub async fn answer(&self, app: &App, request: Request) -> Response<Body> {
        let started = Instant::now();
        let call = Call::new(request);
        let answer = match self.admit(&call) {
            Ok(()) => (self.handler)(app, &call).await,
            Err(problem) => Err(problem),
        };
        let answer = answer.unwrap_or_else(|problem| {
            tracing::info!(problem = %problem.kind, field = problem.field.as_deref(), "refused");
            problem.into()
        });
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(function = self.function, status = answer.status.as_u16(), milliseconds, "answered");
        answer.into()
    }

    fn admit(&self, call: &Call) -> Result<(), Problem> {
        match self.audience {
            Audience::Public | Audience::Provider => Ok(()),
            Audience::SignedIn => call.signed_in().map(|_| ()),
            Audience::Only(role) if call.signed_in()?.has(role) => Ok(()),
            Audience::Only(Role::Expert) => Err(Problem::forbidden("only an expert can do this")),
            Audience::Only(Role::Client) => Err(Problem::forbidden("only a client can do this")),
            Audience::Only(Role::Admin) => Err(Problem::forbidden("only an administrator can do this")),
        }
    }
}
