//! The OpenAPI 3.1 document, made from the route table and the types that the handlers use.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::problem::{self, Problem};
use crate::route::variable;
use crate::{Audience, Operation, Route};

/// The OpenAPI document of these routes.
pub fn document(routes: &[Route]) -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = schemas.subschema_for::<Problem>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = describe(route, &mut schemas, problem.as_value());
        paths.entry(route.path).or_default().insert(method, operation);
    }
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
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "sign_in": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

fn describe(route: &Route, schemas: &mut SchemaGenerator, problem: &Value) -> Value {
    let operation = (route.operation)(schemas);
    let mut description = json!({
        "operationId": route.function,
        "summary": route.summary,
        "parameters": parameters(route, &operation),
        "responses": responses(route, &operation, problem),
    });
    if let Some(body) = &operation.body {
        let media = if route.audience == Audience::Provider { "*/*" } else { "application/json" };
        description["requestBody"] = json!({ "required": true, "content": { media: { "schema": body } } });
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

/// The description of a path variable.
fn variable_description(variable: &str) -> &'static str {
    match variable {
        "expert_id" => "The id of the expert, exp_…",
        "session_type_id" => "The id of one of the expert's session types, ses_…",
        "appointment_id" => "The id of the appointment, apt_…",
        "receipt_id" => "The id of the receipt, rcp_…",
        "gateway" => "The payment gateway: stripe or paypal",
        _ => "",
    }
}

fn parameters(route: &Route, operation: &Operation) -> Vec<Value> {
    let text = |name: &str, location: &str, description: &str| json!({ "name": name, "in": location, "required": true, "description": description, "schema": { "type": "string" } });
    let mut parameters: Vec<Value> =
        variables(route.path).map(|name| text(name, "path", variable_description(name))).collect();
    if operation.idempotent {
        parameters.push(text(
            "Idempotency-Key",
            "header",
            "A new random value for each resource to create; the same value when the request is repeated",
        ));
    }
    if operation.conditional {
        parameters.push(text("If-Match", "header", "The ETag of the document that was read"));
    }
    if let Some(query) = operation.query.as_ref().and_then(|schema| schema.as_object()) {
        let required: BTreeSet<&str> = query
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, schema) in query.get("properties").and_then(Value::as_object).into_iter().flatten() {
            parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(name.as_str()),
                "description": schema.get("description").cloned().unwrap_or_default(),
                "schema": schema,
            }));
        }
    }
    parameters
}

fn responses(route: &Route, operation: &Operation, problem: &Value) -> Map<String, Value> {
    let mut responses = Map::new();
    let reason = |status: u16| {
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
    };
    let mut success = json!({ "description": reason(operation.status.as_u16()) });
    if let Some(schema) = &operation.response {
        success["content"] = json!({ "application/json": { "schema": schema } });
        for media in operation.also_as {
            // Text has a schema; binary data has none (OpenAPI 3.1.1, section 4.8.14.4).
            let text = media.starts_with("text/");
            success["content"][media] =
                if text { json!({ "schema": { "type": "string" } }) } else { json!({}) };
        }
    }
    responses.insert(operation.status.as_u16().to_string(), success);

    let mut problems: BTreeSet<u16> = operation.problems.iter().copied().collect();
    problems.extend([500, 503]);
    if route.audience.needs_token() {
        // 403 if the access token lacks a scope, or the person a role or a right.
        problems.extend([401, 403]);
    }
    if operation.body.is_some() {
        problems.extend([400, 413]);
        if route.audience != Audience::Provider {
            problems.extend([415, 422]);
        }
    }
    if operation.query.is_some() {
        problems.insert(422);
    }
    if operation.idempotent {
        problems.extend([400, 409, 422]);
    }
    if operation.conditional {
        problems.extend([400, 412, 428]);
    }
    if !operation.also_as.is_empty() {
        problems.insert(406);
    }
    if variables(route.path).next().is_some() {
        problems.insert(404);
    }
    for status in problems {
        let content = json!({ problem::MEDIA_TYPE: { "schema": problem } });
        responses.insert(status.to_string(), json!({ "description": reason(status), "content": content }));
    }
    responses
}
