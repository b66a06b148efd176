//! Forms such as `transfer_data[destination]=acct_1&expand[]=charge` as JSON.
//!
//! Stripe's description speaks of objects, lists and integers. In a form all values are text, and a list is an object
//! whose names are numbers. [`schema`] rewrites the description's schemas for what [`tree`] makes of a form.

use serde_json::{Map, Value, json};

/// The most levels of nested schemas, references included. A schema with more is taken to refer to itself.
const MAX_DEPTH: usize = 32;

/// The schema of the form whose content `schema` describes, with all references to `schemas` resolved.
pub fn schema(schema: &Value, schemas: &Value) -> Result<Value, String> {
    rewrite(schema, schemas, MAX_DEPTH)
}

fn rewrite(schema: &Value, schemas: &Value, depth: usize) -> Result<Value, String> {
    let Value::Object(members) = schema else { return Ok(schema.clone()) };
    let depth = depth.checked_sub(1).ok_or("the schemas refer to one another without end")?;
    let inner = |schema: &Value| rewrite(schema, schemas, depth);
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        let name = reference.strip_prefix("#/components/schemas/").unwrap_or_default();
        return inner(schemas.get(name).ok_or_else(|| format!("{reference} leads nowhere"))?);
    }
    let text = |pattern: &str| Ok(json!({ "type": "string", "pattern": pattern }));
    let (kind, known) = match members.get("type").and_then(Value::as_str) {
        Some(kind @ ("integer" | "number" | "boolean")) => (kind, "type"),
        Some("array") => ("array", "type items"),
        Some("object") => ("object", "type properties additionalProperties required"),
        Some("string") => ("string", "type enum maxLength"),
        None if members.contains_key("anyOf") || members.contains_key("enum") => ("", "anyOf enum"),
        _ => return Err(format!("a request body has the type {}, which is not checked", schema["type"])),
    };
    let documentation = ["title", "description", "format"];
    let checked = |name: &str| documentation.contains(&name) || known.split(' ').any(|known| known == name);
    if let Some(name) = members.keys().find(|name| !checked(name)) {
        return Err(format!("a request body uses the schema keyword {name:?}, which is not checked"));
    }
    match kind {
        "integer" => text("^-?[0-9]+$"),
        "number" => text(r"^-?[0-9]+(\.[0-9]+)?$"),
        "boolean" => Ok(json!({ "enum": ["true", "false"] })),
        "array" => Ok(json!({
            "type": "object",
            "propertyNames": { "pattern": "^[0-9]+$" },
            "additionalProperties": inner(&schema["items"])?,
        })),
        _ => {
            let mut rewritten = members.clone();
            if let Some(content) = rewritten.get_mut("additionalProperties") {
                *content = inner(content)?;
            }
            let named = rewritten.get_mut("properties").and_then(Value::as_object_mut);
            for schema in named.into_iter().flat_map(Map::values_mut) {
                *schema = inner(schema)?;
            }
            let choices = rewritten.get_mut("anyOf").and_then(Value::as_array_mut);
            for schema in choices.into_iter().flatten() {
                *schema = inner(schema)?;
            }
            Ok(Value::Object(rewritten))
        }
    }
}

/// The decoded fields of a form as objects by their brackets.
pub fn tree(fields: &[(String, String)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, value) in fields {
        let mut node = &mut root;
        for part in name.split('[').map(|part| part.trim_end_matches(']')) {
            if !node.is_object() {
                *node = Value::Object(Map::new());
            }
            let Value::Object(members) = node else { break };
            // Empty brackets add to a list.
            let part = if part.is_empty() { members.len().to_string() } else { part.to_owned() };
            node = members.entry(part).or_insert(Value::Null);
        }
        *node = json!(value);
    }
    root
}
