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

fn check(path: &str, body: &str) -> Option<String> {
    let any = json!({ "type": "object", "additionalProperties": true });
    let description = Description::parse(&document(any)).expect("a description");
    let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    description.check_request("POST", path, &fields)
}

#[test]
fn a_request_as_described_passes() {
    for body in [
        "amount=1",
        "amount=-1&rate=1.5&now=true&metadata[0]=a&metadata[b]=&expand[]=x&expand[]=y",
        "amount=1&now=later&metadata=&split[to]=a&split[amount]=2&expand[0]=x",
        "amount=1&lines[0][price]=1&lines[1][price]=2",
    ] {
        assert_eq!(check("/v1/things", body), None, "{body}");
    }
    assert_eq!(check("/v1/things/1", "what[ever]=1"), None);
    assert_eq!(check("/v1/things/1/end", "expand[]=x"), None);
}

#[test]
fn a_violation_is_named() {
    for (body, expected) in [
        ("", "\"amount\" is a required property"),
        ("amount=1.5", "/amount: \"1.5\" does not match"),
        ("amount=1&rate=1e3", "/rate: \"1e3\" does not match"),
        ("amount=1&now=no", "/now: \"no\" is not valid under any of the schemas"),
        ("amount=1&split[amount]=1", "/split: \"to\" is a required property"),
        ("amount=1&split=1", "/split: \"1\" is not of type \"object\""),
        (
            "amount=1&split[to]=a&split[x]=1",
            "/split: Additional properties are not allowed ('x' was unexpected)",
        ),
        (
            "amount=1&metadata[a][b]=1",
            "/metadata: {\"a\":{\"b\":\"1\"}} is not valid under any of the schemas",
        ),
        ("amount=1&expand=x", "/expand: \"x\" is not of type \"object\""),
        ("amount=1&expand[a]=x", "/expand: \"a\" does not match"),
        (
            "amount=1&lines[3][cost]=1",
            "/lines/3: Additional properties are not allowed ('cost' was unexpected)",
        ),
        ("amount[x]=1", "/amount: {\"x\":\"1\"} is not of type \"string\""),
        ("amount=1&bogus=1", "Additional properties are not allowed ('bogus' was unexpected)"),
    ] {
        let violation = check("/v1/things", body).expect(body);
        assert!(violation.contains(expected), "{body}: {violation}");
    }
    let violation = check("/v1/things/special", "").expect("the fixed path comes first");
    assert!(violation.contains("\"why\" is a required property"), "{violation}");
    assert!(check("/v1/things/1/end", "x=1").expect("x").contains("('x' was unexpected)"));
    assert_eq!(check("/v1/nothing", "x=1").as_deref(), Some("POST /v1/nothing: there is no such call"));
}

#[test]
fn a_rule_that_is_not_checked_is_refused() {
    for schema in [
        json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^x" } } }),
        json!({ "anyOf": [{ "minimum": 3 }] }),
        json!({ "type": ["string", "null"] }),
        json!({ "type": "integer", "maximum": 3 }),
        json!({ "$ref": "#/components/schemas/None" }),
    ] {
        assert!(Description::parse(&document(schema.clone())).is_err(), "{schema}");
    }
    for text in ["", "[]", "{}", "{\"paths\":{}}"] {
        assert!(Description::parse(text.as_bytes()).is_err(), "{text}");
    }
}
