//! Every answer that a test gets is held against the API description: its status must be documented, and its body must be
//! what the description says.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http_api::{Route, openapi};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document of all routes.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(functions::ROUTES));
/// The schema of each function's answer of a status.
type Validators = HashMap<(&'static str, u16), Arc<Validator>>;

static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// What the document says of a route.
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

/// Panics when a route does not say that it answers this media type.
#[track_caller]
pub fn check_media_type(method: &str, path: &str, media_type: &str) {
    let route = functions::ROUTES.iter().find(|route| matches(route, method, path)).expect("a route");
    let answer = &operation(route)["responses"]["200"];
    let essence = media_type.split(';').next().unwrap_or_default();
    assert!(
        answer["content"][essence].is_object(),
        "{} answers {media_type}, which is not documented",
        route.function
    );
}

/// Panics when an answer is not as described. Addresses that are no route have no description.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(route) = functions::ROUTES.iter().find(|route| matches(route, method, path)) else { return };
    if let Some(violation) = violation(route, status, body) {
        panic!("{} answers {status} {violation}: {body:#}", route.function);
    }
}

/// What is not as described in the JSON that a route answers; null stands for no body.
pub fn violation(route: &Route, status: u16, body: &Value) -> Option<String> {
    let answer = &operation(route)["responses"][status.to_string()];
    if !answer.is_object() {
        return Some("which is not documented".to_owned());
    }
    let json = |(media, _): &(&String, &Value)| media.ends_with("json");
    let Some((_, content)) = answer["content"].as_object().and_then(|content| content.iter().find(json))
    else {
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
    (!errors.is_empty()).then(|| format!("otherwise than described: {errors:#?}"))
}
