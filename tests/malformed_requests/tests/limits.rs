//! The documented limits are those of the API: a value at a limit is accepted, a value beyond it is refused, and the violation
//! says where it is.
//!
//! The cases follow from the schemas in the OpenAPI document, so a new limit is tested without further code.

use std::collections::{BTreeMap, BTreeSet};

use malformed_requests::description::{DOCUMENT, operation};
use malformed_requests::generator::Generator;
use malformed_requests::{Request, TestPlatform};
use serde_json::{Map, Value, json};

/// Values that a schema allows and that a rule about several values refuses: the pointer, and the rule.
const RULES_ABOUT_SEVERAL_VALUES: &[(&str, &str)] = &[
    ("/price/amount", "the limits of a price depend on the currency"),
    ("/hourly_rate/amount", "the limits of a price depend on the currency"),
    ("/cancellation_policy/tiers", "each tier gives back less than the one before"),
    ("/cancellation_policy/no_show_refund_percent", "a no-show gives back no more than the last tier"),
    ("/presentment_currencies", "the currencies differ from each other and from that of the prices"),
    ("/specializations", "the entries differ from each other"),
    ("/languages", "the entries differ from each other"),
    ("/links", "the entries differ from each other"),
    ("/starts", "the starts differ from each other, and a client proposes fewer than an expert"),
    ("/guests", "the addresses differ from each other"),
    ("/details/guests", "the addresses differ from each other"),
    ("/weekly", "an opening time is before 24:00"),
    ("/extra", "an opening time is before 24:00"),
    ("/overrides", "an opening time is before 24:00"),
    ("/durations", "the lengths differ, and a price is given, unless it can be derived from the hourly rate"),
    ("/duration_minutes", "the duration is one of the session type's"),
    ("/seats", "there are no more seats than the session type has"),
    ("/daily_minutes_cap", "the cap is at least the longest duration"),
    ("/cursor", "a cursor is one that a previous page has returned"),
];

/// Keywords of JSON Schema that the check of requests applies, or that only describe.
const KNOWN_KEYWORDS: &[&str] = &[
    "$ref",
    "type",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "properties",
    "required",
    "additionalProperties",
    "propertyNames",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "format",
    "pattern",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
];

/// A value with one place at or beyond a limit.
struct Case {
    /// The pointer to the place.
    place: String,
    value: Value,
    is_valid: bool,
}

impl Case {
    fn new(value: Value, is_valid: bool) -> Self {
        Self { place: String::new(), value, is_valid }
    }
}

/// Makes values from schemas of the OpenAPI document.
struct Cases<'a> {
    platform: &'a TestPlatform,
}

fn resolve(schema: &Value) -> &Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(DOCUMENT.pointer(reference.trim_start_matches('#')).expect("a schema")),
        None => schema,
    }
}

/// The alternatives of a schema, without null.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let all = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    all.map(resolve).filter(|one| one["type"] != "null").collect()
}

fn kind(schema: &Value) -> &str {
    let kinds = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
}

/// A schema with each schema inside it.
fn every_schema<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
    let schema = resolve(schema);
    if !schema.is_object() || found.iter().any(|known| std::ptr::eq(*known, schema)) {
        return;
    }
    found.push(schema);
    for name in ["items", "additionalProperties", "propertyNames"] {
        every_schema(&schema[name], found);
    }
    let members = schema["properties"].as_object().into_iter().flat_map(Map::values);
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    members.chain(choices).for_each(|one| every_schema(one, found));
}

impl Cases<'_> {
    /// A value that a schema allows.
    fn example(&self, name: &str, schema: &Value) -> Value {
        let schema = resolve(schema);
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[0].clone();
        }
        if let Some(first) = alternatives(schema).first() {
            return self.example(name, first);
        }
        match kind(schema) {
            "object" => {
                let members = schema["properties"].as_object().into_iter().flatten();
                members.map(|(name, schema)| (name.clone(), self.example(name, schema))).collect()
            }
            "array" => json!([self.example(name, &schema["items"])]),
            "integer" => schema["minimum"].as_u64().unwrap_or(0).max(1).into(),
            "boolean" => json!(true),
            _ => self.text(name, schema),
        }
    }

    fn text(&self, name: &str, schema: &Value) -> Value {
        let id = |name: &str| self.platform.ids[name][0].clone();
        json!(match (schema["format"].as_str().unwrap_or_default(), name) {
            ("date-time", "to") => "2027-02-01T10:00:00Z".to_owned(),
            ("date-time", _) => "2027-01-06T10:00:00Z".to_owned(),
            ("date", "to" | "last") => "2027-03-02".to_owned(),
            ("date", _) => "2027-03-01".to_owned(),
            ("month", _) => "2027-01".to_owned(),
            ("email", _) => "ada@example.org".to_owned(),
            ("local-time", _) => "09:00".to_owned(),
            ("time-zone", _) => "Europe/Berlin".to_owned(),
            ("currency", "presentment_currencies") => "USD".to_owned(),
            ("currency", _) => "EUR".to_owned(),
            ("country", _) => "GB".to_owned(),
            ("language", _) => "en".to_owned(),
            ("phone", _) => "+493012345678".to_owned(),
            ("link", _) => "https://example.org".to_owned(),
            ("exp-id", _) => id("expert_id"),
            ("ses-id", _) => id("session_type_id"),
            ("apt-id", _) => id("appointment_id"),
            ("rcp-id", _) => id("receipt_id"),
            ("ntf-id", _) => id("notification_id"),
            ("", "cursor") => format!("001798790400.{}", id("appointment_id")),
            ("line" | "text" | "note" | "", _) => "x".to_owned(),
            (other, _) => panic!("add an example of the format {other}"),
        })
    }

    /// Values with one place at or beyond each limit.
    fn of(&self, name: &str, schema: &Value) -> Vec<Case> {
        let schema = resolve(schema);
        let mut cases = Vec::new();
        let choices = alternatives(schema);
        if let Some(values) = schema["enum"].as_array() {
            cases.extend(values.iter().map(|value| Case::new(value.clone(), true)));
            cases.push(Case::new(json!("no such value"), false));
        } else if schema.get("const").is_some() {
            // The alternative with another constant is another case.
        } else if !choices.is_empty() {
            cases.extend(choices.iter().flat_map(|one| self.of(name, one)));
            cases.push(Case::new(json!(["neither"]), false));
        } else {
            match kind(schema) {
                "object" => self.of_object(schema, &mut cases),
                "array" => self.of_array(name, schema, &mut cases),
                "integer" => {
                    for (limit, beyond) in [("minimum", -1), ("maximum", 1)] {
                        if let Some(limit) = schema[limit].as_i64() {
                            cases.extend([
                                Case::new(json!(limit), true),
                                Case::new(json!(limit + beyond), false),
                            ]);
                        }
                    }
                    let others =
                        [json!("x"), json!(1.5), json!({}), json!(true), json!(1e300), json!(i64::MIN)];
                    cases.extend(others.map(|other| Case::new(other, false)));
                }
                "boolean" => cases.extend([json!("x"), json!(1)].map(|other| Case::new(other, false))),
                "string" => self.of_text(schema, &mut cases),
                other => panic!("{other:?} is no type of a request"),
            }
        }
        cases
    }

    fn of_object(&self, schema: &Value, cases: &mut Vec<Case>) {
        let example = self.example("", schema);
        let with = |name: &str, value: Value| {
            let mut document = example.clone();
            document[name] = value;
            document
        };
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            cases.extend(self.of(name, member).into_iter().map(|case| Case {
                place: format!("/{name}{}", case.place),
                value: with(name, case.value),
                is_valid: case.is_valid,
            }));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut value = example.clone();
            value.as_object_mut().expect("an object").remove(name);
            cases.push(Case { place: format!("/{name}"), value, is_valid: false });
        }
        if schema["additionalProperties"] == false {
            cases.push(Case { place: "/x~1y".to_owned(), value: with("x/y", json!(1)), is_valid: false });
        }
        if let Some(most) = schema["maxProperties"].as_u64() {
            let dates = |count: u64| -> Value {
                let first = "2027-01-01".parse::<chrono::NaiveDate>().expect("a date");
                let dates = first.iter_days().take(usize::try_from(count).expect("few"));
                dates.map(|date| (date.to_string(), json!([]))).collect()
            };
            cases.extend([Case::new(dates(most), true), Case::new(dates(most + 1), false)]);
            let member = self.example("", &schema["additionalProperties"]);
            let place = "/2027-02-30".to_owned();
            cases.push(Case { place, value: json!({ "2027-02-30": member }), is_valid: false });
            cases.extend(self.of("", &schema["additionalProperties"]).into_iter().map(|case| Case {
                place: format!("/2027-03-01{}", case.place),
                value: json!({ "2027-03-01": case.value }),
                is_valid: case.is_valid,
            }));
        }
        cases.extend([json!([]), json!("x")].map(|other| Case::new(other, false)));
    }

    fn of_array(&self, name: &str, schema: &Value, cases: &mut Vec<Case>) {
        let items =
            |count: u64| -> Value { (0..count).map(|_| self.example(name, &schema["items"])).collect() };
        let most = schema["maxItems"].as_u64().unwrap_or_else(|| panic!("the list {name} needs a limit"));
        cases.extend([Case::new(items(most), true), Case::new(items(most + 1), false)]);
        if let Some(least) = schema["minItems"].as_u64().filter(|least| *least > 0) {
            cases.extend([Case::new(items(least), true), Case::new(items(least - 1), false)]);
        }
        cases.extend(self.of(name, &schema["items"]).into_iter().map(|case| Case {
            place: format!("/0{}", case.place),
            value: json!([case.value]),
            is_valid: case.is_valid,
        }));
        cases.push(Case::new(json!({}), false));
    }

    fn of_text(&self, schema: &Value, cases: &mut Vec<Case>) {
        let format = schema["format"].as_str().unwrap_or_default();
        let length = |name: &str| schema[name].as_u64().and_then(|length| usize::try_from(length).ok());
        let of_length = |length: usize| match format {
            // The part before the @ has at most 64 characters.
            "email" => format!("ada@{}.org", "x".repeat(length.saturating_sub(8))),
            "link" if length < 20 => format!("https://{}.x", "x".repeat(length.saturating_sub(10))),
            "link" => format!("https://example.org/{}", "x".repeat(length - 20)),
            _ => "\u{e9}".repeat(length),
        };
        if let Some(most) = length("maxLength") {
            cases.extend([
                Case::new(json!(of_length(most)), true),
                Case::new(json!(of_length(most + 1)), false),
            ]);
        }
        if let Some(least) = length("minLength").filter(|least| *least > 0) {
            let is_email = format == "email";
            cases.extend((!is_email).then(|| Case::new(json!(of_length(least)), true)));
            cases.push(Case::new(json!("x".repeat(least - 1)), false));
        }
        if schema.get("pattern").is_some() || !["", "line", "text"].contains(&format) {
            cases.extend(["\u{0}", "a\u{202e}b"].map(|text| Case::new(json!(text), false)));
        }
        cases.extend([json!(1), json!({}), json!([])].map(|other| Case::new(other, false)));
    }
}

/// The places that a response names, if it refuses values.
fn refused_places(response: &malformed_requests::Response) -> BTreeSet<String> {
    let body = response.json();
    let violations = body["violations"].as_array().cloned().unwrap_or_default();
    let place = |violation: Value| {
        let parameter = violation["parameter"].as_str().map(|name| format!("/{name}"));
        violation["pointer"].as_str().map(str::to_owned).or(parameter)
    };
    let is_refusal = response.status.as_u16() == 422;
    violations.into_iter().filter(|_| is_refusal).filter_map(place).collect()
}

/// A request to a route that passes its checks of caller, path and headers.
async fn admitted(
    platform: &TestPlatform,
    generator: &mut Generator<'_>,
    route: &'static http_api::Route,
) -> Request {
    let mut last = String::new();
    for _ in 0..1_000 {
        let request = generator.valid(route);
        let response = platform.send(&request).await.expect("HTTP");
        // A guessed secret gets 404 after the body was read.
        let is_guess = route.function == "accept_invitation" && response.status == 404;
        if is_guess || ![400, 401, 403, 404, 428].contains(&response.status.as_u16()) {
            return request;
        }
        last = response.json().to_string();
    }
    panic!("no request to {} is admitted; the last response was {last}", route.function);
}

#[tokio::test]
async fn documented_limits_are_the_limits_of_the_api() {
    let mut failures = Vec::new();
    let mut sent: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for route in functions::ROUTES {
        let described = operation(route);
        let body = &described["requestBody"]["content"]["application/json"]["schema"];
        let query: Vec<&Value> = described["parameters"].as_array().expect("a list").iter().collect();
        let query: Vec<_> = query.into_iter().filter(|parameter| parameter["in"] == "query").collect();
        if body.is_null() && query.is_empty() {
            continue;
        }
        // Requests change who can be booked, so each route has its own platform.
        let platform = TestPlatform::new().await;
        let (cases, mut generator) = (Cases { platform: &platform }, Generator::new(&platform, 7));
        let admitted = admitted(&platform, &mut generator, route).await;
        let mut requests = Vec::new();
        if !body.is_null() {
            for case in cases.of("", body) {
                let body = case.value.to_string().into_bytes();
                requests.push((case.place, case.is_valid, Request { body, ..admitted.clone() }));
            }
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for parameter in &query {
            let name = parameter["name"].as_str().expect("a name");
            for case in cases.of(name, &parameter["schema"]) {
                // Every value of a query is a text.
                if kind(resolve(&parameter["schema"])) == "string" && !case.value.is_string() {
                    continue;
                }
                let pairs: Vec<(String, String)> = query
                    .iter()
                    .filter(|other| other["required"] == true || *other == parameter)
                    .map(|other| {
                        let other_name = other["name"].as_str().expect("a name");
                        let example = cases.example(other_name, &other["schema"]);
                        let value = if other == parameter { &case.value } else { &example };
                        (other_name.to_owned(), text(value))
                    })
                    .collect();
                let query = TestPlatform::query(&pairs);
                requests.push((format!("/{name}"), case.is_valid, Request { query, ..admitted.clone() }));
            }
        }
        for (place, is_valid, request) in requests {
            let response = platform.send(&request).await.expect("HTTP");
            let places = refused_places(&response);
            let count = sent.entry(route.function).or_default();
            let is_right = if is_valid {
                count.0 += 1;
                let excused = RULES_ABOUT_SEVERAL_VALUES.iter().any(|(start, _)| place.starts_with(start));
                !places.contains(&place) || excused
            } else {
                count.1 += 1;
                places.contains(&place)
            };
            if !is_right || response.status.is_server_error() {
                let valid = if is_valid { "valid" } else { "invalid" };
                failures.push(format!(
                    "{} {place} is {valid}, but the response is {} about {places:?}: {}",
                    route.function,
                    response.status,
                    String::from_utf8_lossy(&request.body[..request.body.len().min(300)])
                ));
            }
        }
    }
    println!("valid and invalid values by function: {sent:#?}");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    let (valid, invalid) = sent.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    assert!(valid > 100 && invalid > 300, "{valid} {invalid}");
}

#[test]
fn every_rule_in_a_schema_of_a_request_is_applied() {
    for route in functions::ROUTES {
        let described = operation(route);
        let mut found = Vec::new();
        every_schema(&described["requestBody"]["content"]["application/json"]["schema"], &mut found);
        for parameter in described["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                every_schema(&parameter["schema"], &mut found);
            }
        }
        for schema in found {
            for keyword in schema.as_object().into_iter().flat_map(Map::keys) {
                assert!(
                    KNOWN_KEYWORDS.contains(&keyword.as_str()),
                    "{}: {keyword} in {schema:#}",
                    route.function
                );
            }
            let format = schema["format"].as_str().unwrap_or_default();
            let is_checked = http_api::schema::is_known_format(format);
            let is_text =
                kind(schema) == "string" && schema.get("enum").is_none() && schema.get("const").is_none();
            assert!(
                !is_text || format.is_empty() || is_checked,
                "add {format} to the formats that are checked"
            );
            assert!(schema.get("pattern").is_none() || is_checked, "a pattern needs a format: {schema:#}");
            assert!(
                !is_text || is_checked || schema.get("maxLength").is_some(),
                "{}: a text needs a limit: {schema:#}",
                route.function
            );
        }
    }
}

/// The product's check and an independent implementation of JSON Schema agree about generated documents.
#[tokio::test]
async fn check_of_requests_agrees_with_json_schema() {
    let platform = TestPlatform::new().await;
    let cases = Cases { platform: &platform };
    let mut compared = 0;
    for route in functions::ROUTES {
        let body = &operation(route)["requestBody"]["content"]["application/json"]["schema"];
        if body.is_null() {
            continue;
        }
        let mut schema = body.clone();
        schema["components"] = DOCUMENT["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        for case in cases.of("", body) {
            let ours = http_api::schema::check(&schema, &case.value).is_ok();
            // Formats are only checked by the product, and JSON Schema also takes 1.0 for an integer.
            let theirs = validator.is_valid(&case.value);
            assert!(theirs || !ours, "{} accepts {:#}", route.function, case.value);
            assert_eq!(ours, case.is_valid, "{} {}: {:#}", route.function, case.place, case.value);
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
}
