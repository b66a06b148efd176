use app::identity::people::Role;
use http_api::Request as ApiRequest;
use http_api::request::person_from_claims;
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Request};

use crate::Request as Asked;
use crate::platform::ADA;

/// The headers `If-Match`, `Accept`, `Content-Type` and `Idempotency-Key` are accepted only in their documented form.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let request = |name: &str| Request::post("/").header(name, &value).body(Body::Empty).expect("a request");
    if let Ok(version) = ApiRequest::new(request("If-Match")).if_match() {
        let text = value.to_str().expect("it was read").trim();
        assert_eq!(text, format!("\"{version}\""));
    }
    let offered = ["application/json", "text/html", "application/pdf"];
    match ApiRequest::new(request("Accept")).negotiate(&offered) {
        Ok(chosen) => assert!(offered.contains(&chosen)),
        Err(problem) => assert_eq!(problem.status, 406),
    }
    if let Err(problem) = ApiRequest::new(request("Content-Type")).json::<()>() {
        assert!((400..500).contains(&problem.status));
    }
    let mut asked = Asked::new(&functions::scheduling::book_appointment::ROUTE);
    asked.person = Some(ADA);
    asked.headers = vec![("Idempotency-Key".to_owned(), bytes.to_vec())];
    if let Ok(key) = asked.to_lambda().map(ApiRequest::new).expect("it is a header").idempotent_request() {
        assert_eq!(key.key.as_bytes(), bytes);
        assert!((1..=255).contains(&bytes.len()) && !bytes.contains(&b'#') && bytes.is_ascii());
    }
}

/// Claims give a person a role only if they contain exactly that group. The lines of the input are issuer, subject and
/// groups.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (issuer, subject, groups) = (lines.next(), lines.next(), lines.next());
    let person = person_from_claims(|name| match name {
        "iss" => issuer,
        "sub" => subject,
        "cognito:groups" => groups,
        _ => None,
    });
    let named = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    assert_eq!(person.is_some(), named(issuer) && named(subject));
    let Some(person) = person else { return };
    for (role, group) in [(Role::Expert, "expert"), (Role::Client, "client"), (Role::Admin, "admin")] {
        // The group must be a separate word, surrounded only by the characters of a list.
        let apart = |character: char| character.is_whitespace() || "[],\"".contains(character);
        let word = |text: &str| text.split(apart).any(|word| word == group);
        assert!(!person.has(role) || word(groups.unwrap_or_default()), "{group}: {groups:?}");
        let plain = groups.and_then(|groups| groups.strip_prefix('[')?.strip_suffix(']'));
        if let Some(plain) = plain.filter(|plain| !plain.contains(['"', '[', ']', ','])) {
            assert_eq!(person.has(role), plain.split_whitespace().any(|word| word == group));
        }
    }
    // The id depends on issuer and subject, and on the boundary between them.
    let (issuer, subject) = (issuer.unwrap_or_default(), subject.unwrap_or_default());
    let moved = format!("{issuer}{subject}");
    let other =
        moved.char_indices().nth(1).map(|(at, _)| moved.split_at(at)).filter(|(one, _)| *one != issuer);
    if let Some((one, two)) = other {
        let other = person_from_claims(|name| {
            [("iss", one), ("sub", two)].into_iter().find(|(known, _)| *known == name).map(|found| found.1)
        });
        assert!(other.is_none_or(|other| other.client_id() != person.client_id()));
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
        "https://issuer.example\nada\n[expert client]",
        "https://issuer.example\nalan\n[\"client\"]",
        "i\ns\nadmin,expert",
        "i\ns\n[superadmin]",
        "i\ns",
        "\ns\n[admin]",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
