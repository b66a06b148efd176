//! Corrupts requests.

use serde_json::{Number, Value, json};

use super::Generator;
use crate::platform::EVERYBODY;
use crate::{Request, TestPlatform};

/// The limits of number types and of amounts.
const BOUNDARY_NUMBERS: [u64; 10] = [
    255,
    256,
    65_535,
    65_536,
    99_999_999,
    100_000_000,
    2_147_483_648,
    4_294_967_295,
    4_294_967_296,
    9_223_372_036_854_775_807,
];

/// Texts that look like others, or like nothing: reordered, with invisible characters, with separators of lines, with joiners
/// where they have no effect, and with more marks than fit on a letter.
const HIDING_TEXTS: [&str; 14] = [
    "\u{202e}nalA",
    "Al\u{2066}a\u{2069}n",
    "\u{200f}Alan",
    "A\u{200b}l\u{200c}a\u{200d}n",
    "\u{2060}\u{2060}",
    "Alan\u{2028}Turing",
    "Alan\u{85}Turing",
    "\u{3164}",
    "\u{2800}",
    "Alan\u{e0041}\u{e007f}",
    "alan\u{200b}@example.org",
    "alan@exam\u{ad}ple.org",
    "\u{feff}Alan\u{fffe}",
    "Z\u{351}\u{352}\u{353}\u{354}\u{355}\u{356}",
];

impl Generator<'_> {
    /// Corrupts one part of a request.
    pub(super) fn corrupt(&mut self, request: &mut Request) {
        match self.random.below(16) {
            0 => request.person = self.random.one_in(2).then(|| *self.random.choose(&EVERYBODY)),
            1 => {
                let name = request.parameters.keys().min().cloned();
                if let Some(name) = name {
                    request.parameters.insert(name, self.unusual_id());
                }
            }
            2 => {
                // An id of another person, or of another kind.
                let all: Vec<String> = ["expert_id", "session_type_id", "appointment_id", "receipt_id"]
                    .iter()
                    .flat_map(|kind| self.platform.ids[kind].clone())
                    .collect();
                let id = self.random.choose(&all).clone();
                if let Some(value) = request.parameters.values_mut().next() {
                    *value = id;
                }
            }
            3 | 4 => self.corrupt_query(request),
            5 | 6 => self.corrupt_headers(request),
            7 => self.corrupt_bytes(request),
            _ => {
                let Ok(mut document) = serde_json::from_slice::<Value>(&request.body) else {
                    return self.corrupt_query(request);
                };
                self.corrupt_value(&mut document, 0);
                request.body = document.to_string().into_bytes();
            }
        }
    }

    fn unusual_id(&mut self) -> String {
        match self.random.below(4) {
            0 => self.unusual_text(),
            1 => format!("apt_{}", "z".repeat(26)),
            2 => format!("{}_7{}", self.random.choose(&["apt", "exp", "ses", "rcp", "cli"]), "0".repeat(25)),
            _ => {
                let mut id = self.random.choose(&self.platform.ids["appointment_id"]).clone();
                id.insert(self.random.below(id.len()), *self.random.choose(&['0', '\0', 'é', '/', '.', 'L']));
                id
            }
        }
    }

    /// A text that may be valid, or look like another one.
    fn unusual_text(&mut self) -> String {
        let length = 1 << self.random.below(13);
        match self.random.below(15) {
            0 => String::new(),
            1 => " ".to_owned(),
            2 => "\0".to_owned(),
            3 => (*self.random.choose(&HIDING_TEXTS)).to_owned(),
            4 => "𝔸🏳️‍🌈é".repeat(length / 8 + 1),
            5 => "x".repeat(length),
            6 => "../../etc/passwd".to_owned(),
            7 => "' OR 1=1 --".to_owned(),
            8 => "<script>alert(1)</script>".to_owned(),
            9 => "{{7*7}}${jndi:ldap://x}".to_owned(),
            10 => "-1".to_owned(),
            11 => "9".repeat(length.min(400)),
            12 => self.random.choose(&BOUNDARY_NUMBERS).to_string(),
            13 => (*self.random.choose(&[
                "0000-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "2027-02-30",
                "2027-01-05T10:00:00.5Z",
                "1970-01-01",
                "24:01",
                "2016-12-31T23:59:60Z",
            ]))
            .to_owned(),
            _ => format!(
                "a{}b",
                char::from_u32(u32::try_from(self.random.bits() & 0xffff).unwrap_or(0)).unwrap_or('\u{fffd}')
            ),
        }
    }

    fn unusual_value(&mut self) -> Value {
        match self.random.below(14) {
            0 => Value::Null,
            1 => json!(self.random.one_in(2)),
            2 => json!(-1),
            3 => json!(0),
            4 => json!(u64::MAX),
            5 => json!(i64::MIN),
            6 => Value::Number(Number::from_f64(0.5).expect("a number")),
            7 => Value::Number(Number::from_f64(1e300).expect("a number")),
            8 => json!([]),
            9 => json!({}),
            10 => json!([[{ "x": [null] }]]),
            11 | 12 => json!(self.random.choose(&BOUNDARY_NUMBERS)),
            _ => json!(self.unusual_text()),
        }
    }

    /// Corrupts one value in a document.
    fn corrupt_value(&mut self, value: &mut Value, depth: usize) {
        let here = depth > 0 && self.random.one_in(3);
        match value {
            Value::Object(members) if !here && !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                let name = self.random.choose(&names).clone();
                match self.random.below(8) {
                    0 => drop(members.remove(&name)),
                    1 => drop(members.insert(self.unusual_text(), json!(1))),
                    2 => {
                        if let Some(value) = members.remove(&name) {
                            members.insert(name.to_uppercase(), value);
                        }
                    }
                    _ => members
                        .get_mut(&name)
                        .into_iter()
                        .for_each(|value| self.corrupt_value(value, depth + 1)),
                }
            }
            Value::Array(items) if !here && !items.is_empty() => {
                let at = self.random.below(items.len());
                match self.random.below(4) {
                    0 => drop(items.remove(at)),
                    1 => {
                        let item = items[at].clone();
                        let times = 1 << self.random.below(10);
                        items.extend(std::iter::repeat_n(item, times));
                    }
                    _ => self.corrupt_value(&mut items[at], depth + 1),
                }
            }
            Value::Number(number) if self.random.one_in(2) => {
                let by = *self.random.choose(&[-1, 1, 1_000]);
                *value = json!(number.as_i64().unwrap_or(0).saturating_mul(by).saturating_add(by));
            }
            other => *other = self.unusual_value(),
        }
    }

    fn corrupt_query(&mut self, request: &mut Request) {
        let mut parts: Vec<String> =
            request.query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let at = self.random.below(parts.len() + 1);
        match self.random.below(5) {
            0 if at < parts.len() => drop(parts.remove(at)),
            1 if at < parts.len() => parts.push(parts[at].clone()),
            2 if at < parts.len() => {
                let name = parts[at].split('=').next().unwrap_or_default().to_owned();
                parts[at] = TestPlatform::query(&[(name, self.unusual_text())]);
            }
            3 => parts.push(
                (*self.random.choose(&[
                    "%",
                    "%zz",
                    "=",
                    "&&",
                    "a=%ff",
                    "x[]=1",
                    "limit=",
                    "limit=1e3",
                    "%00=%00",
                ]))
                .to_owned(),
            ),
            _ => parts.push(TestPlatform::query(&[(self.unusual_text(), self.unusual_text())])),
        }
        request.query = parts.join("&");
    }

    fn corrupt_headers(&mut self, request: &mut Request) {
        const UNUSUAL: &[&[u8]] = &[
            b"",
            b"\"",
            b"\"-1\"",
            b"\"+1\"",
            b"W/\"1\"",
            b"*",
            b"\"18446744073709551615\"",
            b"\"18446744073709551616\"",
            b"\"1\", \"2\"",
            b"a b",
            b"a#b",
            b"\xff\xfe",
            b"text/plain",
            b"application/json; charset=utf-7",
            b"application/jsonp",
            b"*/*;q=x",
            b"text/html;q=0",
            b"image/png",
            b"text/csv",
            b"application/json;q=0.1,text/*",
        ];
        let value = if self.random.one_in(8) {
            vec![b'k'; 1 << self.random.below(13)]
        } else {
            self.random.choose(UNUSUAL).to_vec()
        };
        match self.random.below(4) {
            0 if !request.headers.is_empty() => {
                let at = self.random.below(request.headers.len());
                request.headers.remove(at);
            }
            1 | 2 if !request.headers.is_empty() => {
                let at = self.random.below(request.headers.len());
                request.headers[at].1 = value;
            }
            _ => {
                let name = *self.random.choose(&[
                    "Accept",
                    "If-Match",
                    "Idempotency-Key",
                    "Content-Type",
                    "Content-Encoding",
                    "Stripe-Signature",
                    "PayPal-Transmission-Sig",
                    "X-Forwarded-For",
                    "Authorization",
                    "X-HTTP-Method-Override",
                    "Range",
                    "Cookie",
                ]);
                request.headers.push((name.to_owned(), value));
            }
        }
    }

    fn corrupt_bytes(&mut self, request: &mut Request) {
        let length = request.body.len();
        match self.random.below(7) {
            0 => request.body.truncate(length / 2),
            1 => request.body.clear(),
            2 => request.body = b"[".repeat(1 << self.random.below(14)),
            3 => request.body = [b"{\"a\":".repeat(2_000), b"1".to_vec(), b"}".repeat(2_000)].concat(),
            4 => request.body.resize(http_api::request::MAX_BODY_BYTES + self.random.below(3), b' '),
            5 => request.body.extend_from_slice(b"{}"),
            _ => crate::random::mutate(&mut request.body, &[], &mut self.random),
        }
    }
}
