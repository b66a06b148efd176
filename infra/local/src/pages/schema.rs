//! Renders a JSON schema for people.

use maud::{Markup, html};
use serde_json::Value;

/// The maximum depth of nested schemas. No schema of the API is recursive; this limits the page if one becomes so.
const MAX_DEPTH: u8 = 8;

/// The schema that a reference points to, or the schema itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// The name of the type that a schema refers to.
pub(super) fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next())
}

fn list<'a>(schema: &'a Value, member: &str) -> &'a [Value] {
    schema[member].as_array().map_or(&[], Vec::as_slice)
}

/// The alternatives of a schema without `null`, and whether `null` is one of them.
fn alternatives(schema: &Value) -> (Vec<&Value>, bool) {
    let all = ["oneOf", "anyOf"].into_iter().flat_map(|member| list(schema, member));
    let (null, others): (Vec<_>, Vec<_>) = all.partition(|one| one["type"] == "null");
    (others, !null.is_empty())
}

/// The kind of a schema's values, in one line.
pub(super) fn kind(document: &Value, schema: &Value) -> String {
    // The default of a property stands beside its reference.
    let default = schema["default"].clone();
    let schema = resolve(document, schema);
    let default = if default.is_null() { &schema["default"] } else { &default };
    if let Some(only) = schema["const"].as_str() {
        return format!("“{only}”");
    }
    let (mut choices, mut null) = (values(document, schema), false);
    let mut text = if choices.is_empty() {
        let (others, with_null) = alternatives(schema);
        null = with_null;
        match others.as_slice() {
            [one] => kind(document, one),
            [] => plain(document, schema, &mut null),
            _ if schema["properties"].is_object() => "object".to_owned(),
            many => {
                let kinds: Vec<_> = many.iter().map(|one| kind(document, one)).collect();
                if kinds.iter().all(|kind| kind == "object") {
                    "object".to_owned()
                } else {
                    kinds.join(" or ")
                }
            }
        }
    } else {
        choices = choices.iter().map(|value| format!("“{value}”")).collect();
        choices.join(" or ")
    };
    if null {
        text.push_str(" or null");
    }
    if !default.is_null() {
        text.push_str(&format!(", default {default}"));
    }
    text
}

fn plain(document: &Value, schema: &Value, null: &mut bool) -> String {
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ if schema["properties"].is_object() => vec!["object"],
        _ => vec!["anything"],
    };
    *null |= names.contains(&"null");
    let names: Vec<_> = names.into_iter().filter(|name| *name != "null").collect();
    let mut text = match names.as_slice() {
        ["array"] => format!("list of {}", kind(document, &schema["items"])),
        ["object"] if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(document, &schema["additionalProperties"]))
        }
        ["string"] => schema["format"].as_str().map_or("text".to_owned(), |format| format!("text, {format}")),
        ["integer"] => "integer".to_owned(),
        other => other.join(" or "),
    };
    text.push_str(&limits(schema));
    text
}

/// The limits of a number, a text or a list, for people.
fn limits(schema: &Value) -> String {
    let mut text = String::new();
    for (low, high, unit) in [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " members"),
    ] {
        match (&schema[low], &schema[high]) {
            (Value::Null, Value::Null) => {}
            (Value::Null, maximum) => text.push_str(&format!(", at most {maximum}{unit}")),
            (minimum, Value::Null) => text.push_str(&format!(", at least {minimum}{unit}")),
            (minimum, maximum) => text.push_str(&format!(", {minimum} to {maximum}{unit}")),
        }
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        text.push_str(&format!(", matching {pattern}"));
    }
    text
}

/// The allowed values of an enumeration; empty if the schema is none.
fn values(document: &Value, schema: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let direct: Vec<_> = list(schema, "enum").iter().filter_map(text).collect();
    if !direct.is_empty() {
        return direct;
    }
    let each = |one: &Value| text(&resolve(document, one)["const"]);
    let constants: Option<Vec<_>> = list(schema, "oneOf").iter().map(each).collect();
    constants.unwrap_or_default()
}

/// A description; text between backticks becomes code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A schema with its description and all its members.
pub(super) fn expanded(document: &Value, schema: &Value) -> Markup {
    let schema = resolve(document, schema);
    html! {
        @if let Some(text) = schema["description"].as_str() { p { (prose(text)) } }
        @if has_members(document, schema) { (members(document, schema, MAX_DEPTH)) }
        @else { p.type { (kind(document, schema)) } }
    }
}

/// Whether a schema has members, or values with descriptions, to list.
fn has_members(document: &Value, schema: &Value) -> bool {
    let schema = resolve(document, schema);
    let inner = |name: &str| schema[name].is_object() && has_members(document, &schema[name]);
    schema["properties"].as_object().is_some_and(|members| !members.is_empty())
        || inner("items")
        || inner("additionalProperties")
        || alternatives(schema).0.iter().any(|one| has_members(document, one))
        || has_described_values(schema)
}

/// Whether the values of an enumeration have descriptions.
fn has_described_values(schema: &Value) -> bool {
    list(schema, "oneOf").iter().any(|one| one["const"].is_string() && one["description"].is_string())
}

fn members(document: &Value, schema: &Value, depth: u8) -> Markup {
    let schema = resolve(document, schema);
    let Some(deeper) = depth.checked_sub(1) else { return html! {} };
    let required: Vec<_> = list(schema, "required").iter().filter_map(Value::as_str).collect();
    let mut properties: Vec<_> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, member)| (name, member, required.contains(&name.as_str())))
        .collect();
    properties.sort_by_key(|(_, _, required)| !required);
    let (others, _) = alternatives(schema);
    html! {
        @if !properties.is_empty() {
            ul.members {
                @for (name, schema, required) in &properties { (member(document, name, schema, *required, deeper)) }
            }
        }
        @if has_described_values(schema) {
            ul.members {
                @for value in list(schema, "oneOf") {
                    li {
                        code { (value["const"].as_str().unwrap_or_default()) } " "
                        span.soft { (prose(value["description"].as_str().unwrap_or_default())) }
                    }
                }
            }
        } @else if let [only] = others.as_slice() {
            (members(document, only, deeper))
        } @else if others.iter().any(|other| has_members(document, other)) {
            p.type { @if schema["properties"].is_object() { "And one of these:" } @else { "One of these:" } }
            ul.members {
                @for other in others {
                    li {
                        span.type { (prose(resolve(document, other)["description"].as_str().unwrap_or("This:"))) }
                        (members(document, other, deeper))
                    }
                }
            }
        }
        @for inner in ["items", "additionalProperties"] {
            @if schema[inner].is_object() { (members(document, &schema[inner], deeper)) }
        }
    }
}

fn member(document: &Value, name: &str, schema: &Value, required: bool, depth: u8) -> Markup {
    let target = resolve(document, schema);
    let text = schema["description"].as_str().or_else(|| target["description"].as_str());
    html! {
        li {
            code { (name) } " " span.type { (kind(document, schema)) }
            @if required { " " span.must { "required" } }
            @if let Some(text) = text { p { (prose(text)) } }
            @if has_members(document, target) { (members(document, target, depth)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_described_for_people() {
        let document =
            json!({ "components": { "schemas": { "Id": { "type": "string", "pattern": "^a" } } } });
        let described = |schema: Value| kind(&document, &schema);
        assert_eq!(
            described(json!({ "type": ["string", "null"], "maxLength": 5 })),
            "text, at most 5 characters or null"
        );
        assert_eq!(
            described(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Id" } })),
            "list of text, matching ^a"
        );
        assert_eq!(described(json!({ "type": "integer", "minimum": 1, "maximum": 9 })), "integer, 1 to 9");
        assert_eq!(described(json!({ "type": "string", "enum": ["a", "b"] })), "“a” or “b”");
        assert_eq!(described(json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] })), "text or null");
    }

    #[test]
    fn names_and_descriptions_are_escaped() {
        let schema = json!({
            "description": "<b>bold</b>",
            "properties": { "<i>": { "type": "string", "description": "`<script>`" } },
        });
        let markup = expanded(&schema, &schema).into_string();
        for raw in ["<b>", "<i>", "<script>"] {
            assert!(!markup.contains(raw), "{markup}");
        }
    }

    #[test]
    fn a_recursive_schema_is_rendered_to_a_limited_depth() {
        let document = json!({ "components": { "schemas": { "Tree": {
            "properties": { "name": { "type": "string" } , "child": { "$ref": "#/components/schemas/Tree" } },
        } } } });
        let tree = &document["components"]["schemas"]["Tree"];
        assert!(members(&document, tree, MAX_DEPTH).into_string().len() < 10_000);
    }
}
