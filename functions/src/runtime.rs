//! Starts a function: selects it by its name, builds what it needs, and serves its invocations until Lambda ends it.
//!
//! These environment variables configure a function. `template.yaml` sets them for all functions in its `Globals`, `ECB_RATES_URL`
//! for `fetch_exchange_rates` only, `USER_INFO_URL` for `read_person` only, and `CHALLENGE_SITE_KEY`, `CHALLENGE_SECRET_ID` and
//! `CHALLENGE_VERIFY_URL` for `book_appointment` only.
//!
//! | variable | required | meaning |
//! |---|---|---|
//! | `TABLE_NAME`, `PAYMENT_JOBS_QUEUE_URL`, `GENERAL_JOBS_QUEUE_URL`, `EVENT_BUS_NAME` | by all | names of the stack's resources ([`Services`]) |
//! | `PLATFORM_FEE_BASIS_POINTS`, `SETTLEMENT_CURRENCIES`, `PAYOUT_TIMING`, `NEW_EXPERT_SESSIONS`, `HOLD_MINUTES`, `MAX_…`, `CHALLENGE_AFTER_DECLINES`, `LATE_CANCELLATION_HOURS`, `…_AFTER_INCIDENTS`, `PUBLIC_BASE_URL` | no | the platform's settings, with defaults: see [`config::settings`] |
//! | `ROLES_CLAIM`, `ROLE_PREFIX`, `API_SCOPE` | no | how access tokens are read: the claim with the roles (`cognito:groups` by default; `object.member` names a member of an object), the text before each role (none by default), and the scope of full access (`expert-connect/api` by default) |
//! | `STRIPE_SECRET_ID`, `STRIPE_API_BASE` | by [`PAYMENTS`] | Stripe's keys and address |
//! | `PAYPAL_SECRET_ID` | no | PayPal's keys; without it there is no PayPal |
//! | `PAYPAL_API_BASE` | by [`PAYMENTS`], with `PAYPAL_SECRET_ID` | PayPal's address |
//! | `PAYPAL_DELAYED_DISBURSEMENT` | no | `true` if PayPal has approved the platform to hold the experts' shares; `false` by default |
//! | `ECB_RATES_URL` | no; read by [`EXCHANGE_RATES`] | the address of the exchange rates; by default the European Central Bank's |
//! | `USER_INFO_URL` | no; read by [`ISSUER`] | the issuer's userinfo endpoint; without it, people have no e-mail address |
//! | `CHALLENGE_SITE_KEY` | no; read by [`BOOKINGS`] | the public key of challenges for clients whose payments were declined; without it, there are none |
//! | `CHALLENGE_SECRET_ID` | by [`BOOKINGS`], with `CHALLENGE_SITE_KEY` | the private key |
//! | `CHALLENGE_VERIFY_URL` | no; read by [`BOOKINGS`] | where tokens are verified; by default at Cloudflare Turnstile |
//! | `LOG_LEVEL` | no | the least severe level that is logged; `info` by default |
//! | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | set by Lambda | region and credentials |
//! | `AWS_ENDPOINT_URL` | no | replaces the endpoints of all AWS services |
//! | `_HANDLER` | set by Lambda | the name of the function |

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use app::App;
use app::payments::ports::Gateways;
use aws::{Services, SystemClock};
use http_api::gateway::convertible;
use http_api::{Problem, Route, config, telemetry};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Body, Request, RequestExt, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use providers::challenge::{SiteVerify, TURNSTILE};
use providers::ecb::{DAILY_RATES, EuropeanCentralBank};
use providers::issuer::UserInfoEndpoint;
use providers::{GatewayConfig, paypal, stripe};
use serde_json::Value;

use crate::{Routes, Workers};

/// A function that a queue or a schedule invokes.
#[derive(Clone, Copy)]
pub struct Worker {
    /// The name of the function: that of its file, and its `Handler`.
    pub function: &'static str,
    /// Handles one event; what it returns is the function's response.
    pub handler: for<'a> fn(&'a App, Value) -> WorkerOutcome<'a>,
}

/// The result of a worker's handler.
pub type WorkerOutcome<'a> = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send + 'a>>;

impl fmt::Debug for Worker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Worker").field(&self.function).finish()
    }
}

/// What a function needs besides the ports that every function has.
///
/// Every function has the queues, the event bus and the secrets: their clients are created on first use, so an unused one costs
/// nothing. The other ports are built by the Rust functions in `ports`, so that the linker leaves a provider out of a binary
/// that does not need it.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Whether to connect to the table during the init phase.
    table: bool,
    /// Builders that add further ports to the `App`. They may read environment variables.
    ports: &'static [PortBuilder],
}

impl Needs {
    /// Whether the function uses the table.
    pub fn table(&self) -> bool {
        self.table
    }

    /// Whether the function calls a provider.
    pub fn needs_provider(&self) -> bool {
        !self.ports.is_empty()
    }
}

type PortBuilder = fn(&mut App, &BuildContext) -> Result<(), Error>;

/// Nothing: the function makes no calls.
pub const NOTHING: Needs = Needs { table: false, ports: &[] };
/// The table.
pub const TABLE: Needs = Needs { table: true, ports: &[] };
/// The table and the payment gateways.
pub const PAYMENTS: Needs = Needs { table: true, ports: &[payment_gateways] };
/// The table, the payment gateways, and the challenges of clients whose payments were declined.
pub const BOOKINGS: Needs = Needs { table: true, ports: &[payment_gateways, challenges] };
/// The table and the issuer of access tokens.
pub const ISSUER: Needs = Needs { table: true, ports: &[issuer] };
/// The table and the publisher of exchange rates.
pub const EXCHANGE_RATES: Needs = Needs { table: true, ports: &[exchange_rates] };

/// What ports are built from.
struct BuildContext {
    http: reqwest::Client,
    services: Services,
}

/// Stripe, and PayPal if `PAYPAL_SECRET_ID` names its secret. A gateway reads its secret when it is first called.
fn payment_gateways(app: &mut App, context: &BuildContext) -> Result<(), Error> {
    let configure = |secret_id, api_base| GatewayConfig {
        http: context.http.clone(),
        secrets: context.services.secrets(),
        clock: Arc::new(SystemClock),
        secret_id,
        api_base,
    };
    let secret_id = config::required("STRIPE_SECRET_ID")?;
    let api_base = config::required("STRIPE_API_BASE")?;
    app.gateways = Gateways::none().with(stripe::gateway(configure(secret_id, api_base))?);
    if let Some(secret_id) = config::optional("PAYPAL_SECRET_ID") {
        let api_base = config::required("PAYPAL_API_BASE")?;
        let delayed_disbursement = config::flag("PAYPAL_DELAYED_DISBURSEMENT")?;
        let paypal = paypal::gateway(configure(secret_id, api_base), delayed_disbursement)?;
        app.gateways = app.gateways.clone().with(paypal);
    }
    Ok(())
}

/// Challenges, if `CHALLENGE_SITE_KEY` is set. The private key is read when a token is verified.
fn challenges(app: &mut App, context: &BuildContext) -> Result<(), Error> {
    if let Some(site_key) = config::optional("CHALLENGE_SITE_KEY") {
        let url = config::optional("CHALLENGE_VERIFY_URL").unwrap_or_else(|| TURNSTILE.to_owned());
        let (secrets, secret_id) = (context.services.secrets(), config::required("CHALLENGE_SECRET_ID")?);
        let verifier = SiteVerify::new(context.http.clone(), &url, site_key, secrets, secret_id)?;
        app.challenges = Arc::new(verifier);
    }
    Ok(())
}

/// The European Central Bank, or another publisher of its tables at `ECB_RATES_URL`.
fn exchange_rates(app: &mut App, context: &BuildContext) -> Result<(), Error> {
    let url = config::optional("ECB_RATES_URL").unwrap_or_else(|| DAILY_RATES.to_owned());
    app.exchange_rates = Arc::new(EuropeanCentralBank::new(context.http.clone(), &url)?);
    Ok(())
}

/// The userinfo endpoint at `USER_INFO_URL`. Without it, the issuer does not describe people.
fn issuer(app: &mut App, context: &BuildContext) -> Result<(), Error> {
    if let Some(url) = config::optional("USER_INFO_URL") {
        app.issuer = Arc::new(UserInfoEndpoint::new(context.http.clone(), &url)?);
    }
    Ok(())
}

/// What a process does.
#[derive(Debug)]
enum Selected {
    Route(&'static Route),
    Worker(&'static Worker),
    /// Any of the binary's routes, by method and path.
    AnyRoute,
}

/// The functions that share a binary.
#[derive(Debug, Clone, Copy)]
pub struct Binary {
    /// The name of its file in `src/bin`, and of its zip.
    pub name: &'static str,
    /// The routes that it can serve.
    pub routes: &'static [Routes],
    /// The workers that it can run.
    pub workers: Workers,
}

impl Binary {
    /// Its routes, and what each needs.
    pub fn routes(self) -> impl Iterator<Item = &'static (Route, Needs)> {
        self.routes.iter().flat_map(|routes| routes.iter())
    }

    /// Returns the function with this name and its needs. If there is none, returns all routes of the binary with all of their
    /// needs.
    fn select(&self, handler: Option<&str>) -> (Selected, Vec<Needs>) {
        if let Some((route, needs)) = self.routes().find(|(route, _)| Some(route.function) == handler) {
            return (Selected::Route(route), vec![*needs]);
        }
        if let Some((worker, needs)) =
            self.workers.iter().find(|(worker, _)| Some(worker.function) == handler)
        {
            return (Selected::Worker(worker), vec![*needs]);
        }
        (Selected::AnyRoute, self.routes().map(|(_, needs)| *needs).collect())
    }

    /// Answers a request of any of the binary's routes, selected by method and path.
    ///
    /// The path parameters are read from the path, because the event has none if no API gateway matched the route.
    pub async fn respond(&self, app: &App, request: Request) -> Response<Body> {
        let path = request.uri().path();
        let found = self.routes().find_map(|(route, _)| {
            let matches = route.method.as_str() == request.method().as_str();
            Some((route, matches.then(|| route.parameters(path)).flatten()?))
        });
        match found {
            Some((route, parameters)) => {
                let parameters: HashMap<String, String> = parameters.into_iter().collect();
                route.respond(app, request.with_path_parameters(parameters)).await
            }
            None => http_api::Response::from(Problem::not_found("route in this binary")).into(),
        }
    }
}

/// Runs the function that Lambda's `_HANDLER` names, until Lambda ends it.
///
/// If `_HANDLER` names no function of this binary, as under `cargo lambda watch`, the process serves all routes by method and
/// path. It never runs a worker then.
pub fn run(binary: Binary) -> ExitCode {
    telemetry::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the function cannot start");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(binary)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function stopped");
            ExitCode::FAILURE
        }
    }
}

async fn serve(binary: Binary) -> Result<(), Error> {
    let (selected, needs) = binary.select(config::optional("_HANDLER").as_deref());
    if matches!(selected, Selected::AnyRoute) {
        tracing::info!(
            binary = binary.name,
            "_HANDLER names no function of this binary; serving all its routes"
        );
    }
    let http = providers::https::client()?;
    let context = BuildContext { services: Services::from_environment(http.clone())?, http };
    let mut app = context.services.app(config::settings()?, Gateways::none());
    for add_port in needs.iter().flat_map(|needs| needs.ports) {
        add_port(&mut app, &context)?;
    }
    // Opens the connection while Lambda gives a starting function a whole core. If it fails, the first invocation reports it.
    if needs.iter().any(|needs| needs.table)
        && let Err(error) = app.store.warm_up().await
    {
        tracing::debug!(%error, "the connection to the table is not open yet");
    }
    let (app, binary) = (&app, &binary);
    match selected {
        Selected::Route(route) => {
            let respond = async move |request| Ok::<_, Error>(route.respond(app, request).await);
            lambda_runtime::run(Adapter::from(service_fn(respond)).map_request(convertible)).await
        }
        Selected::AnyRoute => {
            let respond = async move |request| Ok::<_, Error>(binary.respond(app, request).await);
            lambda_runtime::run(Adapter::from(service_fn(respond)).map_request(convertible)).await
        }
        Selected::Worker(worker) => {
            let handle = async move |event: LambdaEvent<Value>| (worker.handler)(app, event.payload).await;
            lambda_runtime::run(service_fn(handle)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PUBLIC, operations, payments, scheduling};

    fn selected(binary: Binary, handler: Option<&str>) -> (Option<&'static str>, bool) {
        let (selected, needs) = binary.select(handler);
        let name = match selected {
            Selected::Route(route) => Some(route.function),
            Selected::Worker(worker) => Some(worker.function),
            Selected::AnyRoute => None,
        };
        (name, needs.iter().any(Needs::needs_provider))
    }

    #[test]
    fn a_handler_selects_a_function_and_only_its_needs() {
        assert_eq!(selected(PUBLIC, Some("list_slots")), (Some("list_slots"), false));
        assert_eq!(
            selected(scheduling::AREA.binary(), Some("book_appointment")),
            (Some("book_appointment"), true)
        );
        assert_eq!(
            selected(payments::AREA.binary(), Some("reconcile_ledger")),
            (Some("reconcile_ledger"), true)
        );
        assert_eq!(selected(operations::AREA.binary(), Some("sweep_outbox")), (Some("sweep_outbox"), false));
        assert_eq!(
            selected(scheduling::AREA.binary(), Some("read_appointment")),
            (Some("read_appointment"), false)
        );
    }

    #[test]
    fn without_a_known_handler_all_routes_and_their_needs_are_selected() {
        for handler in [None, Some("bootstrap"), Some("list_ledger")] {
            assert_eq!(selected(scheduling::AREA.binary(), handler), (None, true), "{handler:?}");
        }
        assert_eq!(selected(PUBLIC, None), (None, false));
    }
}
