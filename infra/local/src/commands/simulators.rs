//! `cargo run -- simulators`: starts only the simulators and the sign-in service, for functions that run elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::ValueExt as _;
use serde_json::json;
use simulators::ecb::{DAILY_RATES, EcbSimulator};
use simulators::sign_in::{SignIn, SignInConfig};
use simulators::stripe::{StripeSimulator, StripeSimulatorConfig};
use simulators::system_clock;
use url::Url;

use super::{Command, Failure, environment, run, signals};
use crate::stack::{CLIENT_ID, SIMULATED_PAYPAL, bind, deliver_webhooks, every, simulated_paypal};
use crate::{People, SCOPE, StackClock, StartError, Terminal};

/// The lifetime of the printed tokens, in seconds.
const TOKEN_LIFETIME: i64 = 12 * 3_600;

/// The options of the command.
#[derive(Debug)]
pub(super) struct Options {
    stripe_port: u16,
    sign_in_port: u16,
    ecb_port: u16,
    paypal_port: u16,
    webhook_url: Option<Url>,
    paypal_webhook_url: Option<Url>,
    issuer: Option<Url>,
    redirect_url: Option<Url>,
    secret_key: String,
    webhook_secret: String,
    data: Option<PathBuf>,
}

/// Parses the options.
pub(super) fn options(mut parser: lexopt::Parser) -> Result<Command, Failure> {
    use lexopt::Arg::{Long, Short};
    let ports = environment::ports()?;
    let mut options = Options {
        stripe_port: ports.stripe,
        sign_in_port: ports.sign_in,
        ecb_port: ports.ecb,
        paypal_port: ports.paypal,
        webhook_url: None,
        paypal_webhook_url: None,
        issuer: None,
        redirect_url: None,
        secret_key: "sk_test_local".to_owned(),
        webhook_secret: "whsec_local".to_owned(),
        data: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port-base") => {
                let port: u16 = parser.value()?.parse()?;
                let above = |more| {
                    port.checked_add(more)
                        .ok_or_else(|| Failure::Usage("--port-base must be below 65533".to_owned()))
                };
                options.sign_in_port = port;
                options.stripe_port = above(1)?;
                options.ecb_port = above(2)?;
                options.paypal_port = above(3)?;
            }
            Long("stripe-port") => options.stripe_port = parser.value()?.parse()?,
            Long("ecb-port") => options.ecb_port = parser.value()?.parse()?,
            Long("paypal-port") => options.paypal_port = parser.value()?.parse()?,
            Long("sign-in-port") => options.sign_in_port = parser.value()?.parse()?,
            Long("webhook-url") => options.webhook_url = Some(http_only(parser.value()?.parse()?)?),
            Long("paypal-webhook-url") => {
                options.paypal_webhook_url = Some(http_only(parser.value()?.parse()?)?);
            }
            Long("issuer") => options.issuer = Some(parser.value()?.parse()?),
            Long("redirect-url") => options.redirect_url = Some(parser.value()?.parse()?),
            Long("secret-key") => options.secret_key = parser.value()?.string()?,
            Long("webhook-secret") => options.webhook_secret = parser.value()?.string()?,
            Long("data") => options.data = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Simulators(Box::new(options)))
}

/// Checks the URL of a webhook: the simulators send webhooks over HTTP only.
fn http_only(url: Url) -> Result<Url, Failure> {
    if url.scheme() == "http" {
        return Ok(url);
    }
    Err(Failure::Usage(format!("the URL of a webhook must begin with http://, but is {url}")))
}

/// Runs the simulators until Ctrl-C or SIGTERM. Prints their addresses, keys and tokens as JSON to standard output.
pub(super) async fn run(terminal: Terminal, options: Options) -> Result<(), Failure> {
    run::start_logging(terminal)?;
    let file = |name: &str| options.data.as_ref().map(|folder| folder.join(name));
    let sign_in_listener =
        bind("the sign-in service", options.sign_in_port, "EXPERT_CONNECT_SIGN_IN_PORT").await?;
    let stripe_port = bind("the Stripe simulator", options.stripe_port, "EXPERT_CONNECT_STRIPE_PORT").await?;
    let ecb_port =
        bind("the simulator of the European Central Bank", options.ecb_port, "EXPERT_CONNECT_ECB_PORT")
            .await?;
    let paypal_port = bind("the PayPal simulator", options.paypal_port, "EXPERT_CONNECT_PAYPAL_PORT").await?;

    let sign_in = SignIn::open(SignInConfig {
        issuer: options.issuer.unwrap_or_else(|| sign_in_listener.url().clone()),
        client_id: CLIENT_ID.to_owned(),
        scope: SCOPE.to_owned(),
        redirect_uris: options.redirect_url.into_iter().collect(),
        people: People::all(),
        key_file: file("sign-in-key.pem"),
        clock: system_clock(),
    })
    .map_err(StartError::from)?;
    let stripe = StripeSimulator::open(StripeSimulatorConfig {
        secret_key: options.secret_key.clone(),
        webhook_secret: options.webhook_secret.clone(),
        webhook_url: options.webhook_url.clone(),
        state_file: file("stripe-simulator.json"),
        clock: system_clock(),
        public_url: stripe_port.url().clone(),
    })
    .map_err(StartError::from)?;
    let paypal = simulated_paypal(
        &StackClock::new(system_clock()),
        paypal_port.url().clone(),
        options.paypal_webhook_url.clone(),
        file("paypal-simulator.json"),
    )
    .map_err(StartError::from)?;
    let _sign_in_server = sign_in_listener.serve(sign_in.router());
    let stripe_server = stripe_port.serve(stripe.router());
    let paypal_server = paypal_port.serve(paypal.router());
    let ecb_server = ecb_port.serve(EcbSimulator::new(system_clock()).router());

    let tokens: serde_json::Map<_, _> = People::all()
        .into_iter()
        .map(|person| (person.subject.clone(), json!(sign_in.access_token(&person, TOKEN_LIFETIME))))
        .collect();
    let [paypal_client_id, paypal_client_secret, paypal_partner_id, paypal_webhook_id] = SIMULATED_PAYPAL;
    let description = json!({
        "stripe_url": stripe_server.url().as_str(),
        "ecb_rates_url": format!("{}{DAILY_RATES}", ecb_server.url()),
        "issuer": sign_in.issuer(),
        "jwks": sign_in.jwks(),
        "client_id": CLIENT_ID,
        "scope": SCOPE,
        "tokens": tokens,
        "secret_key": options.secret_key,
        "webhook_secret": options.webhook_secret,
        "paypal_url": paypal_server.url().as_str(),
        "paypal": {
            "client_id": paypal_client_id,
            "client_secret": paypal_client_secret,
            "partner_id": paypal_partner_id,
            "webhook_id": paypal_webhook_id,
            "webhook_roots": paypal.webhook_roots(),
        },
    });
    terminal.print(description);
    terminal.error(format_args!("Sign-in           {}", sign_in.issuer()));
    terminal.error(format_args!("Stripe simulator  {}", stripe_server.url()));
    terminal.error(format_args!("PayPal simulator  {}", paypal_server.url()));
    terminal.error(format_args!("Exchange rates    {}", ecb_server.url()));
    for (gateway, url, option) in [
        ("Stripe", &options.webhook_url, "--webhook-url"),
        ("PayPal", &options.paypal_webhook_url, "--paypal-webhook-url"),
    ] {
        match url {
            Some(url) => terminal.error(format_args!("{gateway} webhooks   sent to {url}")),
            None => {
                terminal.error(format_args!("{gateway} webhooks   not sent; set {option} to receive them"))
            }
        }
    }

    // Neither waits for the receiver of the other's webhooks.
    let deliver = async {
        let pause = Duration::from_millis(200);
        tokio::join!(
            every(pause, || deliver_webhooks(stripe.clone())),
            every(pause, || deliver_webhooks(paypal.clone())),
        )
    };
    tokio::select! {
        _ = deliver => Ok(()),
        stopped = signals::stop_requested() => stopped,
    }
}
