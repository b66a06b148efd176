//! Checking form requests against a description of the API.
//!
//! Stripe's requests are forms such as `transfer_data[destination]=acct_1&expand[]=charge`, while its OpenAPI
//! description speaks of objects, lists and integers. [`Description::check`] reads a form as the description
//! wants it and says what is wrong: unknown names, missing ones, wrong words, text where a number belongs.
//!
//! The description is no part of this crate: [`Description::parse`] takes the OpenAPI 3.1 document that
//! somebody has. It understands the part of JSON Schema that such request bodies use, and refuses a document
//! that uses more, so that no rule is passed over in silence.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// The schema keywords that mean something here, or nothing for a check.
const KEYWORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "title",
    "type",
];

/// The types that a form's values can be checked for.
const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// How deep schemas may refer to one another. A document that goes deeper refers to itself.
const DEEPEST: usize = 32;

/// A parameter every call takes, whether or not the call has others.
const EXPAND: &str = "expand";

/// An OpenAPI description of an API whose requests are forms.
#[derive(Debug, Clone)]
pub struct Description {
    /// The bodies of the calls by method and path template; `None` for a call that takes nothing.
    bodies: BTreeMap<(String, String), Option<Value>>,
    schemas: Map<String, Value>,
}

/// A document is not a description that can be checked against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the API description cannot be used: {0}; take an OpenAPI 3.1 document with form bodies")]
pub struct NotADescription(String);

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The request's method, such as `POST`.
    pub method: String,
    /// The request's path, such as `/v1/refunds`.
    pub path: String,
    /// The parameter, such as `transfer_data[amount]`; empty when it is about the request.
    pub parameter: String,
    /// What is wrong with it.
    pub problem: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, path, parameter, problem } = self;
        match parameter.as_str() {
            "" => write!(formatter, "{method} {path}: {problem}"),
            parameter => write!(formatter, "{method} {path}: {parameter} {problem}"),
        }
    }
}

/// A form's parameters by their brackets.
#[derive(Debug)]
enum Node {
    Text(String),
    /// An object, or a list whose names are numbers.
    Members(BTreeMap<String, Node>),
}

impl Description {
    /// Reads an OpenAPI 3.1 document.
    pub fn parse(document: &[u8]) -> Result<Self, NotADescription> {
        let wrong = |reason: &str| NotADescription(reason.to_owned());
        let mut document: Value =
            serde_json::from_slice(document).map_err(|error| NotADescription(error.to_string()))?;
        let schemas = match document.pointer_mut("/components/schemas").map(Value::take) {
            Some(Value::Object(schemas)) => schemas,
            _ => return Err(wrong("it has no components/schemas")),
        };
        let Some(Value::Object(paths)) = document.get("paths") else {
            return Err(wrong("it has no paths"));
        };
        let mut bodies = BTreeMap::new();
        for (path, calls) in paths {
            for (method, call) in calls.as_object().into_iter().flatten() {
                let content = call.get("requestBody").and_then(|body| body.get("content"));
                let form = content.and_then(|content| content.get("application/x-www-form-urlencoded"));
                let schema = match (content, form) {
                    (None, _) => None,
                    (Some(_), Some(form)) => form.get("schema").cloned(),
                    // A call that takes something else is none of ours.
                    (Some(_), None) => continue,
                };
                bodies.insert((method.to_ascii_uppercase(), path.clone()), schema);
            }
        }
        let description = Self { bodies, schemas };
        for body in description.bodies.values().flatten() {
            description.understand(body, 0).map_err(NotADescription)?;
        }
        Ok(description)
    }

    /// Makes sure that every rule of a schema is one that is checked.
    fn understand(&self, schema: &Value, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("its schemas refer to one another without end".to_owned());
        }
        let Value::Object(members) = schema else { return Ok(()) };
        if let Some(keyword) = members.keys().find(|keyword| !KEYWORDS.contains(&keyword.as_str())) {
            return Err(format!("a request body uses the schema keyword {keyword:?}, which is not checked"));
        }
        if let Some(kind) = members.get("type")
            && !kind.as_str().is_some_and(|kind| TYPES.contains(&kind))
        {
            return Err(format!("a request body has the type {kind}, which is not checked"));
        }
        if members.contains_key("$ref") {
            return self.understand(self.resolve(schema)?, depth + 1);
        }
        let list = members.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let named = members.get("properties").and_then(Value::as_object).into_iter().flatten();
        let inner = [members.get("items"), members.get("additionalProperties")].into_iter().flatten();
        for schema in list.chain(named.map(|(_, schema)| schema)).chain(inner) {
            self.understand(schema, depth + 1)?;
        }
        Ok(())
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Ok(schema) };
        let name = reference.strip_prefix("#/components/schemas/");
        name.and_then(|name| self.schemas.get(name)).ok_or_else(|| format!("{reference} leads nowhere"))
    }

    /// What is wrong with the form `fields` (names and values, decoded) as the body of a call. A call that is
    /// not described is wrong as a whole.
    pub fn check(&self, method: &str, path: &str, fields: &[(String, String)]) -> Vec<Violation> {
        let mut problems = Vec::new();
        match self.find(method, path) {
            None => problems.push((String::new(), "there is no such call".to_owned())),
            Some(body) => {
                let Node::Members(form) = tree(fields) else { return Vec::new() };
                match body {
                    Some(schema) => self.check_node(schema, &Node::Members(form), "", &mut problems),
                    None => {
                        let unknown = form.keys().filter(|name| *name != EXPAND);
                        problems.extend(unknown.map(|name| (name.clone(), "is unknown".to_owned())));
                    }
                }
            }
        }
        let violation = |(parameter, problem)| Violation {
            method: method.to_owned(),
            path: path.to_owned(),
            parameter,
            problem,
        };
        problems.into_iter().map(violation).collect()
    }

    /// The body of the call whose template fits best: the one with the most fixed parts.
    fn find(&self, method: &str, path: &str) -> Option<&Option<Value>> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let fitting = self.bodies.iter().filter_map(|((allowed, template), body)| {
            let wanted: Vec<&str> = template.trim_matches('/').split('/').collect();
            let variable = |part: &str| part.starts_with('{') && part.ends_with('}');
            let fits = allowed == method
                && wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| variable(wanted) || wanted == part);
            fits.then(|| (wanted.iter().filter(|part| !variable(part)).count(), body))
        });
        fitting.max_by_key(|(fixed, _)| *fixed).map(|(_, body)| body)
    }

    fn check_node(&self, schema: &Value, node: &Node, place: &str, problems: &mut Vec<(String, String)>) {
        let schema = match self.resolve(schema) {
            Ok(schema) => schema,
            Err(problem) => return problems.push((place.to_owned(), problem)),
        };
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.check_choices(choices, node, place, problems);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let fits = matches!(node, Node::Text(text) if words.iter().any(|word| word == text));
            if !fits {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                problems.push((place.to_owned(), format!("must be one of {}", words.join(", "))));
            }
            return;
        }
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        let problem = match (kind, node) {
            ("object", Node::Members(members)) => {
                return self.check_members(schema, members, place, problems);
            }
            ("array", Node::Members(items)) if items.keys().all(|name| digits(name)) => {
                let of = schema.get("items").unwrap_or(&Value::Null);
                for (number, item) in items {
                    self.check_node(of, item, &within(place, number), problems);
                }
                return;
            }
            ("array", Node::Members(_)) => "must be a list".to_owned(),
            ("array" | "object", Node::Text(_)) => format!("must be an {kind}"),
            (_, Node::Members(_)) => "must be a single value".to_owned(),
            ("string", Node::Text(_)) => return,
            ("integer", Node::Text(text)) if text.parse::<i64>().is_ok() => return,
            ("integer", Node::Text(_)) => "must be an integer".to_owned(),
            ("number", Node::Text(text)) if number(text) => return,
            ("number", Node::Text(_)) => "must be a number".to_owned(),
            ("boolean", Node::Text(text)) if matches!(text.as_str(), "true" | "false") => return,
            ("boolean", Node::Text(_)) => "must be true or false".to_owned(),
            (kind, Node::Text(_)) => format!("is described with the type {kind:?}, which is not known here"),
        };
        problems.push((place.to_owned(), problem));
    }

    /// One of the choices must fit. When none does, the one of the form's own shape says why.
    fn check_choices(
        &self,
        choices: &[Value],
        node: &Node,
        place: &str,
        problems: &mut Vec<(String, String)>,
    ) {
        let mut reasons: Vec<Vec<(String, String)>> = Vec::new();
        for choice in choices {
            let mut found = Vec::new();
            self.check_node(choice, node, place, &mut found);
            if found.is_empty() {
                return;
            }
            reasons.push(found);
        }
        let deeper = reasons.iter().position(|found| found.iter().any(|(name, _)| name != place));
        match deeper.or(reasons.len().checked_sub(1)) {
            Some(best) => problems.append(&mut reasons.swap_remove(best)),
            None => problems.push((place.to_owned(), "can be nothing at all".to_owned())),
        }
    }

    fn check_members(
        &self,
        schema: &Value,
        members: &BTreeMap<String, Node>,
        place: &str,
        problems: &mut Vec<(String, String)>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, node) in members {
            let inner = within(place, name);
            match (properties.and_then(|known| known.get(name)), schema.get("additionalProperties")) {
                (Some(schema), _) => self.check_node(schema, node, &inner, problems),
                (None, Some(schema @ Value::Object(_))) => self.check_node(schema, node, &inner, problems),
                (None, Some(Value::Bool(true))) => {}
                (None, _) => problems.push((inner, "is unknown".to_owned())),
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
            problems.push((within(place, name), "is missing".to_owned()));
        }
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(part)
}

fn within(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}[{name}]") }
}

/// The parameters by their brackets. Empty brackets add to a list.
fn tree(fields: &[(String, String)]) -> Node {
    let mut root = BTreeMap::new();
    for (name, value) in fields {
        let mut parts = name.split('[').map(|part| part.trim_end_matches(']'));
        let first = parts.next().unwrap_or_default();
        insert(&mut root, first, &parts.collect::<Vec<_>>(), value);
    }
    Node::Members(root)
}

fn insert(members: &mut BTreeMap<String, Node>, name: &str, rest: &[&str], value: &str) {
    let name = match name {
        // Wide enough that the order of the names is that of the numbers.
        "" => format!("{:06}", members.len()),
        name => name.to_owned(),
    };
    let Some((next, rest)) = rest.split_first() else {
        members.insert(name, Node::Text(value.to_owned()));
        return;
    };
    let inner = members.entry(name).or_insert_with(|| Node::Members(BTreeMap::new()));
    match inner {
        Node::Members(inner) => insert(inner, next, rest, value),
        // Given as a value and with brackets: the brackets are the later word.
        Node::Text(_) => {
            let mut members = BTreeMap::new();
            insert(&mut members, next, rest, value);
            *inner = Node::Members(members);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Description;

    fn document(body: Value) -> Vec<u8> {
        let form = |schema: Value| {
            let content = json!({ "application/x-www-form-urlencoded": { "schema": schema } });
            json!({ "post": { "requestBody": { "content": content } } })
        };
        let document = json!({
            "paths": {
                "/v1/things": form(json!({ "$ref": "#/components/schemas/Thing" })),
                "/v1/things/{thing}": form(body),
                "/v1/things/special": form(json!({ "type": "object", "required": ["why"],
                    "properties": { "why": { "type": "string" } }, "additionalProperties": false })),
                "/v1/things/{thing}/end": { "post": {} },
            },
            "components": { "schemas": { "Thing": {
                "type": "object",
                "additionalProperties": false,
                "required": ["amount"],
                "properties": {
                    "amount": { "type": "integer", "description": "How much" },
                    "rate": { "type": "number" },
                    "now": { "anyOf": [{ "type": "boolean" }, { "enum": ["later"] }] },
                    "metadata": { "anyOf": [{ "enum": [""] },
                        { "type": "object", "additionalProperties": { "type": "string" } }] },
                    "split": { "type": "object", "additionalProperties": false, "required": ["to"],
                        "properties": { "to": { "type": "string" }, "amount": { "type": "integer" } } },
                    "expand": { "type": "array", "items": { "type": "string" } },
                    "lines": { "type": "array", "items": { "type": "object", "additionalProperties": false,
                        "properties": { "price": { "type": "integer" } } } },
                },
            } } },
        });
        document.to_string().into_bytes()
    }

    fn check(path: &str, body: &str) -> Vec<String> {
        let any = json!({ "type": "object", "additionalProperties": true });
        let description = Description::parse(&document(any)).unwrap();
        let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let found = description.check("POST", path, &fields);
        found.into_iter().map(|violation| format!("{} {}", violation.parameter, violation.problem)).collect()
    }

    #[test]
    fn a_request_as_described_passes() {
        for body in [
            "amount=1",
            "amount=-1&rate=1.5&now=true&metadata[0]=a&metadata[b]=&expand[]=x&expand[]=y",
            "amount=1&now=later&metadata=&split[to]=a&split[amount]=2&expand[0]=x",
            "amount=1&lines[0][price]=1&lines[1][price]=2",
        ] {
            assert_eq!(check("/v1/things", body), [""; 0], "{body}");
        }
        assert_eq!(check("/v1/things/1", "what[ever]=1"), [""; 0]);
        assert_eq!(check("/v1/things/1/end", "expand[]=x"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, expected) in [
            ("", "amount is missing"),
            ("amount=1.5", "amount must be an integer"),
            ("amount=1&rate=1e3", "rate must be a number"),
            ("amount=1&now=no", "now must be one of later"),
            ("amount=1&split[amount]=1", "split[to] is missing"),
            ("amount=1&split=1", "split must be an object"),
            ("amount=1&split[to]=a&split[x]=1", "split[x] is unknown"),
            ("amount=1&metadata[a][b]=1", "metadata[a] must be a single value"),
            ("amount=1&expand=x", "expand must be an array"),
            ("amount=1&expand[a]=x", "expand must be a list"),
            ("amount=1&lines[3][cost]=1", "lines[3][cost] is unknown"),
            ("amount[x]=1", "amount must be a single value"),
            ("amount=1&bogus=1", "bogus is unknown"),
        ] {
            assert_eq!(check("/v1/things", body), [expected], "{body}");
        }
        assert_eq!(check("/v1/things/special", ""), ["why is missing"], "the fixed path comes first");
        assert_eq!(check("/v1/things/1/end", "x=1"), ["x is unknown"]);
        assert_eq!(check("/v1/nothing", "x=1"), [" there is no such call"]);
    }

    #[test]
    fn a_rule_that_is_not_checked_is_refused() {
        for schema in [
            json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^x" } } }),
            json!({ "anyOf": [{ "minimum": 3 }] }),
            json!({ "type": ["string", "null"] }),
            json!({ "$ref": "#/components/schemas/None" }),
        ] {
            assert!(Description::parse(&document(schema.clone())).is_err(), "{schema}");
        }
        for text in ["", "[]", "{}", "{\"paths\":{}}"] {
            assert!(Description::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
