use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, SigningKey as _, date_time_ymd,
};
use simulators::{Loopback, Running};

use super::*;

const BODY: &[u8] = br#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"CAP1"}}"#;
const WEBHOOK: &str = "1JE4291016473214C";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn now() -> Timestamp {
    at("2023-11-14T22:13:20Z")
}

/// An authority, a key with a certificate of it that is valid in 2023, and a server that has the certificate.
struct World {
    pair: KeyPair,
    roots: String,
    server: Running,
    /// The number of requests to the server.
    requests: Arc<AtomicUsize>,
    certificates: Certificates,
}

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2023, 1, 1), date_time_ymd(2024, 1, 1));
    parameters
}

impl World {
    async fn new() -> Self {
        let mut authority = parameters("authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let pem = parameters("webhooks").signed_by(&pair, &authority).unwrap().pem();
        let alone = parameters("webhooks").self_signed(&pair).unwrap().pem();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let certificate = |text: String| get(async move || text);
        let router = Router::new()
            .route("/v1/notifications/certs/CERT-1", certificate(pem.clone()))
            .route("/v1/notifications/certs/CERT-SELF", certificate(alone))
            .route(
                "/v1/notifications/certs/CERT-LONG",
                certificate(format!("{pem}{}", " ".repeat(MAX_BYTES))),
            )
            .route("/v1/notifications/certs/CERT-MANY", certificate(pem.repeat(MAX_CHAIN + 1)))
            .route("/v1/notifications/certs/CERT-TEXT", certificate("no certificate".to_owned()))
            .route("/v1/notifications/certs/CERT-MOVED", get(async || Redirect::temporary("CERT-1")))
            .route("/v1/notifications/certs/CERT-DOWN", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready(request)
            }));
        let server = Loopback::bind(0).await.unwrap().serve(router);
        let certificates = Certificates::new(crate::https::client().unwrap(), server.url().clone());
        Self { pair, roots: authority.pem(), server, requests, certificates }
    }

    fn address(&self, name: &str) -> String {
        format!("{}v1/notifications/certs/{name}", self.server.url())
    }

    /// The headers of an event with this body.
    fn signed(&self, body: &[u8]) -> Signed {
        let mut signed = Signed {
            algorithm: "SHA256withRSA".to_owned(),
            certificate: self.address("CERT-1"),
            transmission: "69cd13f0-d67a-11e5-baa3-778b53f4ae55".to_owned(),
            signature: String::new(),
            time: "2023-11-14T22:13:20Z".to_owned(),
        };
        let message = signed.message(WEBHOOK, body);
        signed.signature = STANDARD.encode(self.pair.sign(message.as_bytes()).unwrap());
        signed
    }

    async fn verify(&self, signed: &Signed, body: &[u8]) -> Verdict {
        self.certificates.verify(signed, WEBHOOK, body, Some(&self.roots), now()).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The example of the documentation of the signature.
#[tokio::test]
async fn signed_message_has_the_checksum_as_an_unsigned_decimal_number() {
    let message = World::new().await.signed(BODY).message(WEBHOOK, BODY);
    let expected = "69cd13f0-d67a-11e5-baa3-778b53f4ae55|2023-11-14T22:13:20Z|1JE4291016473214C|1044225921";
    assert_eq!(message, expected);
    // This checksum has its highest bit set.
    assert_eq!(crc32fast::hash(b"123456789"), 3_421_780_262);
}

#[tokio::test]
async fn genuine_event_is_accepted_and_the_certificate_kept() {
    let world = World::new().await;
    for _ in 0..100 {
        assert_eq!(world.verify(&world.signed(BODY), BODY).await, Verdict::Genuine);
    }
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn forged_event_costs_no_request_once_the_certificate_is_known() {
    let world = World::new().await;
    assert_eq!(world.verify(&world.signed(BODY), BODY).await, Verdict::Genuine);
    let other_key = World::new().await.signed(BODY).signature;
    let forgeries: [fn(&mut Signed); 4] = [
        |signed| signed.transmission.push('0'),
        |signed| signed.time = "2023-11-14T22:13:21Z".to_owned(),
        |signed| signed.signature = STANDARD.encode(b"signature"),
        |signed| signed.signature = "%".to_owned(),
    ];
    for _ in 0..100 {
        for forge in forgeries {
            let mut signed = world.signed(BODY);
            forge(&mut signed);
            assert_eq!(world.verify(&signed, BODY).await, Verdict::Forged);
        }
    }
    let signed = Signed { signature: other_key, ..world.signed(BODY) };
    assert_eq!(world.verify(&signed, BODY).await, Verdict::Forged);
    assert_eq!(world.verify(&world.signed(BODY), b"{}").await, Verdict::Forged);
    let other =
        world.certificates.verify(&world.signed(BODY), "OTHER", BODY, Some(&world.roots), now()).await;
    assert_eq!((other, world.requests()), (Verdict::Forged, 1));
}

#[tokio::test]
async fn certificate_elsewhere_is_not_fetched() {
    let world = World::new().await;
    let port = world.server.url().port().unwrap();
    for address in [
        "https://evil.example/v1/notifications/certs/CERT-1".to_owned(),
        format!("http://localhost:{port}/v1/notifications/certs/CERT-1"),
        format!("https://127.0.0.1:{port}/v1/notifications/certs/CERT-1"),
        "http://127.0.0.1:1/v1/notifications/certs/CERT-1".to_owned(),
        format!("http://u@127.0.0.1:{port}/v1/notifications/certs/CERT-1"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/../CERT-1"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/a/CERT-1"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/CERT%2d1"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/CERT-1?a=1"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/CERT-1#a"),
        format!("http://127.0.0.1:{port}/v1/notifications/certs/{}", "x".repeat(MAX_NAME + 1)),
        format!("http://127.0.0.1:{port}/CERT-1"),
        "CERT-1".to_owned(),
    ] {
        let signed = Signed { certificate: address.clone(), ..world.signed(BODY) };
        assert_eq!(world.verify(&signed, BODY).await, Verdict::Forged, "{address}");
    }
    assert_eq!(world.requests(), 0);
}

#[test]
fn certificates_are_at_both_names_of_the_api() {
    let of = |base: &str, address: &str| {
        let http = crate::https::client().unwrap();
        Certificates::new(http, base.parse().unwrap())
            .pinned(&format!("{address}/v1/notifications/certs/C"))
            .is_some()
    };
    let (live, sandbox) = ("https://api-m.paypal.com/", "https://api-m.sandbox.paypal.com/");
    assert!(of(live, "https://api-m.paypal.com") && of(live, "https://api.paypal.com"));
    assert!(of(sandbox, "https://api-m.sandbox.paypal.com") && of(sandbox, "https://api.sandbox.paypal.com"));
    for address in [
        "http://api.paypal.com",
        "https://api.sandbox.paypal.com",
        "https://paypal.com",
        "https://api.paypal.com.evil.example",
        "https://evilapi.paypal.com",
        "https://api.paypal.com:8443",
        "https://api.paypal.com@evil.example",
    ] {
        assert!(!of(live, address), "{address}");
    }
}

#[tokio::test]
async fn certificate_that_cannot_be_checked_decides_nothing() {
    let world = World::new().await;
    for name in ["CERT-SELF", "CERT-LONG", "CERT-MANY", "CERT-TEXT", "CERT-MOVED", "CERT-DOWN"] {
        let signed = Signed { certificate: world.address(name), ..world.signed(BODY) };
        let verdict = world.verify(&signed, BODY).await;
        assert!(matches!(verdict, Verdict::Undecided(_)), "{name}: {verdict:?}");
    }
    let signed = Signed { algorithm: "SHA1withRSA".to_owned(), ..world.signed(BODY) };
    assert!(matches!(world.verify(&signed, BODY).await, Verdict::Undecided(_)));
    // The authority is not a public one.
    let public = world.certificates.verify(&world.signed(BODY), WEBHOOK, BODY, None, now()).await;
    assert!(matches!(public, Verdict::Undecided(_)), "{public:?}");
    for outside in ["2022-12-31T23:59:59Z", "2024-01-01T00:00:01Z"] {
        let signed = world.signed(BODY);
        let verdict =
            world.certificates.verify(&signed, WEBHOOK, BODY, Some(&world.roots), at(outside)).await;
        assert!(matches!(verdict, Verdict::Undecided(_)), "{outside}: {verdict:?}");
    }
}

#[tokio::test]
async fn hundred_forged_events_do_not_delay_a_genuine_one() {
    let world = World::new().await;
    for number in 0..100 {
        let signed = Signed { certificate: world.address(&format!("CERT-X{number}")), ..world.signed(BODY) };
        assert_ne!(world.verify(&signed, BODY).await, Verdict::Genuine);
    }
    assert_eq!(world.verify(&world.signed(BODY), BODY).await, Verdict::Genuine);
}

#[tokio::test]
async fn forger_cannot_cause_more_than_some_requests_in_a_minute() {
    let world = World::new().await;
    for number in 0..=MAX_CERTIFICATES {
        let signed = Signed { certificate: world.address(&format!("CERT-X{number}")), ..world.signed(BODY) };
        assert_ne!(world.verify(&signed, BODY).await, Verdict::Genuine);
    }
    assert_eq!(world.requests(), MAX_CERTIFICATES as usize);
    let blocked = world.verify(&world.signed(BODY), BODY).await;
    assert!(matches!(blocked, Verdict::Undecided(_)), "{blocked:?}");
    let signed = world.signed(BODY);
    let later = world.certificates.verify(&signed, WEBHOOK, BODY, Some(&world.roots), now().plus(60)).await;
    assert_eq!(later, Verdict::Genuine);
}

#[test]
fn budget_is_that_of_a_minute() {
    let budget = Budget::new(10);
    let allowed = (0..100).filter(|_| budget.take(now())).count();
    assert_eq!(allowed, 10);
    assert!(budget.take(now().plus(60)));
}
