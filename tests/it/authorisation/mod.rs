//! Every route against everybody who may not call it: each is refused, the refusal reveals nothing, and nothing changes; and
//! whoever may is let through, because a door that is always shut keeps thieves out too.

mod matrix;

use std::collections::BTreeSet;

use app::identity::people::Role;
use http_api::Route;
use reqwest::header::{CONTENT_LENGTH, DATE, HeaderMap};
use serde_json::{Value, json};
use simulators::sign_in::Person;

use self::matrix::{Entry, MATRIX, Rule};
use crate::harness::{Offer, Reply, World, billing_details, paid_hour};

/// A paid appointment of Ada's that Alan booked, and all that hangs on it.
struct Scene {
    world: World,
    offer: Offer,
    appointment: String,
    receipt: String,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let offer = world.offer(&paid_hour()).await;
        let path = format!("/v1/experts/{}/billing", offer.expert);
        let billing = world.put(&path).person("ada").header("If-Match", "\"0\"").json(&billing_details());
        billing.send().await.expect(200);
        let appointment = world.paid(&offer, "2027-01-05T10:00:00Z", "k").await;
        let documents = world.get(&format!("/v1/appointments/{appointment}/receipts")).person("alan");
        let documents = documents.send().await.expect(200);
        let receipt = documents["receipts"][0]["id"].as_str().expect("a receipt").to_owned();
        Self { world, offer, appointment, receipt }
    }

    /// The address of a route, with this gateway and the ids of this scene in it.
    fn address(&self, entry: &Entry, route: &Route, gateway: &str) -> String {
        let path = route
            .path
            .replace("{gateway}", gateway)
            .replace("{receipt_id}", &self.receipt)
            .replace("{expert_id}", &self.offer.expert)
            .replace("{session_type_id}", &self.offer.session_type)
            .replace("{appointment_id}", &self.appointment);
        format!("{path}{}", entry.query)
    }

    async fn ask(&self, entry: &Entry, route: &Route, path: &str, authorization: &str) -> Reply {
        let method = route.method.as_str().parse().expect("a method");
        let ask = self.world.ask(method, path).header("If-Match", "\"1\"").once(entry.function);
        let ask = if authorization.is_empty() { ask } else { ask.header("Authorization", authorization) };
        match (entry.body)(&self.offer) {
            Value::Null => ask.send().await,
            body => ask.json(&body).send().await,
        }
    }

    fn bearer(&self, person: &Person, valid_seconds: i64) -> String {
        format!("Bearer {}", self.world.stack.sign_in.access_token(person, valid_seconds))
    }

    /// What must stand in no refusal.
    fn private(&self) -> Vec<&str> {
        let Self { offer, appointment, receipt, .. } = self;
        let words = ["Ada", "Lovelace", "Alan", "example.org", "sk_test", "whsec", "cli_", "pi_"];
        words.into_iter().chain([&*offer.expert, &offer.session_type, appointment, receipt]).collect()
    }
}

/// Ids that nothing has.
fn absent(path: &str, scene: &Scene) -> String {
    let none = |kind: &str| format!("{kind}_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    path.replace(&scene.receipt, &none("rcp"))
        .replace(&scene.offer.expert, &none("exp"))
        .replace(&scene.offer.session_type, &none("ses"))
        .replace(&scene.appointment, &none("apt"))
}

/// Every route; one with a gateway in its path for each gateway.
fn routes() -> impl Iterator<Item = (&'static Entry, &'static Route, &'static str)> {
    functions::ROUTES.iter().flat_map(|route| {
        let entry = MATRIX.iter().find(|entry| entry.function == route.function).expect("it compiled");
        let gateways: &[_] = if route.path.contains("{gateway}") { &["stripe", "paypal"] } else { &[""] };
        gateways.iter().map(move |gateway| (entry, route, *gateway))
    })
}

fn person(subject: &str, groups: &[&str]) -> Person {
    Person {
        subject: subject.to_owned(),
        name: subject.to_owned(),
        email: format!("{subject}@example.org"),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

/// Everybody who can sign in. Ada gives the session, Alan booked it.
fn everybody() -> Vec<Person> {
    vec![
        person("ada", &["expert"]),
        person("ada", &["client"]),
        person("ada", &[]),
        person("alan", &["client"]),
        person("alan", &["expert"]),
        person("alan", &[]),
        person("grace", &["expert", "client"]),
        person("katherine", &["client"]),
        person("margaret", &["admin"]),
        person("mallory", &["superadmin", "experts", "Client", "admin,expert;", "x"]),
    ]
}

/// What a rule means for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// They may.
    Through,
    /// 403.
    Forbidden,
    /// 404, as if it were not there.
    Hidden,
}

fn verdict(rule: Rule, person: &Person) -> Verdict {
    let has = |role: Role| person.groups.iter().any(|group| Role::from_group(group) == Some(role));
    let expert = person.subject == "ada" && has(Role::Expert);
    let client = person.subject == "alan" && has(Role::Client);
    let otherwise = |may: bool, refusal| if may { Verdict::Through } else { refusal };
    match rule {
        Rule::Anybody | Rule::Provider | Rule::SignedIn => Verdict::Through,
        Rule::Has(role) => otherwise(has(role), Verdict::Forbidden),
        Rule::Owner => otherwise(expert, Verdict::Forbidden),
        Rule::Party => otherwise(expert || client || has(Role::Admin), Verdict::Hidden),
        Rule::NotItsClient if client => Verdict::Forbidden,
        Rule::NotItsClient => otherwise(expert || has(Role::Admin), Verdict::Hidden),
    }
}

/// The headers that could tell something.
fn telling(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(DATE);
    headers.remove(CONTENT_LENGTH);
    headers
}

/// A refusal says nothing of what is there: it is the same, to the header, as for what is not.
async fn check_silence(
    scene: &Scene,
    entry: &Entry,
    route: &Route,
    path: &str,
    reply: &Reply,
    authorization: &str,
    hint: &str,
) {
    let said = format!("{} {:?}", reply.body, reply.headers);
    for word in scene.private() {
        assert!(!said.contains(word), "{hint} reads {word}: {said}");
    }
    let nothing = scene.ask(entry, route, &absent(path, scene), authorization).await;
    assert_eq!(
        (nothing.status, &nothing.body),
        (reply.status, &reply.body),
        "{hint} learns that it is there"
    );
    assert_eq!(telling(&nothing.headers), telling(&reply.headers), "{hint} learns that it is there");
}

#[tokio::test]
async fn every_route_refuses_everybody_who_may_not() {
    let scene = Scene::new().await;
    let before = scene.world.everything().await;
    let mut refused = 0;
    for (entry, route, gateway) in routes() {
        let path = scene.address(entry, route, gateway);
        for person in everybody() {
            let (status, problem) = match verdict(entry.rule, &person) {
                Verdict::Through => continue,
                Verdict::Forbidden => (403, "forbidden"),
                Verdict::Hidden => (404, "not-found"),
            };
            let hint = format!("{} as {:?} at {}", person.subject, person.groups, entry.function);
            let authorization = scene.bearer(&person, 3_600);
            let reply = scene.ask(entry, route, &path, &authorization).await;
            assert_eq!(reply.status, status, "{hint}: {:#}", reply.body);
            assert_eq!(reply.problem(status), problem, "{hint}");
            // A client who knows of the appointment is told more than strangers.
            if !(entry.rule == Rule::NotItsClient && status == 403) {
                check_silence(&scene, entry, route, &path, &reply, &authorization, &hint).await;
            }
            refused += 1;
        }
    }
    assert_eq!(scene.world.everything().await, before);
    println!("{refused} pairs of a route and a person who may not, each refused");
    // And without a signature nobody is a provider.
    for (entry, route, gateway) in routes().filter(|(entry, ..)| entry.rule == Rule::Provider) {
        let path = scene.address(entry, route, gateway);
        for person in everybody() {
            let authorization = scene.bearer(&person, 3_600);
            let reply = scene.ask(entry, route, &path, &authorization).await;
            assert_eq!(reply.problem(400), "webhook-refused", "{}", entry.function);
        }
    }
    assert_eq!(scene.world.everything().await, before);

    let mut admitted = BTreeSet::new();
    for (entry, route, gateway) in routes().filter(|(entry, ..)| entry.rule != Rule::Provider) {
        let path = scene.address(entry, route, gateway);
        for person in everybody() {
            if verdict(entry.rule, &person) != Verdict::Through {
                continue;
            }
            let authorization = scene.bearer(&person, 3_600);
            let reply = scene.ask(entry, route, &path, &authorization).await;
            let hint = format!("{} as {:?} at {}", person.subject, person.groups, entry.function);
            assert!(![401, 403].contains(&reply.status.as_u16()), "{hint}: {:#}", reply.body);
            // What they did before may stand against it, but not that they know nothing of it.
            let unpublished = ["list_slots", "read_exchange_rates"].contains(&entry.function);
            assert!(reply.status != 404 || unpublished, "{hint}: {:#}", reply.body);
            admitted.insert(entry.function);
        }
    }
    assert_eq!(admitted.len() + 1, functions::ROUTES.len(), "{admitted:?}");
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    use base64::Engine;
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

/// What is no token of ours, though all but one thing about it may be right.
fn bad_tokens(scene: &Scene, other: &World) -> Vec<(&'static str, String)> {
    let ada = person("ada", &["expert", "client", "admin"]);
    let sign_in = &scene.world.stack.sign_in;
    let good = sign_in.access_token(&ada, 3_600);
    let claims = json!({
        "iss": sign_in.issuer(),
        "sub": "ada",
        "client_id": "expert-connect-local",
        "cognito:groups": ada.groups,
        "scope": local::SCOPE,
        "exp": 4_000_000_000_u64,
    });
    let kid = &sign_in.jwks()["keys"][0]["kid"];
    let (head, rest) = good.split_once('.').expect("three parts");
    let (body, signature) = rest.split_once('.').expect("three parts");
    let token = |header: Value, signature: &str| format!("Bearer {}", unsigned(&header, &claims, signature));
    vec![
        ("none", String::new()),
        ("no token", "Bearer".to_owned()),
        ("another scheme", format!("Basic {good}")),
        ("garbage", "Bearer x.y.z".to_owned()),
        ("expired", scene.bearer(&ada, -60)),
        ("another issuer's", format!("Bearer {}", other.stack.sign_in.access_token(&ada, 3_600))),
        ("alg none", token(json!({ "alg": "none", "typ": "JWT" }), "")),
        ("alg none with our key id", token(json!({ "alg": "none", "kid": kid }), "")),
        ("HS256 by the public key", token(json!({ "alg": "HS256", "kid": kid }), "AAAA")),
        ("RS256 with another's signature", token(json!({ "alg": "RS256", "kid": kid }), signature)),
        ("another body", format!("Bearer {head}.{}.{signature}", body.chars().rev().collect::<String>())),
        ("no signature", format!("Bearer {head}.{body}.")),
        ("two tokens", format!("Bearer {good} {good}")),
    ]
}

#[tokio::test]
async fn every_route_refuses_every_bad_token() {
    let (scene, other) = (Scene::new().await, World::new().await);
    let tokens = bad_tokens(&scene, &other);
    let before = scene.world.everything().await;
    let mut refused = 0;
    for (entry, route, gateway) in routes() {
        let path = scene.address(entry, route, gateway);
        for (name, authorization) in &tokens {
            let hint = format!("{name} at {}", entry.function);
            let reply = scene.ask(entry, route, &path, authorization).await;
            if !route.audience.needs_token() {
                assert!(![401, 403].contains(&reply.status.as_u16()), "{hint}: {:#}", reply.body);
                continue;
            }
            assert_eq!(reply.status, 401, "{hint}: {:#}", reply.body);
            assert_eq!(reply.problem(401), "sign-in", "{hint}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            check_silence(&scene, entry, route, &path, &reply, authorization, &hint).await;
            refused += 1;
        }
    }
    assert_eq!(scene.world.everything().await, before);
    println!("{refused} pairs of a route and a bad token, each refused");
}
