//! The OpenAPI 3.1 document, made from the route table and the types that the handlers use.

use std::collections::{BTreeMap, BTreeSet};

use domain::payments::gateway::GatewayKind;
use domain::{AppointmentId, ExpertId, InvitationId, NoteId, PersonId, ReceiptId, SessionTypeId};
use http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::problem::{self, Problem, ProblemType};
use crate::request::MAX_KEY_LENGTH;
use crate::route::variable;
use crate::{Audience, Operation, Route, schema};

/// A tag of the document: routes that belong together.
#[derive(Debug, Clone)]
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// What its routes are about.
    pub description: &'static str,
    /// Its routes.
    pub routes: Vec<&'static Route>,
    /// The examples, as JSON: an object with a member for each route, named like its function. It has the members `query`,
    /// `request` and `response`, as far as the route has query parameters, a request body and a JSON response.
    pub examples: &'static str,
}

/// The OpenAPI document of the routes of these tags.
pub fn document(tags: &[Tag]) -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = schemas.subschema_for::<Problem>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for tag in tags {
        let examples: Value = serde_json::from_str(tag.examples).unwrap_or_default();
        for route in &tag.routes {
            let method = route.method.as_str().to_ascii_lowercase();
            let mut operation = describe(route, &examples[route.function], &mut schemas, problem.as_value());
            operation["tags"] = json!([tag.name]);
            paths.entry(route.path).or_default().insert(method, operation);
        }
    }
    let tag = |tag: &Tag| json!({ "name": tag.name, "description": tag.description });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Expert Connect",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Experts publish when they can be booked; clients find a slot, pay, and get a confirmed \
                            appointment. Times are RFC 3339, amounts of money are in minor units, and errors are problem \
                            documents (RFC 9457) with a stable type. An estimate in another currency is for information \
                            only; the price is charged in the expert's currency, unless the client chooses one of the \
                            session type's presentment currencies at booking.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags.iter().map(tag).collect::<Vec<_>>(),
        "paths": paths,
        "x-problem-types": problem_catalog(),
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "sign_in": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

fn describe(route: &Route, examples: &Value, schemas: &mut SchemaGenerator, problem: &Value) -> Value {
    let operation = (route.operation)(schemas);
    let mut description = json!({
        "operationId": route.function,
        "summary": route.summary,
        "parameters": parameters(route, &operation, &examples["query"]),
        "responses": responses(route, &operation, &examples["response"], problem),
    });
    if let Some(body) = &operation.body {
        let media = if route.audience == Audience::Provider { "*/*" } else { "application/json" };
        description["requestBody"] = json!({
            "required": !operation.body_is_optional,
            "content": { media: { "schema": body, "example": examples["request"] } },
        });
    }
    if route.audience.needs_token() {
        description["security"] = json!([{ "sign_in": [] }]);
    }
    description
}

/// The names of a path's variables, in order.
pub fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(variable)
}

/// The description of a path variable, and an example.
fn variable_description(variable: &str) -> (&'static str, &'static str) {
    match variable {
        "expert_id" => ("The id of the expert, exp_…", "exp_59s346q3d25vt4f5v37e3s3e28"),
        "session_type_id" => {
            ("The id of one of the expert's session types, ses_…", "ses_5wj47tan9zt24mnpzx45hy43kw")
        }
        "appointment_id" => ("The id of the appointment, apt_…", "apt_4rp1xpa7z3dj8fssz5awsh8vht"),
        "receipt_id" => ("The id of the receipt, rcp_…", "rcp_5re95b9ee0zbgj09tqm83xssss"),
        "person_id" => (
            "The id of the person, per_…: a member in paths of an expert; their ids as a client and an expert have the same characters after the underscore",
            "per_5re95b9ee0zbgj09tqm83xssss",
        ),
        "note_id" => ("The id of the note, not_…", "not_4rp1xpa7z3dj8fssz5awsh8vht"),
        "invitation_id" => ("The id of the invitation, inv_…", "inv_4rp1xpa7z3dj8fssz5awsh8vht"),
        "job_id" => (
            "The id of the failing job, from the list of failing jobs",
            "QVBUI2FwdF80cnAxeHBhN3ozZGo4ZnNzejVhd3NoOHZodApwYXltZW50OmFwdF80cnAxeHBhN3ozZGo4ZnNzejVhd3NoOHZodA",
        ),
        "gateway" => ("The payment gateway: stripe or paypal", "stripe"),
        _ => ("", ""),
    }
}

/// The schema of a path variable.
fn variable_schema(variable: &str) -> Value {
    match variable {
        "expert_id" => schema::inline::<ExpertId>(),
        "session_type_id" => schema::inline::<SessionTypeId>(),
        "appointment_id" => schema::inline::<AppointmentId>(),
        "receipt_id" => schema::inline::<ReceiptId>(),
        "person_id" => schema::inline::<PersonId>(),
        "note_id" => schema::inline::<NoteId>(),
        "invitation_id" => schema::inline::<InvitationId>(),
        "job_id" => json!({ "type": "string", "minLength": 1, "maxLength": 4_200 }),
        "gateway" => json!({ "type": "string", "enum": GatewayKind::ALL.map(GatewayKind::as_str) }),
        _ => json!({ "type": "string" }),
    }
}

fn parameters(route: &Route, operation: &Operation, examples: &Value) -> Vec<Value> {
    let text = |name: &str, location: &str, (description, example): (&str, &str), schema: Value| {
        json!({
            "name": name,
            "in": location,
            "required": true,
            "description": description,
            "schema": schema,
            "example": example,
        })
    };
    let mut parameters: Vec<Value> = variables(route.path)
        .map(|name| text(name, "path", variable_description(name), variable_schema(name)))
        .collect();
    if operation.idempotent {
        parameters.push(text(
            "Idempotency-Key",
            "header",
            (
                "A new random value for each resource to create; the same value when the request is repeated within a day",
                "0b9f6f0e-6d0c-4f0e-9a53-0c9a4d1f7a21",
            ),
            // Visible ASCII characters without #.
            json!({ "type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[!-\"$-~]*$" }),
        ));
    }
    if operation.conditional {
        parameters.push(text(
            "If-Match",
            "header",
            (
                "The ETag of the document that was read, or `\"0\"` to create one that does not exist yet; `*` for every \
                 version of one that can be read",
                "\"1\"",
            ),
            json!({ "type": "string", "pattern": "^(\\*|\"(0|[1-9][0-9]{0,19})\")$" }),
        ));
    }
    if let Some(query) = operation.query.as_ref().and_then(|schema| schema.as_object()) {
        let required: BTreeSet<&str> = query
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, schema) in query.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut parameter = json!({
                "name": name,
                "in": "query",
                "required": required.contains(name.as_str()),
                "description": schema.get("description").cloned().unwrap_or_default(),
                "schema": without_null(schema),
            });
            if let Some(example) = examples.get(name) {
                parameter["example"] = example.clone();
            }
            parameters.push(parameter);
        }
    }
    parameters
}

/// The schema of a query parameter. An optional one is left out, and is never null.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let is_null = |one: &Value| one == "null" || one["type"] == "null";
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) {
        let others: Vec<Value> = alternatives.iter().filter(|one| !is_null(one)).cloned().collect();
        match (others.as_slice(), schema.as_object_mut()) {
            ([Value::Object(only)], Some(members)) => {
                members.remove("anyOf");
                for (name, value) in only {
                    members.entry(name.clone()).or_insert(value.clone());
                }
            }
            _ => schema["anyOf"] = others.into(),
        }
    }
    schema
}

fn responses(route: &Route, operation: &Operation, example: &Value, problem: &Value) -> Map<String, Value> {
    let mut responses = Map::new();
    let reason = |status: u16| {
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
    };
    let mut success = json!({ "description": reason(operation.status.as_u16()) });
    if operation.status == StatusCode::CREATED {
        success["headers"]["Location"] = json!({
            "description": "The path at which to read what was created",
            "required": true,
            "schema": { "type": "string", "format": "uri-reference" },
        });
    }
    if operation.versioned {
        success["headers"]["ETag"] = json!({
            "description": "The version of the document, to send in `If-Match` with a change",
            "required": true,
            "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" },
        });
    }
    if let Some(schema) = &operation.response {
        success["content"] = json!({ "application/json": { "schema": schema, "example": example } });
        for media in operation.also_as {
            // Text has a schema; binary data has none (OpenAPI 3.1.1, section 4.8.14.4).
            let text = media.starts_with("text/");
            success["content"][media] =
                if text { json!({ "schema": { "type": "string" } }) } else { json!({}) };
        }
    }
    responses.insert(operation.status.as_u16().to_string(), success);

    let mut by_status: BTreeMap<u16, Vec<&ProblemType>> = BTreeMap::new();
    for kind in types_of(route, operation) {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), problem_response(&kinds, problem));
    }
    for (status, from_functions) in GATEWAY_STATUSES {
        let response = match from_functions {
            true => responses.get_mut(&status.to_string()),
            false => Some(responses.entry(status.to_string()).or_insert(json!({ "description": THROTTLED }))),
        };
        if let Some(response) = response {
            response["content"]["application/json"] = json!({ "schema": gateway_message() });
        }
    }
    responses
}

/// The statuses with which API Gateway responds itself, and whether functions respond with them too.
const GATEWAY_STATUSES: [(u16, bool); 6] =
    [(401, true), (403, true), (413, true), (429, false), (500, true), (503, true)];
/// The description of the response to too many requests.
const THROTTLED: &str = "Too many requests: the limit of the whole API or of this route is reached. API Gateway sends no \
                         `Retry-After`; repeat the request after a second, and double the pause after each further 429, with \
                         a random part.";

/// The schema of API Gateway's own error responses.
fn gateway_message() -> Value {
    json!({
        "type": "object",
        "description": "A response of API Gateway itself, before or instead of the function",
        "properties": { "message": { "type": "string", "description": "What is wrong, in a few words" } },
        "required": ["message"],
    })
}

/// The problem types that a route can respond with, in the order of the catalog.
pub fn problem_types(route: &Route) -> Vec<&'static ProblemType> {
    types_of(route, &(route.operation)(&mut SchemaGenerator::default()))
}

fn types_of(route: &Route, operation: &Operation) -> Vec<&'static ProblemType> {
    let mut kinds = operation.problems.clone();
    kinds.extend([problem::NEWER_RELEASE, problem::INTERNAL, problem::UNAVAILABLE]);
    if route.audience.needs_token() {
        kinds.extend([problem::UNAUTHORIZED, problem::FORBIDDEN]);
    }
    if operation.body.is_some() {
        kinds.push(problem::TOO_LARGE);
        if route.audience != Audience::Provider {
            kinds.extend([problem::MALFORMED, problem::MEDIA_TYPE_REFUSED]);
        }
    }
    // Unknown query parameters are refused everywhere else.
    if route.audience != Audience::Provider {
        kinds.push(problem::INVALID);
    }
    if operation.idempotent {
        kinds.extend([problem::MALFORMED, problem::STILL_RUNNING, problem::IDEMPOTENCY_KEY_REUSED]);
    }
    if operation.conditional {
        kinds.extend([problem::MALFORMED, problem::VERSION_MISMATCH, problem::VERSION_REQUIRED]);
    }
    if !operation.also_as.is_empty() {
        kinds.push(problem::NOT_ACCEPTABLE);
    }
    if variables(route.path).next().is_some() {
        kinds.push(problem::NOT_FOUND);
    }
    problem::catalog().filter(|kind| kinds.contains(kind)).collect()
}

/// A response with a problem document of one of these types.
fn problem_response(kinds: &[&ProblemType], problem: &Value) -> Value {
    let urns: Vec<String> = kinds.iter().map(|kind| kind.urn()).collect();
    let titles: Vec<String> =
        kinds.iter().map(|kind| format!("{} (`{}`)", kind.title(), kind.name())).collect();
    let schema = json!({ "allOf": [problem, { "properties": { "type": { "enum": urns } } }] });
    let mut response = json!({
        "description": titles.join("; "),
        "content": { problem::MEDIA_TYPE: { "schema": schema } },
    });
    if kinds.iter().any(|kind| kind.is_temporary()) {
        response["headers"] = json!({ "Retry-After": {
            "description": "The number of seconds to wait before repeating the request",
            // One status can have types that a repetition does not help.
            "required": kinds.iter().all(|kind| kind.is_temporary()),
            "schema": { "type": "integer", "minimum": 0 },
        } });
    }
    response
}

/// The catalog of problem types, as an extension of the document.
fn problem_catalog() -> Vec<Value> {
    let describe = |kind: &ProblemType| {
        json!({
            "type": kind.urn(),
            "status": kind.status().as_u16(),
            "title": kind.title(),
            "meaning": kind.meaning(),
            "remedy": kind.remedy(),
        })
    };
    problem::catalog().map(describe).collect()
}
