//! Every answer that a test gets is held against the API description: its status must be documented, and its body must be
//! what the description says.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use http_api::{Route, openapi};
use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(functions::ROUTES));
static VALIDATORS: LazyLock<Mutex<HashMap<(&'static str, u16), Validator>>> = LazyLock::new(Mutex::default);

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
    let answer = &DOCUMENT["paths"][route.path][method.to_ascii_lowercase()]["responses"]["200"];
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
    let operation = &DOCUMENT["paths"][route.path][method.to_ascii_lowercase()];
    let answer = &operation["responses"][status.to_string()];
    assert!(answer.is_object(), "{} answers {status}, which is not documented: {body:#}", route.function);
    let json = |(media, _): &(&String, &Value)| media.ends_with("json");
    let Some((_, content)) = answer["content"].as_object().and_then(|content| content.iter().find(json))
    else {
        assert!(body.is_null(), "{} answers a body with {status}, which is not documented", route.function);
        return;
    };
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = validators.entry((route.function, status)).or_insert_with(|| {
        let mut schema = content["schema"].clone();
        if schema.is_object() {
            schema["components"] = json!({ "schemas": DOCUMENT["components"]["schemas"] });
        }
        jsonschema::draft202012::new(&schema).expect("a schema")
    });
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    drop(validators);
    assert!(errors.is_empty(), "{} answers {status} otherwise than described: {errors:#?}", route.function);
}
