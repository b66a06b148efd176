//! Checks of form requests against an OpenAPI description of the API.
//!
//! Stripe's requests are forms such as `transfer_data[destination]=acct_1&expand[]=charge`, while its description
//! speaks of objects, lists and integers. [`Description::check`] reads a form as the description wants it, and names
//! unknown and missing parameters, wrong words, and text where a number belongs. It knows the part of JSON Schema
//! that such requests use, and refuses a document that uses more, so that no rule is ignored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The schema keywords that are checked, or say nothing about a request.
const KEYWORDS: &str =
    "$ref additionalProperties anyOf description enum items properties required title type";

/// The types that are checked.
const TYPES: &str = "array boolean integer number object string";

/// The most levels of references between schemas. A document with more refers to itself.
const DEEPEST: usize = 32;

/// The parameter that every call takes.
const EXPAND: &str = "expand";

/// An OpenAPI 3.1 description of an API whose requests are forms.
#[derive(Debug, Clone)]
pub struct Description {
    /// The bodies of the calls by method and path template; `None` for a call without parameters.
    bodies: BTreeMap<(String, String), Option<Value>>,
    schemas: Map<String, Value>,
}

/// A document is not a description that requests can be checked against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the API description cannot be used: {0}; take an OpenAPI 3.1 document with form bodies")]
pub struct NotADescription(String);

/// A way in which a request violates the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The request's method, such as `POST`.
    pub method: String,
    /// The request's path, such as `/v1/refunds`.
    pub path: String,
    /// The parameter, such as `transfer_data[amount]`; empty when the problem is not about one.
    pub parameter: String,
    /// The problem.
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

/// Problems with the names of the parameters that have them.
type Problems = Vec<(String, String)>;

impl Description {
    /// Reads an OpenAPI 3.1 document.
    pub fn parse(document: &[u8]) -> Result<Self, NotADescription> {
        let document: Value =
            serde_json::from_slice(document).map_err(|error| NotADescription(error.to_string()))?;
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned();
        let (Some(schemas), Some(paths)) = (schemas, document["paths"].as_object()) else {
            return Err(NotADescription("it has no paths, or no components/schemas".to_owned()));
        };
        let mut description = Self { bodies: BTreeMap::new(), schemas };
        for (path, calls) in paths {
            for (method, call) in calls.as_object().into_iter().flatten() {
                let content = call.pointer("/requestBody/content");
                let form = content.and_then(|content| content.get("application/x-www-form-urlencoded"));
                // Calls with another kind of body are not checked.
                if content.is_none() || form.is_some() {
                    let schema = form.and_then(|form| form.get("schema")).cloned();
                    description
                        .understand(schema.as_ref().unwrap_or(&Value::Null), 0)
                        .map_err(NotADescription)?;
                    description.bodies.insert((method.to_ascii_uppercase(), path.clone()), schema);
                }
            }
        }
        Ok(description)
    }

    /// Refuses a schema with a rule that is not checked.
    fn understand(&self, schema: &Value, depth: usize) -> Result<(), String> {
        let Value::Object(members) = schema else { return Ok(()) };
        if depth > DEEPEST {
            return Err("its schemas refer to one another without end".to_owned());
        }
        let listed = |list: &str, word: &str| list.split_ascii_whitespace().any(|listed| listed == word);
        if let Some(keyword) = members.keys().find(|keyword| !listed(KEYWORDS, keyword)) {
            return Err(format!("a request body uses the schema keyword {keyword:?}, which is not checked"));
        }
        if let Some(kind) = members.get("type")
            && !kind.as_str().is_some_and(|kind| listed(TYPES, kind))
        {
            return Err(format!("a request body has the type {kind}, which is not checked"));
        }
        if members.contains_key("$ref") {
            return self.understand(self.resolve(schema)?, depth + 1);
        }
        let choices = schema["anyOf"].as_array().into_iter().flatten();
        let named = schema["properties"].as_object().into_iter().flat_map(Map::values);
        let mut inner = choices.chain(named).chain([&schema["items"], &schema["additionalProperties"]]);
        inner.try_for_each(|schema| self.understand(schema, depth + 1))
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = schema["$ref"].as_str() else { return Ok(schema) };
        let name = reference.strip_prefix("#/components/schemas/");
        name.and_then(|name| self.schemas.get(name)).ok_or_else(|| format!("{reference} leads nowhere"))
    }

    /// Checks the form `fields` (names and values, decoded) as the body of a call. A call that is not described is
    /// a violation.
    pub fn check(&self, method: &str, path: &str, fields: &[(String, String)]) -> Vec<Violation> {
        let form = tree(fields);
        let problems = match self.find(method, path) {
            None => vec![(String::new(), "there is no such call".to_owned())],
            Some(Some(schema)) => self.problems(schema, &form, ""),
            Some(None) => {
                let names = form.as_object().into_iter().flat_map(Map::keys).filter(|name| *name != EXPAND);
                names.map(|name| (name.clone(), "is unknown".to_owned())).collect()
            }
        };
        let violation = |(parameter, problem)| {
            let (method, path) = (method.to_owned(), path.to_owned());
            Violation { method, path, parameter, problem }
        };
        problems.into_iter().map(violation).collect()
    }

    /// The body of the call whose path template fits best: the one with the most fixed parts.
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

    /// The problems of a part of the form, whose name is `place`.
    fn problems(&self, schema: &Value, node: &Value, place: &str) -> Problems {
        let one = |problem: &str| vec![(place.to_owned(), problem.to_owned())];
        let schema = match self.resolve(schema) {
            Ok(schema) => schema,
            Err(problem) => return one(&problem),
        };
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.problems_of_choices(choices, node, place);
        }
        if let Some(words) = schema["enum"].as_array() {
            let listed: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            let problem = format!("must be one of {}", listed.join(", "));
            return if words.contains(node) { Vec::new() } else { one(&problem) };
        }
        let kind = schema["type"].as_str().unwrap_or_default();
        let text = node.as_str().unwrap_or_default();
        let (fits, problem) = match (kind, node) {
            ("object", Value::Object(members)) => return self.problems_of_members(schema, members, place),
            ("array", Value::Object(items)) if items.keys().all(|name| digits(name)) => {
                let items = items.iter();
                let inner = items
                    .flat_map(|(name, item)| self.problems(&schema["items"], item, &within(place, name)));
                return inner.collect();
            }
            ("array", Value::Object(_)) => (false, "must be a list"),
            ("array", _) => (false, "must be an array"),
            ("object", _) => (false, "must be an object"),
            (_, Value::Object(_)) => (false, "must be a single value"),
            ("string", _) => (true, ""),
            ("integer", _) => (text.parse::<i64>().is_ok(), "must be an integer"),
            ("number", _) => (number(text), "must be a number"),
            ("boolean", _) => (matches!(text, "true" | "false"), "must be true or false"),
            _ => (false, "is described without a type"),
        };
        if fits { Vec::new() } else { one(problem) }
    }

    /// One of the choices must fit. When none does, the one that the form gets deepest into says why.
    fn problems_of_choices(&self, choices: &[Value], node: &Value, place: &str) -> Problems {
        let mut problems: Vec<Problems> =
            choices.iter().map(|choice| self.problems(choice, node, place)).collect();
        let fits = problems.iter().position(Vec::is_empty);
        let deeper = problems.iter().position(|found| found.iter().any(|(name, _)| name != place));
        match fits.or(deeper).or(problems.len().checked_sub(1)) {
            Some(best) => problems.swap_remove(best),
            None => vec![(place.to_owned(), "can be nothing at all".to_owned())],
        }
    }

    fn problems_of_members(&self, schema: &Value, members: &Map<String, Value>, place: &str) -> Problems {
        let mut problems = Vec::new();
        for (name, node) in members {
            let inner = within(place, name);
            match (&schema["properties"][name.as_str()], &schema["additionalProperties"]) {
                (schema @ Value::Object(_), _) | (Value::Null, schema @ Value::Object(_)) => {
                    problems.extend(self.problems(schema, node, &inner));
                }
                (Value::Null, Value::Bool(true)) => {}
                _ => problems.push((inner, "is unknown".to_owned())),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.filter(|name| !members.contains_key(*name));
        problems.extend(missing.map(|name| (within(place, name), "is missing".to_owned())));
        problems
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

/// The fields as objects by their brackets. Lists are objects whose names are numbers.
fn tree(fields: &[(String, String)]) -> Value {
    let mut root = Map::new();
    for (name, value) in fields {
        let mut parts = name.split('[').map(|part| part.trim_end_matches(']'));
        let first = parts.next().unwrap_or_default();
        insert(&mut root, first, &parts.collect::<Vec<_>>(), value);
    }
    Value::Object(root)
}

fn insert(members: &mut Map<String, Value>, name: &str, rest: &[&str], value: &str) {
    // Empty brackets add to a list. Its numbers are wide enough to be sorted as text.
    let name = if name.is_empty() { format!("{:06}", members.len()) } else { name.to_owned() };
    let Some((next, rest)) = rest.split_first() else {
        members.insert(name, value.into());
        return;
    };
    let inner = members.entry(name).or_insert(Value::Null);
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        insert(inner, next, rest, value);
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
