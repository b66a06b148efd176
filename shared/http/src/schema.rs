//! Checks the values of a request against the JSON Schema of its type, and finds all violations at once.
//!
//! The schema of a request is the one in the OpenAPI document. Every request is checked against it before it is read, so the
//! documented limits are those that the API enforces. A text's `format` selects the domain type that reads it; that type also
//! words the violation.

use std::borrow::Cow;
use std::fmt::Display;

use domain::kernel::country::Country;
use domain::kernel::language::Language;
use domain::kernel::phone::Phone;
use domain::kernel::text::{Email, Link, LongText, NoteText, ShortText};
use domain::kernel::time::{Date, LocalTime, Month};
use domain::{
    AppointmentId, ClientId, Currency, ExpertId, NoteId, NotificationId, ReceiptId, SessionTypeId, Timestamp,
    Violations, Zone,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Number, Value};

/// The number of violations after which no more are looked for.
pub(crate) const MAX_VIOLATIONS: usize = 100;

/// Reads a text, or says what it must be.
type Format = fn(&str) -> Result<(), String>;

/// The formats of texts in requests. A format that is not in this list is not checked, which a test reports.
const FORMATS: &[(&str, Format)] = &[
    ("apt-id", read::<AppointmentId>),
    ("cli-id", read::<ClientId>),
    ("country", read::<Country>),
    ("currency", read::<Currency>),
    ("date", read::<Date>),
    ("date-time", read::<Timestamp>),
    ("email", read::<Email>),
    ("exp-id", read::<ExpertId>),
    ("language", read::<Language>),
    ("line", read::<ShortText>),
    ("link", read::<Link>),
    ("local-time", read::<LocalTime>),
    ("month", read::<Month>),
    ("not-id", read::<NoteId>),
    ("note", read::<NoteText>),
    ("ntf-id", read::<NotificationId>),
    ("phone", read::<Phone>),
    ("rcp-id", read::<ReceiptId>),
    ("ses-id", read::<SessionTypeId>),
    ("text", read::<LongText>),
    ("time-zone", read::<Zone>),
];

fn read<T: TryFrom<String, Error: Display>>(text: &str) -> Result<(), String> {
    T::try_from(text.to_owned()).map(|_| ()).map_err(|error| error.to_string())
}

/// Whether texts of this format are checked.
pub fn is_known_format(name: &str) -> bool {
    format(name).is_some()
}

fn format(name: &str) -> Option<Format> {
    FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
}

/// The schema of a type, with the schemas that it refers to.
fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema of a type in itself, without a title.
pub(crate) fn inline<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// Checks the document of a request. The pointers of the violations lead into the document.
pub(crate) fn check_document<T: JsonSchema>(document: &Value) -> Result<(), Violations> {
    check(&of::<T>(), document)
}

/// Checks the query parameters of a request, which are pairs of name and text. The pointers of the violations consist of the
/// parameter's name.
pub(crate) fn check_query<T: JsonSchema>(
    pairs: impl Iterator<Item = (String, String)>,
) -> Result<(), Violations> {
    let schema = of::<T>();
    let mut checker = Checker { root: &schema, violations: Violations::default(), count: 0 };
    let mut query = Map::new();
    for (name, text) in pairs {
        let value = checker.parameter(&schema["properties"][&name], text);
        if query.insert(name.clone(), value).is_some() {
            checker.add(&member("", &name), "must be given once");
        }
    }
    checker.visit(&schema, &query.into(), "");
    checker.violations.into_result()
}

/// Checks a value against a schema with its definitions.
pub fn check(schema: &Value, value: &Value) -> Result<(), Violations> {
    let mut checker = Checker { root: schema, violations: Violations::default(), count: 0 };
    checker.visit(schema, value, "");
    checker.violations.into_result()
}

/// The maximum number of characters of an unknown name that responses and logs repeat, with the mark of what was left out.
pub(crate) const MAX_NAME: usize = 100;

/// The first characters of a name, which can be as long as the request.
pub(crate) fn shortened(name: &str) -> Cow<'_, str> {
    if name.chars().nth(MAX_NAME).is_none() {
        return name.into();
    }
    let shown: String = name.chars().take(MAX_NAME - 1).collect();
    format!("{shown}…").into()
}

/// The pointer to a member of an object (RFC 6901, section 3). A name that is too long to be known is shortened.
pub(crate) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", shortened(name).replace('~', "~0").replace('/', "~1"))
}

struct Checker<'a> {
    root: &'a Value,
    violations: Violations,
    count: usize,
}

impl<'a> Checker<'a> {
    fn add(&mut self, pointer: &str, must: impl Into<String>) {
        self.count += 1;
        // One more than is shown, so that it is known that there are more.
        if self.count <= MAX_VIOLATIONS + 1 {
            self.violations.add(pointer, must);
        }
    }

    fn visit(&mut self, schema: &'a Value, value: &Value, pointer: &str) {
        let schema = self.resolve(schema);
        if self.count > MAX_VIOLATIONS || (value.is_null() && self.allows_null(schema)) {
            return;
        }
        if let Some(choices) = self.choices(schema) {
            if !choices.contains(value) {
                self.add(pointer, must_be_one_of(&choices));
            }
            return;
        }
        let alternatives = self.alternatives(schema);
        match alternatives.as_slice() {
            [] => self.visit_plain(schema, value, pointer),
            [only] => self.visit(only, value, pointer),
            several => self.visit_one_of(several, value, pointer),
        }
    }

    fn visit_plain(&mut self, schema: &'a Value, value: &Value, pointer: &str) {
        let kind = kind(schema);
        match (kind, value) {
            ("object", Value::Object(members)) => self.visit_object(schema, members, pointer),
            ("array", Value::Array(items)) => self.visit_array(schema, items, pointer),
            ("string", Value::String(text)) => {
                if let Err(must) = check_text(schema, text) {
                    self.add(pointer, must);
                }
            }
            ("integer", Value::Number(number)) if is_in_range(schema, number) => {}
            ("boolean", Value::Bool(_)) | ("", _) => {}
            _ => self.add(pointer, must_be(schema)),
        }
    }

    fn visit_object(&mut self, schema: &'a Value, members: &Map<String, Value>, pointer: &str) {
        let required = list(schema, "required").iter().filter_map(Value::as_str);
        for name in required.filter(|name| !members.contains_key(*name)) {
            self.add(&member(pointer, name), "is required");
        }
        let limit = |name: &str| schema[name].as_u64().and_then(|limit| usize::try_from(limit).ok());
        if limit("maxProperties").is_some_and(|most| members.len() > most) {
            let most = &schema["maxProperties"];
            self.add(pointer, format!("must have at most {most} entries, got {}", members.len()));
        }
        for (name, value) in members {
            let at = member(pointer, name);
            if let Some(known) = schema["properties"].get(name) {
                self.visit(known, value, &at);
                continue;
            }
            match &schema["additionalProperties"] {
                Value::Bool(false) => self.add(&at, "must be left out: this name is not known here"),
                others => {
                    let name_schema = self.resolve(&schema["propertyNames"]);
                    match check_text(name_schema, name) {
                        Ok(()) => self.visit(others, value, &at),
                        Err(must) => self.add(&at, format!("the name {must}")),
                    }
                }
            }
        }
    }

    fn visit_array(&mut self, schema: &'a Value, items: &[Value], pointer: &str) {
        let count = items.len() as u64;
        let (least, most) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
        if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
            self.add(pointer, format!("{}, got {count}", must_be(schema)));
        }
        for (at, item) in items.iter().enumerate() {
            self.visit(&schema["items"], item, &format!("{pointer}/{at}"));
        }
    }

    /// Checks a value of one of several kinds: the one that its tag names, or else the one that it violates least.
    fn visit_one_of(&mut self, alternatives: &[&'a Value], value: &Value, pointer: &str) {
        let Value::Object(members) = value else {
            let all_are_objects = alternatives.iter().all(|one| kind(one) == "object");
            return self
                .add(pointer, if all_are_objects { "must be an object" } else { "must have another type" });
        };
        if let Some(tag) = tag(alternatives) {
            let choice = |one: &&&Value| members.get(tag) == Some(&one["properties"][tag]["const"]);
            match alternatives.iter().find(choice) {
                Some(chosen) => self.visit(chosen, value, pointer),
                None => {
                    let choices: Vec<Value> =
                        alternatives.iter().map(|one| one["properties"][tag]["const"].clone()).collect();
                    self.add(&member(pointer, tag), must_be_one_of(&choices));
                }
            }
            return;
        }
        let mut least: Option<Violations> = None;
        for one in alternatives {
            let mut checker = Checker { root: self.root, violations: Violations::default(), count: 0 };
            checker.visit(one, value, pointer);
            let found = checker.violations;
            if found.iter().next().is_none() {
                return;
            }
            if least.as_ref().is_none_or(|least| found.iter().count() < least.iter().count()) {
                least = Some(found);
            }
        }
        for violation in least.into_iter().flatten() {
            self.add(&violation.pointer, violation.must);
        }
    }

    /// A schema without a reference to another one.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some("") => self.root,
            Some(pointer) => self.root.pointer(pointer).map_or(schema, |target| self.resolve(target)),
            None => schema,
        }
    }

    /// The alternatives of a schema without null; empty if it has none.
    fn alternatives(&self, schema: &'a Value) -> Vec<&'a Value> {
        let all = ["oneOf", "anyOf"].into_iter().flat_map(|name| list(schema, name));
        all.map(|one| self.resolve(one)).filter(|one| one["type"] != "null").collect()
    }

    fn allows_null(&self, schema: &'a Value) -> bool {
        list(schema, "type").iter().any(|kind| kind == "null")
            || ["oneOf", "anyOf"]
                .into_iter()
                .flat_map(|name| list(schema, name))
                .any(|one| one["type"] == "null" || self.allows_null(self.resolve(one)))
    }

    /// The values of an enumeration; `None` if the schema is none.
    fn choices(&self, schema: &'a Value) -> Option<Vec<Value>> {
        if let Some(only) = schema.get("const") {
            return Some(vec![only.clone()]);
        }
        if let Some(choices) = schema["enum"].as_array() {
            return Some(choices.iter().filter(|choice| !choice.is_null()).cloned().collect());
        }
        let alternatives = self.alternatives(schema);
        let choices: Option<Vec<_>> = alternatives.iter().map(|one| self.choices(one)).collect();
        choices.filter(|choices| !choices.is_empty()).map(|choices| choices.concat())
    }

    /// The value that the text of a query parameter stands for. A text that is no number or truth value stays a text, which its
    /// schema then refuses.
    fn parameter(&self, schema: &'a Value, text: String) -> Value {
        let schema = self.resolve(schema);
        let read: Option<Value> = match kind(schema) {
            "integer" if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse::<u64>().ok().map(Value::from)
            }
            "boolean" => text.parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        read.unwrap_or(Value::String(text))
    }
}

/// The member that names the kind of an object: it has a constant text in each alternative.
fn tag<'a>(alternatives: &[&'a Value]) -> Option<&'a str> {
    let (first, others) = alternatives.split_first()?;
    let is_constant = |one: &Value, name: &str| one["properties"][name]["const"].is_string();
    let names = first["properties"].as_object()?.keys().map(String::as_str);
    names.filter(|name| is_constant(first, name)).find(|name| others.iter().all(|one| is_constant(one, name)))
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema[name].as_array().map_or(&[], Vec::as_slice)
}

/// The type of a schema without null; empty if it allows every type.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ if schema["properties"].is_object() => "object",
        _ => "",
    }
}

fn is_in_range(schema: &Value, number: &Number) -> bool {
    let limit = |name: &str| schema[name].as_number().and_then(integer);
    integer(number).is_some_and(|number| {
        limit("minimum").is_none_or(|least| number >= least)
            && limit("maximum").is_none_or(|most| number <= most)
    })
}

/// The value of a number that is written without a fraction and an exponent.
fn integer(number: &Number) -> Option<i128> {
    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from))
}

fn check_text(schema: &Value, text: &str) -> Result<(), String> {
    if let Some(format) = schema["format"].as_str().and_then(format) {
        return format(text);
    }
    let count = text.chars().count() as u64;
    let (least, most) = (schema["minLength"].as_u64(), schema["maxLength"].as_u64());
    if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
        return Err(must_be(schema));
    }
    Ok(())
}

/// What a value must be, with all limits of its schema.
fn must_be(schema: &Value) -> String {
    let between = |low: &str, high: &str, unit: &str| match (&schema[low], &schema[high]) {
        (Value::Null, Value::Null) => String::new(),
        (Value::Null, most) => format!(" with at most {most} {unit}"),
        (least, Value::Null) => format!(" with at least {least} {unit}"),
        (least, most) => format!(" with {least} to {most} {unit}"),
    };
    match kind(schema) {
        "object" => "must be an object".to_owned(),
        "array" => format!("must be a list{}", between("minItems", "maxItems", "entries")),
        "string" => format!("must be a text{}", between("minLength", "maxLength", "characters")),
        "boolean" => "must be true or false".to_owned(),
        "integer" => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Null, Value::Null) => "must be an integer".to_owned(),
            (Value::Null, most) => format!("must be an integer up to {most}"),
            (least, Value::Null) => format!("must be an integer from {least}"),
            (least, most) => format!("must be an integer from {least} to {most}"),
        },
        _ => "must have another type".to_owned(),
    }
}

fn must_be_one_of(choices: &[Value]) -> String {
    let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
    match choices.split_last() {
        Some((last, others)) if !others.is_empty() => format!("must be {} or {last}", others.join(", ")),
        _ => format!("must be {}", choices.concat()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Money, Rate};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Terms {
        name: ShortText,
        #[schemars(range(min = 1, max = 1_440))]
        length_minutes: u16,
        #[schemars(range(min = 1, max = 1_440))]
        step_minutes: u16,
        price: Money,
        #[serde(default)]
        #[schemars(range(min = 1, max = 500))]
        capacity: u16,
        #[schemars(range(min = 1, max = 1_000))]
        daily_cap: Option<u16>,
        collection: Option<Collection>,
        booking_window: Option<Window>,
        #[serde(default)]
        #[schemars(length(max = 10))]
        presentment_currencies: Vec<Currency>,
        tax: Option<Tax>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code)]
    enum Collection {
        /// At booking.
        ChargeAtBooking,
        /// After the session.
        AuthorizeThenCapture,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
    #[allow(dead_code)]
    enum Window {
        /// Some days.
        Rolling {
            #[schemars(range(max = 731))]
            days: u16,
        },
        /// Some dates.
        Dates { first: Date, last: Date },
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(untagged, deny_unknown_fields)]
    #[allow(dead_code)]
    enum Tax {
        Own {
            label: ShortText,
            #[schemars(with = "u16", range(max = 10_000))]
            rate: Rate,
        },
        Calculated {
            calculated_by: Currency,
        },
    }

    fn found<T: JsonSchema>(document: &Value) -> BTreeMap<String, String> {
        let violations = check_document::<T>(document).err().unwrap_or_default();
        violations.into_iter().map(|violation| (violation.pointer, violation.must)).collect()
    }

    #[track_caller]
    fn assert_found<T: JsonSchema>(document: &Value, expected: &[(&str, &str)]) {
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(pointer, must)| ((*pointer).to_owned(), (*must).to_owned())).collect();
        assert_eq!(found::<T>(document), expected, "{document:#}");
    }

    fn terms() -> Value {
        json!({
            "name": "Consultation",
            "length_minutes": 60,
            "step_minutes": 30,
            "price": { "amount": 8_000, "currency": "EUR" },
        })
    }

    #[test]
    fn all_violations_of_a_document_are_found() {
        assert_found::<Terms>(&terms(), &[]);
        let mut wrong = terms();
        for (name, value) in [
            ("name", json!("\u{2800}")),
            ("length_minutes", json!(0)),
            ("price", json!({ "amount": "80", "currency": "EURO", "tax": 1 })),
            ("capacity", json!(1.0)),
            ("daily_cap", json!(1_001)),
            ("collection", json!("later")),
            ("booking_window", json!({ "kind": "rolling", "days": -1 })),
            ("presentment_currencies", json!(["USD", 5])),
            ("a/b~c", json!(null)),
        ] {
            wrong[name] = value;
        }
        wrong.as_object_mut().expect("an object").remove("step_minutes");
        let currency =
            "must be the three-letter ISO 4217 code of a currency in use, in capitals, such as EUR";
        assert_found::<Terms>(
            &wrong,
            &[
                ("/name", "must have at least one visible character"),
                ("/length_minutes", "must be an integer from 1 to 1440"),
                ("/step_minutes", "is required"),
                ("/price/amount", "must be an integer from 0 to 999999999999"),
                ("/price/currency", currency),
                ("/price/tax", "must be left out: this name is not known here"),
                ("/capacity", "must be an integer from 1 to 500"),
                ("/daily_cap", "must be an integer from 1 to 1000"),
                ("/collection", "must be \"charge_at_booking\" or \"authorize_then_capture\""),
                ("/booking_window/days", "must be an integer from 0 to 731"),
                ("/presentment_currencies/1", "must be a text"),
                ("/a~1b~0c", "must be left out: this name is not known here"),
            ],
        );
    }

    #[test]
    fn a_document_of_another_type_has_one_violation() {
        for other in [json!(null), json!([]), json!("x"), json!(1), json!(true)] {
            assert_found::<Terms>(&other, &[("", "must be an object")]);
        }
        assert_found::<Money>(&json!([1, "EUR"]), &[("", "must be an object")]);
    }

    #[test]
    fn null_is_allowed_where_a_member_is_optional() {
        let mut document = terms();
        document["daily_cap"] = json!(null);
        assert_found::<Terms>(&document, &[]);
        document["length_minutes"] = json!(null);
        assert_found::<Terms>(&document, &[("/length_minutes", "must be an integer from 1 to 1440")]);
    }

    #[test]
    fn a_tag_selects_the_alternative() {
        let mut document = terms();
        for (window, pointer, must) in [
            (json!({}), "/booking_window/kind", "must be \"rolling\" or \"dates\""),
            (json!({ "kind": "x" }), "/booking_window/kind", "must be \"rolling\" or \"dates\""),
            (json!({ "kind": "rolling" }), "/booking_window/days", "is required"),
            (json!("rolling"), "/booking_window", "must be an object"),
            (
                json!({ "kind": "dates", "first": "2027-02-30", "last": "2027-03-01" }),
                "/booking_window/first",
                "must be a calendar date from 1970 to 9999, written YYYY-MM-DD",
            ),
        ] {
            document["booking_window"] = window;
            assert_found::<Terms>(&document, &[(pointer, must)]);
        }
    }

    #[test]
    fn without_a_tag_the_most_similar_alternative_is_described() {
        let mut document = terms();
        document["tax"] = json!({ "label": "VAT", "rate": 10_001 });
        assert_found::<Terms>(&document, &[("/tax/rate", "must be an integer from 0 to 10000")]);
        document["tax"] = json!({ "calculated_by": "EUR" });
        assert_found::<Terms>(&document, &[]);
        document["tax"] = json!({ "calculated_by": "EUR", "rate": 1 });
        assert_found::<Terms>(&document, &[("/tax/rate", "must be left out: this name is not known here")]);
    }

    #[test]
    fn unknown_names_are_repeated_up_to_a_limit() {
        let name = "é".repeat(100_000);
        let mut document = terms();
        document[&name] = json!(1);
        let shown = format!("/{}…", "é".repeat(99));
        assert_found::<Terms>(&document, &[(&shown, "must be left out: this name is not known here")]);
    }

    #[test]
    fn no_more_violations_are_looked_for_after_the_limit() {
        let many: Map<String, Value> = (0..50_000).map(|at| (at.to_string(), json!(null))).collect();
        assert_eq!(found::<Money>(&many.into()).len(), MAX_VIOLATIONS + 1);
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Query {
        /// A number.
        #[schemars(range(min = 1, max = 100))]
        limit: u16,
        /// An optional truth value.
        explain: Option<bool>,
        /// A time.
        from: Timestamp,
    }

    #[test]
    fn all_violations_of_a_query_are_found() {
        let check = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let violations = check_query::<Query>(pairs).err().unwrap_or_default();
            violations
                .iter()
                .map(|violation| format!("{} {}", violation.pointer, violation.must))
                .collect::<Vec<_>>()
        };
        let from = ("from", "2027-01-05T10:00:00.25Z");
        assert_eq!(check(&[("limit", "100"), ("explain", "true"), from]), Vec::<String>::new());
        assert_eq!(
            check(&[("limit", "101"), ("explain", "yes"), ("x", "1"), from, from]),
            [
                "/from must be given once",
                "/explain must be true or false",
                "/limit must be an integer from 1 to 100",
                "/x must be left out: this name is not known here",
            ]
        );
        for wrong in ["", "0", "-1", "+5", "1.0", "ten", "99999999999999999999"] {
            assert_eq!(
                check(&[("limit", wrong), from]),
                ["/limit must be an integer from 1 to 100"],
                "{wrong}"
            );
        }
    }
}
