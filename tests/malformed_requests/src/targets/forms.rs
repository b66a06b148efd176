use std::cell::RefCell;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use lambda_http::http;
use simulators::paypal::{PayPalSimulator, PayPalSimulatorConfig};
use simulators::sign_in::{Person, SignIn, SignInConfig};
use simulators::stripe::{StripeSimulator, StripeSimulatorConfig};
use simulators::{Clock, ManualClock};
use tower::ServiceExt;

use super::{SystemSlot, with_system};

/// The maximum size of a response, in bytes. Pages of the simulators list all their objects.
const MAX_BYTES: usize = 1 << 22;

/// Form requests to the simulators of Stripe and PayPal and to the sign-in service cause no server error. The first line has the
/// service, the method and the path; the rest is the body. `LAST` stands for the id of the last created object.
pub fn forms(bytes: &[u8]) {
    thread_local!(static SLOT: SystemSlot<Services> = SystemSlot::default());

    with_system(&SLOT, async || Services::open(), async |services| services.read(bytes).await);
}

/// The services that read forms.
struct Services {
    services: [(&'static str, Router); 3],
    last: RefCell<String>,
}

impl Services {
    fn open() -> Self {
        let clock = || -> Clock { ManualClock::at(1_800_000_000).clock() };
        let address = || "http://127.0.0.1:9/".parse().expect("an address");
        let stripe = StripeSimulator::open(StripeSimulatorConfig {
            secret_key: "sk_test_local".to_owned(),
            webhook_secret: "whsec_local".to_owned(),
            webhook_url: None,
            state_file: None,
            clock: clock(),
            public_url: address(),
        });
        let paypal = PayPalSimulator::open(PayPalSimulatorConfig {
            client_id: "paypal-client-local".to_owned(),
            client_secret: "paypal-secret-local".to_owned(),
            partner_id: "PLATFQRM22222".to_owned(),
            webhook_id: "WH1".to_owned(),
            webhook_url: None,
            state_file: None,
            clock: clock(),
            public_url: address(),
        });
        let sign_in = SignIn::open(SignInConfig {
            issuer: address(),
            client_id: "local".to_owned(),
            scope: "expert-connect/api".to_owned(),
            redirect_uris: vec![address()],
            people: vec![Person {
                subject: "ada".to_owned(),
                name: "Ada".to_owned(),
                email: "ada@example.org".to_owned(),
                groups: vec!["expert".to_owned()],
            }],
            key_file: None,
            clock: clock(),
        });
        let services = [
            ("stripe", stripe.expect("a simulator").router()),
            ("paypal", paypal.expect("a simulator").router()),
            ("sign-in", sign_in.expect("a simulator").router()),
        ];
        Self { services, last: RefCell::default() }
    }

    async fn read(&self, bytes: &[u8]) {
        let filled = match std::str::from_utf8(bytes) {
            Ok(text) => text.replace("LAST", &self.last.borrow()).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        let mut parts = filled.splitn(2, |byte| *byte == b'\n');
        let line = String::from_utf8_lossy(parts.next().unwrap_or_default());
        let body = parts.next().unwrap_or_default().to_vec();
        let words: Vec<&str> = line.split(' ').collect();
        let [service, method, path] = words[..] else { return };
        let Some((_, router)) = self.services.iter().find(|(name, _)| *name == service) else { return };
        let authorization = match service {
            "paypal" => "Basic cGF5cGFsLWNsaWVudC1sb2NhbDpwYXlwYWwtc2VjcmV0LWxvY2Fs",
            _ => "Bearer sk_test_local",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Authorization", authorization)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Body::from(body));
        let Ok(request) = request else { return };
        let response = router.clone().oneshot(request).await.expect("a response");
        let status = response.status();
        let read = axum::body::to_bytes(response.into_body(), MAX_BYTES).await.expect("a limited body");
        let details = || format!("{}: {}", filled.escape_ascii(), String::from_utf8_lossy(&read));
        assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{}", details());
        let made: serde_json::Value = serde_json::from_slice(&read).unwrap_or_default();
        if let (StatusCode::OK, Some(id)) = (status, made["id"].as_str()) {
            id.clone_into(&mut self.last.borrow_mut());
        }
    }
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    let code = "client_id=local&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F&response_type=code&code_challenge_method=S256\
                &code_challenge=0123456789012345678901234567890123456789012&scope=openid+expert-connect%2Fapi";
    [
        "stripe POST /v1/payment_intents\namount=8000&currency=eur&automatic_payment_methods[enabled]=true&metadata[appointment_id]=apt_1&transfer_group=apt_1",
        "stripe POST /v1/payment_intents\namount=8000&currency=eur&capture_method=manual&payment_method=pm_card_visa&confirm=true&off_session=true&expand[]=latest_charge&expand[0]=customer",
        "stripe POST /v1/payment_intents/LAST/confirm\npayment_method=pm_card_visa&return_url=http%3A%2F%2F127.0.0.1%2F",
        "stripe POST /v1/payment_intents/LAST/capture\namount_to_capture=5000&application_fee_amount=500",
        "stripe POST /v1/payment_intents/LAST/cancel\n",
        "stripe POST /v1/refunds\npayment_intent=LAST&amount=100&reverse_transfer=true&refund_application_fee=true",
        "stripe POST /v1/customers\nname=Ada&email=ada%40example.org&metadata[client_id]=cli_1",
        "stripe POST /v1/setup_intents\ncustomer=LAST&usage=off_session&automatic_payment_methods[enabled]=true",
        "stripe POST /v1/accounts\ncountry=DE&capabilities[transfers][requested]=true&controller[fees][payer]=application",
        "stripe POST /v1/tax/calculations\ncurrency=eur&line_items[0][amount]=8000&line_items[0][reference]=L1&line_items[0][tax_behavior]=inclusive&customer_details[address][country]=DE&customer_details[address_source]=billing",
        "stripe GET /v1/balance_transactions?limit=100&created[gte]=0&created[lt]=1800000000&expand[]=data.source\n",
        "stripe GET /v1/payment_intents/LAST?expand[]=latest_charge.balance_transaction\n",
        "stripe POST /pay/LAST\nnumber=4242424242424242&expiry=12%2F34&code=123",
        "paypal POST /v1/oauth2/token\ngrant_type=client_credentials",
        "paypal POST /checkoutnow?token=LAST\ndecision=approve&payer=ada",
        "paypal GET /v1/reporting/transactions?start_date=2027-01-01T00:00:00Z&end_date=2027-01-02T00:00:00Z&fields=all\n",
        "sign-in POST /oauth2/token\ngrant_type=authorization_code&client_id=local&code=x&code_verifier=y&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F",
        "sign-in POST /oauth2/token\ngrant_type=refresh_token&client_id=local&refresh_token=x",
        "sign-in POST /people/ada/token\nscope=expert-connect/api",
    ]
    .iter()
    .map(|request| request.as_bytes().to_vec())
    .chain([
        format!("sign-in GET /oauth2/authorize?{code}\n").into_bytes(),
        format!("sign-in POST /oauth2/authorize\n{code}&subject=ada&state=%FF%00").into_bytes(),
    ])
    .collect()
}
