//! Generates requests from the OpenAPI document: builds a valid request, then corrupts it.

mod corrupt;

use http_api::{Method, Route, openapi};
use serde_json::{Map, Value, json};
use simulators::stripe::signature_header;

use crate::description::{DOCUMENT, operation};
use crate::platform::{ADA, ALAN, EVERYBODY, KATHERINE, MARGARET};
use crate::random::SeededRandom;
use crate::{Request, TestPlatform};

/// The maximum depth of a generated value, which ends recursive schemas.
const MAX_DEPTH: usize = 12;

/// The first and last representable times, a day that a time zone skipped, and changes to and from summer time.
const BOUNDARY_TIMES: [&str; 8] = [
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:01Z",
    "9999-12-01T00:00:00Z",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2011-12-30T12:00:00Z",
    "2027-03-28T01:30:00Z",
    "2027-10-31T01:30:00+01:00",
];
/// Valid texts with invisible characters: joiners between letters and between emoji, and selectors of variants.
const JOINED_TEXTS: [&str; 5] =
    ["می\u{200c}خواهم", "ශ\u{dca}\u{200d}රී", "👩🏽\u{200d}💻", "☺\u{fe0f}", "葛\u{e0100}城"];

/// A generator of requests.
pub struct Generator<'a> {
    platform: &'a TestPlatform,
    random: SeededRandom,
}

impl<'a> Generator<'a> {
    /// A generator that makes the same requests for the same seed.
    pub fn new(platform: &'a TestPlatform, seed: u64) -> Self {
        Self { platform, random: SeededRandom::new(seed) }
    }

    /// The next request. One in ten is valid; the others are corrupted in one to three ways.
    pub fn request(&mut self) -> Request {
        let mut route: &'static Route = self.random.choose(functions::ROUTES);
        // Routes with a body or a query are preferred, because more of them can be corrupted.
        let plain = |route: &Route| {
            let described = operation(route);
            let asks = |parameter: &Value| parameter["in"] == "query";
            let parameters = described["parameters"].as_array();
            described["requestBody"].is_null() && !parameters.is_some_and(|all| all.iter().any(asks))
        };
        while plain(route) && !self.random.one_in(4) {
            route = self.random.choose(functions::ROUTES);
        }
        let mut request = self.valid(route);
        if !self.random.one_in(10) {
            for _ in 0..=self.random.below(3) {
                self.corrupt(&mut request);
            }
        }
        let to_stripe = request.parameters.get("gateway").is_some_and(|gateway| gateway == "stripe");
        if request.route.function == "payment_webhook" && to_stripe && !self.random.one_in(4) {
            self.sign(&mut request);
        }
        request
    }

    /// Signs a request as Stripe does, whatever its body.
    fn sign(&self, request: &mut Request) {
        let Ok(body) = std::str::from_utf8(&request.body) else { return };
        let signature = signature_header("whsec_local", self.platform.stack.clock.seconds(), body);
        request.headers.push(("Stripe-Signature".to_owned(), signature.into_bytes()));
    }

    /// An existing id of this kind, mostly the first.
    fn id(&mut self, kind: &str) -> String {
        let ids = &self.platform.ids[kind];
        let first = kind == "expert_id" && !self.random.one_in(5);
        if first { ids[0].clone() } else { self.random.choose(ids).clone() }
    }

    /// A request that is valid according to the OpenAPI document.
    pub fn valid(&mut self, route: &'static Route) -> Request {
        let described = operation(route);
        let mut request = Request::new(route);
        request.person = Some(self.person(route));
        for name in openapi::variables(route.path) {
            // The last one is there to be removed, and the last appointment has the notes.
            let of_note = name == "appointment_id" && route.path.contains("{note_id}");
            let last = of_note || route.method == Method::Delete && name != "expert_id";
            let id = self.platform.ids[name].last().filter(|_| last).cloned();
            let id = id.unwrap_or_else(|| self.id(name));
            request.parameters.insert(name.to_owned(), id);
        }
        let mut pairs = Vec::new();
        for parameter in described["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let wanted = parameter["required"] == true || self.random.one_in(3);
            match parameter["in"].as_str() {
                Some("query") if wanted => {
                    let value = match self.value(name, &parameter["schema"], 0) {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    pairs.push((name.to_owned(), value));
                }
                Some("header") => {
                    let value = match name {
                        "If-Match" if self.random.one_in(2) => "*".to_owned(),
                        "If-Match" => format!("\"{}\"", self.random.below(3)),
                        _ => format!("key-{}", self.random.bits()),
                    };
                    request.headers.push((name.to_owned(), value.into_bytes()));
                }
                _ => {}
            }
        }
        request.query = TestPlatform::query(&pairs);
        if let Some(content) = described["requestBody"]["content"].as_object() {
            let schema = content.values().next().map_or(Value::Null, |media| media["schema"].clone());
            request.headers.push(("Content-Type".to_owned(), b"application/json".to_vec()));
            let body = match self.platform.samples.get(route.function) {
                Some(sample) if self.random.one_in(2) => self.like(sample, &schema),
                _ => self.value("", &schema, 0),
            };
            request.body = body.to_string().into_bytes();
        }
        request
    }

    /// A body that was accepted before, with another start and session type.
    fn like(&mut self, sample: &Value, schema: &Value) -> Value {
        let drawn = self.value("", schema, 0);
        let mut body = sample.clone();
        for (name, value) in body.as_object_mut().into_iter().flatten() {
            if ["start", "session_type_id"].contains(&name.as_str()) {
                *value = drawn[name].clone();
            }
        }
        body
    }

    /// A person, mostly one who may call the route.
    fn person(&mut self, route: &Route) -> crate::platform::Person {
        let likely = match route.audience {
            http_api::Audience::Only(app::identity::signed_in::Role::Admin) => MARGARET,
            http_api::Audience::Only(app::identity::signed_in::Role::Client) => ALAN,
            _ if route.path.contains("{expert_id}") => ADA,
            http_api::Audience::Only(app::identity::signed_in::Role::Expert) => {
                *self.random.choose(&[ADA, KATHERINE])
            }
            _ => *self.random.choose(&[ADA, ALAN]),
        };
        if self.random.one_in(10) { *self.random.choose(&EVERYBODY) } else { likely }
    }

    /// A value that matches a schema. For a plain text, the member's name selects the kind of text.
    fn value(&mut self, name: &str, schema: &Value, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            let schema = DOCUMENT.pointer(pointer).expect("a schema").clone();
            return self.value(name, &schema, depth + 1);
        }
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.random.choose(values).clone();
        }
        for either in ["oneOf", "anyOf"] {
            if let Some(schemas) = schema[either].as_array() {
                let schema = self.random.choose(schemas).clone();
                return self.value(name, &schema, depth + 1);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.random.choose(kinds).as_str().unwrap_or_default(),
            kind => kind.as_str().unwrap_or_default(),
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let count = usize::try_from(least).unwrap_or(0) + self.random.below(3);
                (0..count).map(|_| self.value(name, &schema["items"], depth + 1)).collect()
            }
            "string" => self.text(name, schema),
            "integer" => {
                let least = schema["minimum"].as_i64().unwrap_or(0);
                let most = schema["maximum"].as_i64().unwrap_or(1_000).max(least);
                match self.random.below(4) {
                    0 => json!(least),
                    1 => json!(most),
                    _ => json!(
                        least + i64::try_from(self.random.bits() >> 1).unwrap_or(0) % (most - least + 1)
                    ),
                }
            }
            "boolean" => json!(self.random.one_in(2)),
            "null" => Value::Null,
            _ => {
                json!({ "id": format!("evt_{}", self.random.bits()), "type": "account.updated", "data": { "object": {} } })
            }
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut members = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if required.iter().any(|required| required == name) || self.random.one_in(2) {
                members.insert(name.clone(), self.value(name, schema, depth + 1));
            }
        }
        if members.is_empty() && schema["additionalProperties"].is_object() {
            for _ in 0..self.random.below(3) {
                let name = format!("2027-0{}-1{}", 1 + self.random.below(9), self.random.below(10));
                members.insert(name, self.value("", &schema["additionalProperties"], depth + 1));
            }
        }
        Value::Object(members)
    }

    fn text(&mut self, name: &str, schema: &Value) -> Value {
        let number = self.random.below(10);
        let pattern = schema["pattern"].as_str().unwrap_or_default();
        let kinds = ["expert_id", "session_type_id", "appointment_id", "receipt_id", "notification_id"];
        let known = kinds.iter().find(|known| {
            self.platform.ids[*known].iter().any(|id| pattern.starts_with(&format!("^{}_", &id[..3])))
        });
        if let Some(known) = known {
            return json!(self.id(known));
        }
        let edge = self.random.one_in(12);
        let text = match (schema["format"].as_str().unwrap_or_default(), pattern, name) {
            ("date-time", ..) if edge => (*self.random.choose(&BOUNDARY_TIMES)).to_owned(),
            ("date", ..) if edge => self.random.choose(&BOUNDARY_TIMES)[..10].to_owned(),
            ("month", ..) if edge => self.random.choose(&BOUNDARY_TIMES)[..7].to_owned(),
            ("month", ..) => format!("2027-0{}", 1 + self.random.below(9)),
            ("date-time", .., "to") => format!("2027-01-{:02}T00:00:00Z", 10 + number),
            ("date-time", ..) => {
                let day = 4 + number / 2;
                format!("2027-01-{day:02}T{:02}:{}0:00Z", self.random.below(24), self.random.choose(&[0, 3]))
            }
            ("date", .., "to" | "last") => format!("2027-0{}-1{number}", 5 + self.random.below(4)),
            ("date", ..) => format!("2027-0{}-1{number}", 1 + self.random.below(4)),
            ("language", ..) => (*self.random.choose(&["de", "en-GB", "zh-Hant-TW"])).to_owned(),
            ("phone", ..) => format!("+49301234567{number}"),
            ("email", ..) => format!("alan{number}@example.org"),
            (_, "^[A-Z]{3}$", _) => {
                (*self.random.choose(&["EUR", "GBP", "USD", "JPY", "KWD", "CHF"])).to_owned()
            }
            (_, "^[A-Z]{2}$", _) => (*self.random.choose(&["GB", "DE", "US", "FR"])).to_owned(),
            (_, pattern, _) if pattern.contains("24:00") => format!("{:02}:00", self.random.below(24)),
            (_, pattern, _) if pattern.contains("100") => format!("{number}.5"),
            (.., "time_zone") => {
                (*self.random.choose(&["Europe/Berlin", "UTC", "America/St_Johns", "Asia/Kathmandu"]))
                    .to_owned()
            }
            (.., "cursor") => {
                format!("001798790400.{}", self.random.choose(&self.platform.ids["appointment_id"]))
            }
            ("line" | "text" | "note", ..) if edge => (*self.random.choose(&JOINED_TEXTS)).to_owned(),
            _ => "x".repeat(1 + number),
        };
        json!(text)
    }
}
