//! The sign-in service, as applications and people meet it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Response;
use serde_json::Value;
use simulators::sign_in::{Person, SignIn, SignInConfig};
use simulators::{Loopback, ManualClock, OpenError, Running, loopback_client};
use url::Url;

const START: i64 = 1_700_000_000;
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "http://127.0.0.1:9/signed-in";

struct World {
    clock: ManualClock,
    service: Arc<SignIn>,
    http: reqwest::Client,
    running: Running,
}

fn people() -> Vec<Person> {
    let person = |subject: &str, name: &str, groups: &[&str]| Person {
        subject: subject.to_owned(),
        name: name.to_owned(),
        email: format!("{subject}@example.com"),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    vec![person("ada", "Ada <Lovelace>", &["expert"]), person("grace", "Grace Hopper", &[])]
}

fn config(issuer: Url, clock: &ManualClock, key_file: Option<std::path::PathBuf>) -> SignInConfig {
    SignInConfig {
        issuer,
        client_id: "web".to_owned(),
        scope: "expert-connect/api".to_owned(),
        redirect_uris: vec![BACK.parse().unwrap()],
        people: people(),
        key_file,
        clock: clock.clock(),
    }
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(START);
        let loopback = Loopback::bind(0).await.unwrap();
        let service = SignIn::open(config(loopback.url().clone(), &clock, None)).unwrap();
        let running = loopback.serve(service.router());
        let http = loopback_client().unwrap().build().unwrap();
        Self { clock, service, http, running }
    }

    fn url(&self, path: &str) -> String {
        self.running.url().join(path).unwrap().to_string()
    }

    /// What an application asks for, with changes.
    fn request(changes: &[(&'static str, &'static str)]) -> HashMap<&'static str, &'static str> {
        let mut request = HashMap::from([
            ("response_type", "code"),
            ("client_id", "web"),
            ("redirect_uri", BACK),
            ("scope", "openid expert-connect/api"),
            ("state", "s & t"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        request.extend(changes.iter().copied());
        request
    }

    async fn ask(&self, changes: &[(&'static str, &'static str)]) -> Response {
        let url = Url::parse_with_params(&self.url("/oauth2/authorize"), Self::request(changes)).unwrap();
        self.http.get(url).send().await.unwrap()
    }

    /// Signs somebody in and answers the code.
    async fn code(&self, subject: &'static str) -> String {
        let form = Self::request(&[("subject", subject)]);
        let sent = self.http.post(self.url("/oauth2/authorize")).form(&form).send().await.unwrap();
        let answer = parameters(&sent);
        assert_eq!(answer["state"], "s & t");
        answer["code"].clone()
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.http.post(self.url("/oauth2/token")).form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "web"),
            ("redirect_uri", BACK),
            ("code", code),
            ("code_verifier", verifier),
        ])
        .await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token)]).await
    }

    /// The claims of a token whose signature fits the published keys.
    async fn claims(&self, token: &str) -> Value {
        let keys: JwkSet =
            self.http.get(self.url("/.well-known/jwks.json")).send().await.unwrap().json().await.unwrap();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_issuer(&[self.service.issuer()]);
        jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
    }
}

/// The parameters of the address a browser is sent to.
fn parameters(response: &Response) -> HashMap<String, String> {
    assert_eq!(response.status(), 303);
    let url = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(url.as_str().starts_with(BACK));
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn somebody_signs_in_with_pkce() {
    let world = World::new().await;
    let found: Value = world
        .http
        .get(world.url("/.well-known/openid-configuration"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(found["issuer"], world.service.issuer());
    assert!(!world.service.issuer().ends_with('/'));
    assert_eq!(found["token_endpoint"], world.url("/oauth2/token"));

    let page = world.ask(&[]).await.text().await.unwrap();
    assert!(
        page.contains("Ada &lt;Lovelace&gt;") && page.contains("Grace Hopper") && page.contains("s &amp; t")
    );
    let code = world.code("ada").await;
    let (status, tokens) = world.redeem(&code, VERIFIER).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &3600.into()));
    let access = world.claims(tokens["access_token"].as_str().unwrap()).await;
    for (name, value) in [
        ("sub", Value::from("ada")),
        ("client_id", "web".into()),
        ("token_use", "access".into()),
        ("scope", "openid expert-connect/api".into()),
        ("cognito:groups", vec!["expert"].into()),
        ("iat", START.into()),
        ("exp", (START + 3600).into()),
    ] {
        assert_eq!(access[name], value, "{name}");
    }
    assert!(access["jti"].is_string() && access.get("aud").is_none());
    let id = world.claims(tokens["id_token"].as_str().unwrap()).await;
    for (name, value) in [("aud", "web"), ("nonce", "n"), ("token_use", "id"), ("email", "ada@example.com")] {
        assert_eq!(id[name], value, "{name}");
    }
    let who = world.http.get(world.url("/oauth2/userInfo"));
    let who: Value =
        who.bearer_auth(tokens["access_token"].as_str().unwrap()).send().await.unwrap().json().await.unwrap();
    assert_eq!((&who["sub"], &who["name"]), (&"ada".into(), &"Ada <Lovelace>".into()));
    assert_eq!((&who["locale"], &who["zoneinfo"]), (&"en-GB".into(), &"Europe/London".into()));
}

#[tokio::test]
async fn a_code_is_good_once_and_its_reuse_ends_the_session() {
    let world = World::new().await;
    let code = world.code("ada").await;
    let (_, tokens) = world.redeem(&code, VERIFIER).await;
    let (status, error) = world.redeem(&code, VERIFIER).await;
    assert_eq!((status, &error["error"]), (400, &"invalid_grant".into()));
    let (status, _) = world.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(status, 400, "what came of a stolen code is revoked");
}

#[tokio::test]
async fn a_code_needs_its_verifier_its_address_and_its_time() {
    let world = World::new().await;
    let code = world.code("ada").await;
    assert_eq!(world.redeem(&code, "a-wrong-verifier-of-a-plausible-length-0123456789").await.0, 400);
    assert_eq!(world.redeem(&code, VERIFIER).await.0, 400, "a wrong guess uses the code up");

    let code = world.code("ada").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(
        world.token(&[&form[..], &[("redirect_uri", "http://127.0.0.1:9/other")]].concat()).await.0,
        400
    );

    let code = world.code("ada").await;
    world.clock.advance(300);
    assert_eq!(world.redeem(&code, VERIFIER).await.0, 400);
    assert_eq!(world.redeem("none", VERIFIER).await.1["error"], "invalid_grant");
    assert_eq!(
        world.token(&[("grant_type", "password"), ("client_id", "web")]).await.1["error"],
        "unsupported_grant_type"
    );
    assert_eq!(world.token(&[("grant_type", "refresh_token")]).await.1["error"], "invalid_client");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_second_use_revokes_all() {
    let world = World::new().await;
    let code = world.code("grace").await;
    let (_, first) = world.redeem(&code, VERIFIER).await;
    let first = first["refresh_token"].as_str().unwrap();
    world.clock.advance(1800);
    let (status, second) = world.refresh(first).await;
    assert_eq!(status, 200);
    let claims = world.claims(second["access_token"].as_str().unwrap()).await;
    assert_eq!((claims["sub"].as_str(), claims["exp"].as_i64()), (Some("grace"), Some(START + 1800 + 3600)));
    assert_eq!((&claims["auth_time"], &claims["iat"]), (&START.into(), &(START + 1800).into()));
    let id = world.claims(second["id_token"].as_str().unwrap()).await;
    assert_eq!(id["auth_time"], START, "the sign-in was then");
    assert_eq!(world.refresh(first).await.0, 400, "it was used before");
    assert_eq!(world.refresh(second["refresh_token"].as_str().unwrap()).await.0, 400, "so nobody may go on");
}

#[tokio::test]
async fn requests_that_are_not_in_order_are_refused_where_it_is_safe() {
    let world = World::new().await;
    for change in [("client_id", "other"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", "")] {
        assert_eq!(world.ask(&[change]).await.status(), 400, "{change:?}");
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
    ] {
        let answer = parameters(&world.ask(&[change]).await);
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (error, "s & t"));
    }
    let form = World::request(&[("subject", "nobody")]);
    let sent = world.http.post(world.url("/oauth2/authorize")).form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 400);
}

#[tokio::test]
async fn a_token_can_be_taken_at_once() {
    let world = World::new().await;
    let address = world.url("/people/ada/token");
    let taken: Value = world.http.post(&address).send().await.unwrap().json().await.unwrap();
    let claims = world.claims(taken["access_token"].as_str().unwrap()).await;
    assert!(claims["scope"].as_str().unwrap().contains("expert-connect/api"));
    let page = world.http.post(&address).header("accept", "text/html").send().await.unwrap();
    assert!(
        page.headers().get("access-control-allow-origin").is_none(),
        "other origins must not read tokens"
    );
    assert!(page.text().await.unwrap().contains("-H 'Authorization: Bearer ey"));
    assert_eq!(world.http.post(world.url("/people/nobody/token")).send().await.unwrap().status(), 404);
    assert!(
        world
            .http
            .get(world.url("/"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("people/grace/token")
    );
}

#[tokio::test]
async fn an_expired_or_foreign_token_is_refused() {
    let world = World::new().await;
    let ask = |token: String| {
        let request = world.http.get(world.url("/oauth2/userInfo")).bearer_auth(token);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let ada = &people()[0];
    assert_eq!(ask(world.service.access_token(ada, 60)).await, 200);
    assert_eq!(ask(world.service.access_token(ada, -1)).await, 401);
    let other = World::new().await;
    assert_eq!(ask(other.service.access_token(ada, 60)).await, 401);
    let soon = world.service.access_token(ada, 60);
    world.clock.advance(60);
    assert_eq!(ask(soon).await, 401);
    assert_eq!(ask("rubbish".to_owned()).await, 401);
}

#[test]
fn the_key_survives_a_restart_and_a_damaged_one_is_named() {
    let folder = std::env::temp_dir().join(format!("simulators-keys-{}", std::process::id()));
    let path = folder.join("sign-in.pem");
    let clock = ManualClock::at(START);
    let open = || SignIn::open(config("http://127.0.0.1:1/".parse().unwrap(), &clock, Some(path.clone())));
    let first = open().unwrap().jwks();
    assert_eq!(open().unwrap().jwks(), first);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for content in ["", "rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&path, content).unwrap();
        let Err(error) = open() else { panic!("{content:?} was taken") };
        assert!(
            matches!(error, OpenError::Damaged { .. }) && error.to_string().contains("sign-in.pem"),
            "{error}"
        );
    }
    let mut twins = config("http://127.0.0.1:1/".parse().unwrap(), &clock, None);
    twins.people.extend(people());
    assert!(matches!(SignIn::open(twins), Err(OpenError::Configuration(_))));
    std::fs::remove_dir_all(folder).unwrap();
}
