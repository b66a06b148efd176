//! Checks requests and objects against Stripe's OpenAPI description.
//!
//! The description is not part of this repository. The environment variable `PROVIDER_SPECS` names the folder that
//! contains it as `stripe.cut.json`; without the variable nothing is checked.

mod form;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Objects that Stripe's description does not contain.
const UNDESCRIBED: &[&str] =
    &["application", "list", "tax.calculation_line_item", "tax.settings", "tax.transaction_line_item"];

/// The parameter that every call takes.
const EXPAND: &str = "expand";

/// An OpenAPI 3.1 description of an API whose requests are forms.
pub struct Description {
    /// The validators of form bodies, by method and path template.
    bodies: BTreeMap<(String, String), Validator>,
    schemas: Value,
    objects: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Description {
    /// Stripe's description; `None` without `PROVIDER_SPECS`.
    pub fn get() -> Option<&'static Self> {
        static DESCRIPTION: OnceLock<Option<Description>> = OnceLock::new();
        let read = || {
            let file = Path::new(&std::env::var_os("PROVIDER_SPECS")?).join("stripe.cut.json");
            let document = std::fs::read(&file).expect("PROVIDER_SPECS names a folder with stripe.cut.json");
            Some(Self::parse(&document).expect("Stripe's description"))
        };
        let description = DESCRIPTION.get_or_init(read).as_ref();
        if description.is_none() {
            println!("not checked: PROVIDER_SPECS is not set");
        }
        description
    }

    /// Reads an OpenAPI 3.1 document. A request body with a rule that [`check_request`](Self::check_request) would
    /// ignore is an error, and so is a document without paths or schemas.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let mut document: Value = serde_json::from_slice(document).map_err(|error| error.to_string())?;
        let schemas = document.pointer_mut("/components/schemas").map(Value::take).unwrap_or_default();
        let (true, Some(paths)) = (schemas.is_object(), document.get("paths").and_then(Value::as_object))
        else {
            return Err("the document has no paths, or no components/schemas".to_owned());
        };
        let mut bodies = BTreeMap::new();
        for (path, calls) in paths {
            for (method, call) in calls.as_object().into_iter().flatten() {
                let content = call.pointer("/requestBody/content");
                let schema = match content
                    .map(|content| &content["application/x-www-form-urlencoded"]["schema"])
                {
                    Some(Value::Null) => continue, // Another kind of body, such as a file. The call counts as not described.
                    Some(schema) => form::schema(schema, &schemas)?,
                    None => {
                        json!({ "type": "object", "properties": { EXPAND: {} }, "additionalProperties": false })
                    }
                };
                let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
                bodies.insert((method.to_ascii_uppercase(), path.clone()), validator);
            }
        }
        Ok(Self { bodies, schemas, objects: Mutex::default() })
    }

    /// The first way in which a request violates the description: `fields` are the decoded names and values of its
    /// form. A call that is not described is a violation.
    pub fn check_request(&self, method: &str, path: &str, fields: &[(String, String)]) -> Option<String> {
        let Some(body) = self.body(method, path) else {
            return Some(format!("{method} {path}: there is no such call"));
        };
        let form = form::tree(fields);
        let error = body.iter_errors(&form).next()?;
        Some(format!("{method} {path}: {}: {error}", error.instance_path()))
    }

    /// The body of the call whose path template fits best: the one with the most fixed parts.
    fn body(&self, method: &str, path: &str) -> Option<&Validator> {
        let variable = |part: &str| part.starts_with('{');
        let fits = |template: &str| {
            template.split('/').count() == path.split('/').count()
                && template
                    .split('/')
                    .zip(path.split('/'))
                    .all(|(wanted, part)| variable(wanted) || wanted == part)
        };
        let fitting =
            self.bodies.iter().filter(|((allowed, template), _)| allowed == method && fits(template));
        let best = fitting
            .min_by_key(|((_, template), _)| template.split('/').filter(|part| variable(part)).count());
        best.map(|(_, body)| body)
    }

    /// Checks every object within a response, and returns how many there are. Panics if one does not match.
    #[track_caller]
    pub fn check_response(&self, response: &Value) -> usize {
        let inner: usize = match response {
            Value::Array(items) => items.iter().map(|item| self.check_response(item)).sum(),
            Value::Object(members) => members.values().map(|member| self.check_response(member)).sum(),
            _ => 0,
        };
        match response.get("object").and_then(Value::as_str) {
            Some(kind) if !UNDESCRIBED.contains(&kind) => {
                self.check_object(kind, response);
                inner + 1
            }
            _ => inner,
        }
    }

    #[track_caller]
    fn check_object(&self, kind: &str, object: &Value) {
        let known = self.schemas[kind]["properties"].as_object();
        let known = known.unwrap_or_else(|| panic!("{kind} is not described: {object}"));
        let members = object.as_object().into_iter().flat_map(Map::keys);
        let unknown: Vec<_> = members.filter(|name| !known.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{kind} has members that Stripe does not document: {unknown:?}");
        let validator = self.object_validator(kind);
        let errors = validator.iter_errors(object);
        let errors: Vec<_> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{kind}: {errors:#?}\n{object:#}");
        let mut wrong = object.clone();
        wrong["object"] = json!("nothing");
        assert!(!validator.is_valid(&wrong), "the check of {kind} checks nothing");
    }

    fn object_validator(&self, kind: &str) -> Arc<Validator> {
        let mut validators = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(kind.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$ref": format!("#/components/schemas/{kind}"),
                "components": { "schemas": self.schemas },
            });
            Arc::new(jsonschema::validator_for(&schema).expect("a schema"))
        });
        Arc::clone(validator)
    }
}

#[cfg(test)]
mod tests;
