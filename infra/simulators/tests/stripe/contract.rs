//! The description of Stripe's API, against which every answer in these tests is checked, and every request
//! that the simulator accepted.
//!
//! The description is no part of this repository: `PROVIDER_SPECS` names the folder that holds it, and without
//! it nothing is checked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use simulators::stripe::description::Description;

pub struct Contract {
    pub description: Description,
    schemas: Value,
    validators: Mutex<HashMap<String, Arc<jsonschema::Validator>>>,
}

/// Objects that are not described.
const UNDESCRIBED: &[&str] =
    &["application", "list", "tax.calculation_line_item", "tax.settings", "tax.transaction_line_item"];

impl Contract {
    pub fn get() -> Option<&'static Self> {
        static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
        let contract = CONTRACT.get_or_init(|| {
            let folder = std::env::var_os("PROVIDER_SPECS")?;
            let bytes = std::fs::read(std::path::Path::new(&folder).join("stripe.cut.json")).unwrap();
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            Some(Self {
                description: Description::parse(&bytes).unwrap(),
                schemas: document["components"]["schemas"].clone(),
                validators: Mutex::default(),
            })
        });
        if contract.is_none() {
            println!("not checked: PROVIDER_SPECS does not name a folder with stripe.cut.json");
        }
        contract.as_ref()
    }

    /// The objects within an answer that were checked.
    pub fn check_answer(&self, answer: &Value) -> usize {
        let inner: usize = match answer {
            Value::Array(items) => items.iter().map(|item| self.check_answer(item)).sum(),
            Value::Object(members) => members.values().map(|member| self.check_answer(member)).sum(),
            _ => 0,
        };
        match answer.get("object").and_then(Value::as_str) {
            Some(kind) if !UNDESCRIBED.contains(&kind) => {
                self.check_object(kind, answer);
                inner + 1
            }
            _ => inner,
        }
    }

    fn check_object(&self, kind: &str, object: &Value) {
        let known = self.schemas[kind]["properties"].as_object();
        let known = known.unwrap_or_else(|| panic!("{kind} is not described: {object}"));
        let unknown: Vec<_> =
            object.as_object().unwrap().keys().filter(|name| !known.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{kind} has members Stripe's has not: {unknown:?}");
        let validator = self.validator(kind);
        let errors: Vec<_> = validator
            .iter_errors(object)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{kind}: {errors:#?}\n{object:#}");
        let mut wrong = object.clone();
        wrong["object"] = json!("nothing");
        assert!(!validator.is_valid(&wrong), "the check of {kind} checks nothing");
    }

    fn validator(&self, kind: &str) -> Arc<jsonschema::Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let validator = validators.entry(kind.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$ref": format!("#/components/schemas/{kind}"),
                "components": { "schemas": self.schemas },
            });
            Arc::new(jsonschema::validator_for(&schema).unwrap())
        });
        Arc::clone(validator)
    }

    /// What the simulator accepts, Stripe does.
    pub fn check_request(&self, method: &str, path: &str, form: &str) {
        let fields: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let found = self.description.check(method, path, &fields);
        assert!(found.is_empty(), "the simulator took what Stripe would not: {found:#?}");
    }
}
