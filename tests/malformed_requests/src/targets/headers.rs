use app::identity::signed_in::Role;
use app::{IfMatch, Settings};
use http_api::Request as ApiRequest;
use http_api::claims::{id_bits, person};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Request};
use serde_json::{Value, json};

use crate::Request as Asked;
use crate::platform::{ADA, bearer};

/// The headers `If-Match`, `Accept`, `Content-Type` and `Idempotency-Key` are accepted only in their documented form.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let settings = Settings::default();
    let request = |name: &str| Request::post("/").header(name, &value).body(Body::Empty).expect("a request");
    if let Ok(if_match) = ApiRequest::new(request("If-Match"), &settings).if_match() {
        let text = value.to_str().expect("it was read").trim();
        match if_match {
            IfMatch::Any => assert_eq!(text, "*"),
            IfMatch::Version(version) => assert_eq!(text, format!("\"{version}\"")),
        }
    }
    let offered = ["application/json", "text/html", "application/pdf"];
    match ApiRequest::new(request("Accept"), &settings).negotiate(&offered) {
        Ok(chosen) => assert!(offered.contains(&chosen)),
        Err(problem) => assert_eq!(problem.status, 406),
    }
    if let Err(problem) = ApiRequest::new(request("Content-Type"), &settings).json::<()>() {
        assert!((400..500).contains(&problem.status));
    }
    let mut asked = Asked::new(&functions::scheduling::book_appointment::ROUTE);
    asked.person = Some(ADA);
    asked.headers = vec![("Idempotency-Key".to_owned(), bytes.to_vec())];
    if let Ok(key) = asked
        .to_lambda()
        .map(|request| ApiRequest::new(request, &settings))
        .expect("it is a header")
        .idempotent_request()
    {
        assert_eq!(key.key.as_bytes(), bytes);
        assert!((1..=255).contains(&bytes.len()) && !bytes.contains(&b'#') && bytes.is_ascii());
    }
}

/// Claims give a person a role only if they contain exactly that group. The lines of the input are issuer, subject and the JSON
/// of the groups; groups that are not JSON are text.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (issuer, subject, groups) = (lines.next(), lines.next(), lines.next().unwrap_or_default());
    let groups: Value = serde_json::from_str(groups).unwrap_or_else(|_| groups.into());
    let header = bearer(&json!({ "iss": issuer, "sub": subject, "cognito:groups": groups }));
    let person = person(issuer, subject, Some(&header), &Settings::default());
    let named = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    assert_eq!(person.is_some(), named(issuer) && named(subject));
    let Some(person) = person else { return };
    for (role, group) in [(Role::Expert, "expert"), (Role::Client, "client"), (Role::Admin, "admin")] {
        let listed = groups.as_array().is_some_and(|groups| {
            groups.iter().all(Value::is_string) && groups.iter().any(|one| one == group)
        });
        assert_eq!(person.has(role), listed || groups == group, "{group}: {groups}");
    }
    // The id depends on issuer and subject, and on the boundary between them.
    let (issuer, subject) = (issuer.unwrap_or_default(), subject.unwrap_or_default());
    let moved = format!("{issuer}{subject}");
    let other =
        moved.char_indices().nth(1).map(|(at, _)| moved.split_at(at)).filter(|(one, _)| *one != issuer);
    if let Some((one, two)) = other {
        assert_ne!(id_bits(one, two), id_bits(issuer, subject));
    }
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    [
        "\"3\"",
        "\"0\"",
        " \"18446744073709551615\" ",
        "W/\"1\"",
        "*",
        "text/html;q=0.5, application/json",
        "application/*;q=0.001",
        "*/*",
        "application/pdf; level=1;q=1.0",
        "application/json; charset=utf-8",
        "text/*;q=0,*/*;q=0.1",
        "b7e2c3a4-0000-4000-8000-000000000000",
        "key",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(super) fn corpus_of_claims() -> Vec<Vec<u8>> {
    [
        "https://issuer.example\nada\n[\"expert\",\"client\"]",
        "https://issuer.example\nalan\n[\"client\"]",
        "i\ns\nadmin,expert",
        "i\ns\n[\"client admin\",\" admin\"]",
        "i\ns\n\"admin\"",
        "i\ns\n[superadmin]",
        "i\ns",
        "\ns\n[admin]",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
