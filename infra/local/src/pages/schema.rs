//! Renders a JSON schema for people.

use maud::{Markup, html};
use serde_json::Value;

use super::markdown;

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

/// A schema where it is used: a link to the document's definition, or the members of a schema that has no name.
pub(super) fn linked(document: &Value, schema: &Value) -> Markup {
    if is_named(schema) || !has_members(schema) {
        return html! { p.type { (linked_kind(document, schema)) } };
    }
    html! {
        @if let Some(text) = schema["description"].as_str() { p { (markdown::inline(text)) } }
        (members(document, schema, MAX_DEPTH))
    }
}

/// The definition of a document: its description and its members.
pub(super) fn definition(document: &Value, schema: &Value) -> Markup {
    html! {
        @if let Some(text) = schema["description"].as_str() { (markdown::paragraphs(text)) }
        @if has_members(schema) { (members(document, schema, MAX_DEPTH)) }
        @else { p.type { (kind(document, schema)) } }
    }
}

/// The kind of a schema's values in one line; the name of a document is a link to its definition.
pub(super) fn linked_kind(document: &Value, schema: &Value) -> Markup {
    let (others, null) = alternatives(schema);
    let suffix = if null { " or null" } else { "" };
    match (name(schema), others.as_slice(), &schema["items"]) {
        (Some(name), _, _) => {
            let default = &schema["default"];
            html! {
                a href={ "#schema-" (name) } { (name) }
                @if !default.is_null() { ", default " (default) }
            }
        }
        (None, [only], _) if is_named(only) => html! { (linked_kind(document, only)) (suffix) },
        (None, [], items) if is_named(items) => {
            html! { "list of " (linked_kind(document, items)) (limits(schema)) }
        }
        _ => html! { (kind(document, schema)) },
    }
}

/// Whether a schema is only the name of another one.
fn is_named(schema: &Value) -> bool {
    name(schema).is_some()
}

/// Whether a schema has members, or values with descriptions, to list.
fn has_members(schema: &Value) -> bool {
    if is_named(schema) {
        return false;
    }
    let inner = |name: &str| schema[name].is_object() && has_members(&schema[name]);
    schema["properties"].as_object().is_some_and(|members| !members.is_empty())
        || inner("items")
        || inner("additionalProperties")
        || alternatives(schema).0.iter().any(|one| has_members(one))
        || has_described_values(schema)
}

/// Whether the values of an enumeration have descriptions.
fn has_described_values(schema: &Value) -> bool {
    list(schema, "oneOf").iter().any(|one| one["const"].is_string() && one["description"].is_string())
}

fn members(document: &Value, schema: &Value, depth: u8) -> Markup {
    if is_named(schema) {
        return html! { p.type { (linked_kind(document, schema)) } };
    }
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
                        span.soft { (markdown::inline(value["description"].as_str().unwrap_or_default())) }
                    }
                }
            }
        } @else if let [only] = others.as_slice() {
            (members(document, only, deeper))
        } @else if others.iter().any(|other| has_members(other)) {
            p.type { @if schema["properties"].is_object() { "And one of these:" } @else { "One of these:" } }
            ul.members {
                @for other in others {
                    li {
                        span.type { (markdown::inline(other["description"].as_str().unwrap_or("This:"))) }
                        (members(document, other, deeper))
                    }
                }
            }
        }
        @for inner in ["items", "additionalProperties"] {
            @if has_members(&schema[inner]) { (members(document, &schema[inner], deeper)) }
        }
    }
}

fn member(document: &Value, name: &str, schema: &Value, required: bool, depth: u8) -> Markup {
    html! {
        li {
            code { (name) } " " span.type { (linked_kind(document, schema)) }
            @if required { " " span.must { "required" } }
            @if let Some(text) = schema["description"].as_str() { " " (markdown::inline(text)) }
            @if has_members(schema) { (members(document, schema, depth)) }
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
        let markup = definition(&schema, &schema).into_string();
        for raw in ["<b>", "<i>", "<script>"] {
            assert!(!markup.contains(raw), "{markup}");
        }
    }

    #[test]
    fn a_document_is_a_link_to_its_definition() {
        let document = json!({ "components": { "schemas": { "Tree": {
            "properties": { "name": { "type": "string" } , "child": { "$ref": "#/components/schemas/Tree" } },
        } } } });
        let tree = &document["components"]["schemas"]["Tree"];
        let markup = definition(&document, tree).into_string();
        assert_eq!(markup.matches("<a href=\"#schema-Tree\">Tree</a>").count(), 1, "{markup}");
        for (schema, expected) in [
            (json!({ "$ref": "#/components/schemas/Tree", "default": {} }), "</a>, default {}"),
            (
                json!({ "anyOf": [{ "$ref": "#/components/schemas/Tree" }, { "type": "null" }] }),
                "</a> or null",
            ),
            (
                json!({ "type": "array", "items": { "$ref": "#/components/schemas/Tree" }, "maxItems": 3 }),
                "Tree</a>, at most 3 entries",
            ),
        ] {
            let markup = linked_kind(&document, &schema).into_string();
            assert!(markup.contains(expected), "{markup}");
        }
    }
}
