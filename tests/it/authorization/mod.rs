//! Every route with every wrong caller: the request is refused, the response discloses nothing, and nothing changes. Every
//! right caller is admitted, because a route that refuses everybody would pass the first check too.

mod direct;
mod matrix;
mod use_cases;

use std::collections::BTreeSet;

use app::identity::signed_in::Role;
use app::payments::jobs::PaymentsJob;
use domain::experts::members::{MemberRole, Right};
use domain::payments::gateway::GatewayKind;
use http_api::Route;
use reqwest::header::{CONTENT_LENGTH, DATE, HeaderMap};
use serde_json::{Value, json};
use simulators::sign_in::Person;

use self::matrix::{Entry, MATRIX, Rule};
use crate::harness::{Offer, Response, TestApp, billing_details, paid_hour};

/// A paid appointment of Ada and Alan, with all related resources.
struct Fixture {
    test: TestApp,
    offer: Offer,
    appointment: String,
    receipt: String,
    /// An assistant of Ada's, for the paths that name a member.
    member: String,
    /// An open invitation of Ada's.
    invitation: String,
    failing_job: String,
    note: String,
}

impl Fixture {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let path = format!("/v1/experts/{}/billing", offer.expert);
        let billing =
            test.put(&path).signed_in_as("ada").header("If-Match", "\"0\"").json(&billing_details());
        billing.send().await.expect(200);
        let appointment = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
        let documents = test.get(&format!("/v1/appointments/{appointment}/receipts")).signed_in_as("alan");
        let documents = documents.send().await.expect(200);
        let receipt = documents["receipts"][0]["id"].as_str().expect("a receipt").to_owned();
        let invitation = test.invite(&offer.expert, "ada", "assistant").await;
        let mut member = String::new();
        for (subject, role) in
            [("ines", "assistant"), ("max", "manager"), ("rosa", "manager"), ("vera", "assistant")]
        {
            member = test.join(&offer.expert, "ada", subject, role).await;
            if subject == "rosa" {
                let path = format!("/v1/experts/{}/members/{member}", offer.expert);
                let remove = test.request(reqwest::Method::DELETE, &path).signed_in_as("ada");
                assert_eq!(remove.header("If-Match", "*").send().await.status, 204);
            }
        }
        let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
        let grace = test.post("/v1/experts").signed_in_as("grace").idempotency_key("profile").json(&profile);
        let grace = grace.send().await.expect(201)["id"].as_str().expect("an id").to_owned();
        test.join(&grace, "grace", "otto", "manager").await;
        // A job that no request of these tests enqueues again.
        let expert = offer.expert.parse().expect("an id");
        let job = PaymentsJob::PaymentAccount { expert, gateway: GatewayKind::Stripe };
        let failing_job = test.store_failing_job(job).await;
        let invitation = crate::harness::id(&invitation);
        let note = json!({ "text": "Lovelace's own" });
        let note =
            test.post(&format!("/v1/appointments/{appointment}/notes")).signed_in_as("ada").json(&note);
        let note = crate::harness::id(&note.idempotency_key("note").send().await.expect(201));
        Self { test, offer, appointment, receipt, member, invitation, failing_job, note }
    }

    /// The path of a route with this gateway and the ids of the fixture.
    fn address(&self, entry: &Entry, route: &Route, gateway: &str) -> String {
        let path = route
            .path
            .replace("{gateway}", gateway)
            .replace("{receipt_id}", &self.receipt)
            .replace("{note_id}", &self.note)
            .replace("{expert_id}", &self.offer.expert)
            .replace("{job_id}", &self.failing_job)
            .replace("{session_type_id}", &self.offer.session_type)
            .replace("{appointment_id}", &self.appointment)
            .replace("{person_id}", &self.member)
            .replace("{invitation_id}", &self.invitation);
        format!("{path}{}", entry.query)
    }

    async fn request(&self, entry: &Entry, route: &Route, path: &str, authorization: &str) -> Response {
        let method = route.method.as_str().parse().expect("a method");
        let request =
            self.test.request(method, path).header("If-Match", "\"1\"").idempotency_key(entry.function);
        let request =
            if authorization.is_empty() { request } else { request.header("Authorization", authorization) };
        match (entry.body)(&self.offer) {
            Value::Null => request.send().await,
            body => request.json(&body).send().await,
        }
    }

    fn bearer(&self, person: &Person, valid_seconds: i64) -> String {
        format!("Bearer {}", self.test.stack.sign_in.access_token(person, valid_seconds))
    }

    /// The private values that no refusal may contain.
    fn private(&self) -> Vec<&str> {
        let Self { offer, appointment, receipt, member, invitation, note, .. } = self;
        let words = ["Ada", "Lovelace", "Alan", "example.org", "sk_test", "whsec", "cli_", "pi_"];
        let ids = [&*offer.expert, &offer.session_type, appointment, receipt, member, invitation, note];
        words.into_iter().chain(ids).collect()
    }
}

/// A path with ids that do not exist.
fn absent(path: &str, fixture: &Fixture) -> String {
    let none = |kind: &str| format!("{kind}_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    // A party of the appointment must not learn that the note exists.
    if path.contains(&fixture.note) {
        return path.replace(&fixture.note, &none("not"));
    }
    path.replace(&fixture.receipt, &none("rcp"))
        .replace(&fixture.failing_job, "bm90aGluZwpub3RoaW5n")
        .replace(&fixture.offer.expert, &none("exp"))
        .replace(&fixture.offer.session_type, &none("ses"))
        .replace(&fixture.appointment, &none("apt"))
        .replace(&fixture.member, &none("per"))
        .replace(&fixture.invitation, &none("inv"))
}

/// All routes; a route with a gateway in its path once for each gateway.
fn routes() -> impl Iterator<Item = (&'static Entry, &'static Route, &'static str)> {
    functions::ROUTES.iter().flat_map(|route| {
        let entry =
            MATRIX.iter().find(|entry| entry.function == route.function).expect("every route has an entry");
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

/// People with the right, other, missing and invalid groups. Ada is the expert of the appointment, and Alan the client. Ines and
/// Vera are Ada's assistants, and Max is her manager. Rosa was her manager. Otto is the manager of another expert.
fn people() -> Vec<Person> {
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
        // Nobody is an administrator of their own appointments.
        person("ada", &["admin"]),
        person("alan", &["admin"]),
        person("ines", &[]),
        person("ines", &["admin"]),
        person("max", &[]),
        person("max", &["client"]),
        person("max", &["admin"]),
        person("vera", &["expert"]),
        person("rosa", &["expert", "client"]),
        // Who was a member is not impartial.
        person("rosa", &["admin"]),
        person("otto", &["expert"]),
        person("mallory", &["client admin", " admin", "admin ", "/admin", "expert\tadmin"]),
        person("mallory", &["superadmin", "experts", "Client", "admin,expert;", "x"]),
    ]
}

/// What a rule means for a person who calls a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The person may call the route.
    Admitted,
    /// The response is 403.
    Forbidden,
    /// The response is 404, as if the resource did not exist.
    Hidden,
}

/// The role of a person as a member of Ada.
fn membership(person: &Person) -> Option<MemberRole> {
    match person.subject.as_str() {
        "ines" | "vera" => Some(MemberRole::Assistant),
        "max" => Some(MemberRole::Manager),
        _ => None,
    }
}

/// Whether a person is an administrator who was a member of Ada until recently.
fn was_member(person: &Person) -> bool {
    person.subject == "rosa" && person.groups.iter().any(|group| group == "admin")
}

/// What a rule means for a person who calls a route. `writes` says whether the route changes something.
fn verdict(rule: Rule, person: &Person, writes: bool) -> Verdict {
    let has = |role: Role| person.groups.iter().any(|group| Role::from_group(group) == Some(role));
    if was_member(person) && writes && requires_impartiality(rule) {
        return Verdict::Forbidden;
    }
    let expert = person.subject == "ada" && has(Role::Expert);
    let client = person.subject == "alan" && has(Role::Client);
    let member = membership(person);
    let acts = |right| expert || member.is_some_and(|role| role.has(right));
    let admin = has(Role::Admin) && member.is_none() && !["ada", "alan"].contains(&person.subject.as_str());
    let otherwise = |may: bool, refusal| if may { Verdict::Admitted } else { refusal };
    match rule {
        Rule::Anybody | Rule::Provider | Rule::SignedIn => Verdict::Admitted,
        Rule::Has(role) => otherwise(has(role), Verdict::Forbidden),
        Rule::Acts(right) => otherwise(acts(right), Verdict::Forbidden),
        Rule::ExpertOrMemberThemself => otherwise(expert || person.subject == "vera", Verdict::Forbidden),
        Rule::Secret => Verdict::Hidden,
        Rule::Party => otherwise(acts(Right::Schedule) || client || admin, Verdict::Hidden),
        Rule::PartyWith(right) if member.is_some() => otherwise(acts(right), Verdict::Forbidden),
        Rule::PartyWith(_) => otherwise(expert || client || admin, Verdict::Hidden),
        Rule::Arbiter if has(Role::Admin) && member.is_none() => otherwise(admin, Verdict::Hidden),
        Rule::Arbiter | Rule::Platform => Verdict::Forbidden,
        // Alan may set Ada's commission: his appointments keep the commission that they were booked with.
        Rule::Impartial => {
            otherwise(has(Role::Admin) && member.is_none() && person.subject != "ada", Verdict::Forbidden)
        }
        Rule::Uninvolved => otherwise(admin, Verdict::Forbidden),
        Rule::ExpertOrAdmin(right) if client || member.is_some() => {
            otherwise(acts(right), Verdict::Forbidden)
        }
        Rule::ExpertOrAdmin(_) => otherwise(expert || admin, Verdict::Hidden),
        Rule::OnlyExpert(right) if client || admin || member.is_some() => {
            otherwise(acts(right), Verdict::Forbidden)
        }
        Rule::OnlyExpert(_) => otherwise(expert, Verdict::Hidden),
        Rule::ActsOrAdmin(right) => otherwise(acts(right) || has(Role::Admin), Verdict::Forbidden),
        Rule::ClientOrAdmin if expert || member.is_some() => Verdict::Forbidden,
        Rule::ClientOrAdmin => otherwise(client || admin, Verdict::Hidden),
        Rule::OnlyClient if expert || member.is_some() || admin => Verdict::Forbidden,
        Rule::OnlyClient => otherwise(client, Verdict::Hidden),
        Rule::EitherSide if admin => Verdict::Forbidden,
        Rule::EitherSide => otherwise(acts(Right::Schedule) || client, Verdict::Hidden),
        Rule::Author => otherwise(acts(Right::Schedule), Verdict::Hidden),
        Rule::ListOfExpert => otherwise(person.subject == "ada" || member.is_some(), Verdict::Forbidden),
        Rule::ListOfClient => otherwise(person.subject == "alan", Verdict::Forbidden),
    }
}

/// Whether a rule requires that an administrator who changes something was no member of the expert.
fn requires_impartiality(rule: Rule) -> bool {
    match rule {
        Rule::Party
        | Rule::PartyWith(_)
        | Rule::ExpertOrAdmin(_)
        | Rule::OnlyExpert(_)
        | Rule::ClientOrAdmin
        | Rule::OnlyClient
        | Rule::EitherSide
        | Rule::Author
        | Rule::Arbiter
        | Rule::Impartial
        | Rule::Uninvolved => true,
        Rule::Anybody
        | Rule::Provider
        | Rule::SignedIn
        | Rule::Has(_)
        | Rule::Acts(_)
        | Rule::ActsOrAdmin(_)
        | Rule::ExpertOrMemberThemself
        | Rule::Secret
        | Rule::Platform
        | Rule::ListOfExpert
        | Rule::ListOfClient => false,
    }
}

/// Whether a person who is refused with 403 may learn that the resource exists: people with a side in the appointment, members of
/// the expert, and the expert.
fn knows_resource(rule: Rule, person: &Person) -> bool {
    matches!(
        rule,
        Rule::PartyWith(_)
            | Rule::ExpertOrAdmin(_)
            | Rule::OnlyExpert(_)
            | Rule::ClientOrAdmin
            | Rule::OnlyClient
            | Rule::EitherSide
    ) || rule == Rule::Impartial && person.subject == "ada"
        || rule == Rule::Uninvolved && ["ada", "alan"].contains(&person.subject.as_str())
        || membership(person).is_some()
        || was_member(person)
}

fn writes(route: &Route) -> bool {
    route.method.as_str() != "GET"
}

/// The headers that could disclose something.
fn meaningful(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(DATE);
    headers.remove(CONTENT_LENGTH);
    headers
}

/// Checks that a refusal is the same for an existing resource and for one that does not exist, including the headers.
async fn check_nothing_disclosed(
    fixture: &Fixture,
    entry: &Entry,
    route: &Route,
    path: &str,
    response: &Response,
    authorization: &str,
    hint: &str,
) {
    let text = format!("{} {:?}", response.body, response.headers);
    for word in fixture.private() {
        assert!(!text.contains(word), "{hint} reads {word}: {text}");
    }
    let nothing = fixture.request(entry, route, &absent(path, fixture), authorization).await;
    assert_eq!(
        (nothing.status, &nothing.body),
        (response.status, &response.body),
        "{hint}: the response differs for an existing resource"
    );
    assert_eq!(
        meaningful(&nothing.headers),
        meaningful(&response.headers),
        "{hint}: the response differs for an existing resource"
    );
}

#[tokio::test]
async fn every_route_refuses_every_wrong_caller() {
    let fixture = Fixture::new().await;
    let before = fixture.test.snapshot().await;
    let mut refused = 0;
    for (entry, route, gateway) in routes() {
        let path = fixture.address(entry, route, gateway);
        for person in people() {
            let (status, problem) = match verdict(entry.rule, &person, writes(route)) {
                Verdict::Admitted => continue,
                Verdict::Forbidden => (403, "forbidden"),
                Verdict::Hidden => (404, "not-found"),
            };
            let hint = format!("{} as {:?} at {}", person.subject, person.groups, entry.function);
            let authorization = fixture.bearer(&person, 3_600);
            let response = fixture.request(entry, route, &path, &authorization).await;
            assert_eq!(response.status, status, "{hint}: {:#}", response.body);
            assert_eq!(response.problem(status), problem, "{hint}");
            if !(status == 403 && knows_resource(entry.rule, &person)) {
                check_nothing_disclosed(&fixture, entry, route, &path, &response, &authorization, &hint)
                    .await;
            }
            refused += 1;
        }
    }
    assert_eq!(fixture.test.snapshot().await, before);
    println!("{refused} wrong callers of routes refused");
    // A request without a signature is not from a provider.
    for (entry, route, gateway) in routes().filter(|(entry, ..)| entry.rule == Rule::Provider) {
        let path = fixture.address(entry, route, gateway);
        for person in people() {
            let authorization = fixture.bearer(&person, 3_600);
            let response = fixture.request(entry, route, &path, &authorization).await;
            assert_eq!(response.problem(400), "webhook-refused", "{}", entry.function);
        }
    }
    assert_eq!(fixture.test.snapshot().await, before);

    let mut admitted = BTreeSet::new();
    for (entry, route, gateway) in routes().filter(|(entry, ..)| entry.rule != Rule::Provider) {
        let path = fixture.address(entry, route, gateway);
        for person in people() {
            // Vera is removed by the first caller of `remove_member`.
            let gone = person.subject == "vera" && entry.function != "remove_member";
            if gone || verdict(entry.rule, &person, writes(route)) != Verdict::Admitted {
                continue;
            }
            let authorization = fixture.bearer(&person, 3_600);
            let response = fixture.request(entry, route, &path, &authorization).await;
            let hint = format!("{} as {:?} at {}", person.subject, person.groups, entry.function);
            assert!(![401, 403].contains(&response.status.as_u16()), "{hint}: {:#}", response.body);
            // An earlier request may conflict with this one, but access must not be refused. The session type may be retired,
            // and no exchange rates are fetched.
            let absent = ["list_slots", "read_exchange_rates"].contains(&entry.function);
            // The first caller has removed it.
            let removed = ["remove_member", "withdraw_invitation", "replace_member"]
                .contains(&entry.function)
                && admitted.contains(entry.function);
            assert!(response.status != 404 || absent || removed, "{hint}: {:#}", response.body);
            admitted.insert(entry.function);
        }
    }
    // All but the route for providers, and the one for holders of a secret.
    assert_eq!(admitted.len() + 2, functions::ROUTES.len(), "{admitted:?}");
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    use base64::Engine;
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

/// Invalid tokens, of which most are wrong in only one respect.
fn bad_tokens(fixture: &Fixture, other: &TestApp) -> Vec<(&'static str, String)> {
    let ada = person("ada", &["expert", "client", "admin"]);
    let sign_in = &fixture.test.stack.sign_in;
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
        ("expired", fixture.bearer(&ada, -60)),
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
async fn every_route_refuses_every_invalid_token() {
    let (fixture, other) = (Fixture::new().await, TestApp::new().await);
    let tokens = bad_tokens(&fixture, &other);
    let before = fixture.test.snapshot().await;
    let mut refused = 0;
    for (entry, route, gateway) in routes() {
        let path = fixture.address(entry, route, gateway);
        for (name, authorization) in &tokens {
            let hint = format!("{name} at {}", entry.function);
            let response = fixture.request(entry, route, &path, authorization).await;
            if !route.audience.needs_token() {
                assert!(![401, 403].contains(&response.status.as_u16()), "{hint}: {:#}", response.body);
                continue;
            }
            assert_eq!(response.status, 401, "{hint}: {:#}", response.body);
            assert_eq!(response.problem(401), "unauthorized", "{hint}");
            assert_eq!(response.headers["www-authenticate"], "Bearer");
            check_nothing_disclosed(&fixture, entry, route, &path, &response, authorization, &hint).await;
            refused += 1;
        }
    }
    assert_eq!(fixture.test.snapshot().await, before);
    println!("{refused} pairs of a route and a bad token, each refused");
}
