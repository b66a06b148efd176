//! Checks responses against the OpenAPI document: the status must be documented, and the body must match the schema of the
//! status.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http_api::{Route, problem};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The OpenAPI document of all routes.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(functions::openapi);
/// The validators of response bodies, by function and status.
type Validators = HashMap<(&'static str, u16), Arc<Validator>>;

static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// The operation of a route in the OpenAPI document.
pub fn operation(route: &Route) -> &'static Value {
    &DOCUMENT["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn matches(route: &Route, method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let same =
        |(pattern, part): (&str, &str)| pattern == part || (pattern.starts_with('{') && !part.is_empty());
    route.method.as_str() == method
        && route.path.split('/').count() == path.split('/').count()
        && route.path.split('/').zip(path.split('/')).all(same)
}

/// Panics if a media type of a route's 200 response is not documented.
#[track_caller]
pub fn check_media_type(method: &str, path: &str, media_type: &str) {
    let route = functions::ROUTES.iter().find(|route| matches(route, method, path)).expect("a route");
    let answer = &operation(route)["responses"]["200"];
    let essence = media_type.split(';').next().unwrap_or_default();
    assert!(
        answer["content"][essence].is_object(),
        "{} responds with {media_type}, which is not documented",
        route.function
    );
}

/// Panics if a response does not match the OpenAPI document. Paths without a route are not checked.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(route) = functions::ROUTES.iter().find(|route| matches(route, method, path)) else { return };
    if let Some(violation) = violation(route, status, body) {
        panic!("{} responds with {status} {violation}: {body:#}", route.function);
    }
}

/// Panics if a response lacks a header that the OpenAPI document promises.
#[track_caller]
pub fn check_headers(method: &str, path: &str, status: u16, has_header: impl Fn(&str) -> bool) {
    let Some(route) = functions::ROUTES.iter().find(|route| matches(route, method, path)) else { return };
    let headers = operation(route)["responses"][status.to_string()]["headers"].as_object();
    let headers = headers.into_iter().flatten().filter(|(_, header)| header["required"] != false);
    for (name, _) in headers {
        assert!(has_header(name), "{} responds with {status} without {name}", route.function);
    }
}

/// How a JSON response differs from the OpenAPI document; `None` if it matches. An empty body is null.
pub fn violation(route: &Route, status: u16, body: &Value) -> Option<String> {
    let answer = &operation(route)["responses"][status.to_string()];
    if !answer.is_object() {
        return Some("which is not documented".to_owned());
    }
    let json = |(media, _): &(&String, &Value)| media.ends_with("json");
    // API Gateway's own responses, which are also documented, do not come from this system.
    let content = answer["content"].as_object();
    let content = content
        .and_then(|content| content.get_key_value(problem::MEDIA_TYPE).or_else(|| content.iter().find(json)));
    let Some((_, content)) = content else {
        return (!body.is_null()).then(|| "with a body, which is not documented".to_owned());
    };
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry((route.function, status)).or_insert_with(|| {
            let mut schema = content["schema"].clone();
            if schema.is_object() {
                schema["components"] = json!({ "schemas": DOCUMENT["components"]["schemas"] });
            }
            Arc::new(jsonschema::draft202012::new(&schema).expect("a schema"))
        });
        validator.clone()
    };
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    (!errors.is_empty()).then(|| format!("with a body that does not match its schema: {errors:#?}"))
}
