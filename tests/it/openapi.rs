//! The OpenAPI document: examples, tags, names of schemas, and the headers of responses.

use std::collections::{BTreeMap, BTreeSet};

use malformed_requests::description::DOCUMENT;
use serde_json::{Value, json};

/// The operations, each with its id.
fn operations() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("operations").values());
    operations.map(|operation| (operation["operationId"].as_str().expect("an operation id"), operation))
}

/// The successful response of an operation.
fn success(operation: &Value) -> (&str, &Value) {
    let responses = operation["responses"].as_object().expect("responses").iter();
    let mut successes = responses.filter(|(status, _)| status.starts_with('2'));
    successes.next().map(|(status, response)| (status.as_str(), response)).expect("a successful response")
}

/// How an example differs from its schema.
fn violations(schema: &Value, example: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    if schema.is_object() {
        schema["components"] = json!({ "schemas": DOCUMENT["components"]["schemas"] });
    }
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema);
    let validator = validator.expect("a schema");
    validator.iter_errors(example).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The examples of an operation, each with what it is of and its schema; null if there is none.
fn examples(operation: &Value) -> Vec<(String, &Value, &Value)> {
    let mut examples = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["required"] == true || parameter.get("example").is_some() {
            let name = parameter["name"].as_str().expect("a name");
            examples.push((name.to_owned(), &parameter["schema"], &parameter["example"]));
        }
    }
    let contents = [("request", &operation["requestBody"]), ("response", success(operation).1)];
    for (name, described) in contents {
        for (media, content) in described["content"].as_object().into_iter().flatten() {
            if media == "application/json" || media == "*/*" {
                examples.push((name.to_owned(), &content["schema"], &content["example"]));
            }
        }
    }
    examples
}

#[test]
fn every_operation_has_examples_that_match_its_schemas() {
    let mut wrong = Vec::new();
    for (id, operation) in operations() {
        for (name, schema, example) in examples(operation) {
            if example.is_null() {
                wrong.push(format!("{id} has no example of its {name}"));
            } else {
                wrong.extend(
                    violations(schema, example).into_iter().map(|why| format!("{id}, {name}: {why}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_belongs_to_an_operation() {
    let ids: BTreeSet<&str> = operations().map(|(id, _)| id).collect();
    for area in functions::AREAS {
        let examples: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_str(area.examples).expect("a JSON object of objects");
        for (id, parts) in examples {
            assert!(ids.contains(id.as_str()), "{id} is no operation");
            let (_, operation) = operations().find(|(other, _)| *other == id).expect("it exists");
            for part in parts.keys() {
                let has = match part.as_str() {
                    "request" => operation.get("requestBody").is_some(),
                    "response" => success(operation).1.get("content").is_some(),
                    "query" => operation["parameters"].as_array().is_some_and(|all| {
                        all.iter()
                            .any(|parameter| parameter["in"] == "query" && parameter.get("example").is_some())
                    }),
                    _ => false,
                };
                assert!(has, "{id} has no {part}");
            }
        }
    }
}

/// The ids in a document, with their prefixes.
fn ids<'a>(document: &'a Value, found: &mut BTreeMap<&'a str, BTreeSet<&'a str>>) {
    match document {
        Value::String(text) => {
            if let Some((prefix, body)) = text.split_once('_')
                && body.len() == 26
            {
                found.entry(prefix).or_default().insert(text);
            }
        }
        Value::Array(list) => list.iter().for_each(|entry| ids(entry, found)),
        Value::Object(members) => members.values().for_each(|member| ids(member, found)),
        _ => {}
    }
}

#[test]
fn the_examples_are_about_one_appointment() {
    let mut found = BTreeMap::new();
    for (_, operation) in operations() {
        examples(operation).into_iter().for_each(|(_, _, example)| ids(example, &mut found));
    }
    for prefix in ["exp", "cli", "ses", "apt"] {
        assert_eq!(found[prefix].len(), 1, "{prefix}: {:?}", found[prefix]);
    }
}

#[test]
fn every_operation_has_one_tag_with_a_description() {
    let tags: BTreeMap<_, _> = DOCUMENT["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| {
            (tag["name"].as_str().expect("a name"), tag["description"].as_str().expect("a description"))
        })
        .collect();
    assert_eq!(
        tags.keys().copied().collect::<BTreeSet<_>>(),
        functions::AREAS.iter().map(|area| area.name).collect()
    );
    assert!(tags.values().all(|description| description.ends_with('.')), "{tags:?}");
    for (id, operation) in operations() {
        let own = operation["tags"].as_array().expect("tags");
        assert!(matches!(&own[..], [tag] if tags.contains_key(tag.as_str().expect("text"))), "{id}: {own:?}");
    }
}

#[test]
fn schemas_have_the_names_of_what_they_describe() {
    for name in DOCUMENT["components"]["schemas"].as_object().expect("schemas").keys() {
        let plain = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|letter| letter.is_ascii_alphabetic());
        assert!(plain, "{name} is not a name in words");
        for part in ["Document", "Dto", "Response"] {
            assert!(!name.ends_with(part) && !name.contains("And"), "{name} describes the code");
        }
    }
}

#[test]
fn what_is_created_can_be_read_and_what_has_a_version_is_changed_on_it() {
    let header = |operation: &Value, name: &str| success(operation).1["headers"].get(name).is_some();
    let requires = |operation: &Value, name: &str| {
        let parameters = operation["parameters"].as_array().expect("parameters");
        parameters.iter().any(|parameter| parameter["name"] == name && parameter["required"] == true)
    };
    for (id, operation) in operations() {
        assert_eq!(header(operation, "Location"), success(operation).0 == "201", "{id}");
        // What was deleted has no ETag any more.
        let has_tag = header(operation, "ETag") || success(operation).0 == "204";
        assert!(!requires(operation, "If-Match") || has_tag, "{id}");
    }
    for (path, methods) in DOCUMENT["paths"].as_object().expect("paths") {
        // What is replaced on condition of its version is deleted on condition of its version.
        if let (Some(replace), Some(delete)) = (methods.get("put"), methods.get("delete")) {
            assert_eq!(requires(replace, "If-Match"), requires(delete, "If-Match"), "{path}");
        }
        let Some(read) = methods.get("get").filter(|read| header(read, "ETag")) else { continue };
        for method in ["put", "delete"] {
            if let Some(change) = methods.get(method) {
                assert!(requires(change, "If-Match"), "{method} {path}, which {} reads", read["operationId"]);
            }
        }
        // Actions on what has a version change it.
        for action in
            ["cancel", "reschedule", "proposal", "complete", "no-show", "no-show/objection", "offer-again"]
        {
            if let Some(change) = DOCUMENT["paths"].get(format!("{path}/{action}")) {
                assert!(requires(&change["post"], "If-Match"), "{path}/{action}");
            }
        }
    }
}
