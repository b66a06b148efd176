//! Where the binaries begin. A function is built with what it needs of the world, and has no access to the rest.

use std::process::ExitCode;
use std::sync::Arc;

use app::App;
use app::payments::ports::Gateways;
use app::ports::Secrets;
use aws::{Services, SystemClock};
use domain::payments::gateway::Gateway;
use http_api::{Route, config, telemetry};
use lambda_http::Request;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use providers::ecb::{DAILY_RATES, EuropeanCentralBank};
use providers::paypal::PayPal;
use providers::stripe::Stripe;

/// Where a function's payments come from.
type Payments = fn(reqwest::Client, Arc<dyn Secrets>) -> Result<Gateways, Error>;

fn no_payments(_: reqwest::Client, _: Arc<dyn Secrets>) -> Result<Gateways, Error> {
    Ok(Gateways::none())
}

/// Stripe, and PayPal where `PAYPAL_SECRET_ID` names its secret. No secret is read before it is needed, so a function without
/// access to one of them makes no calls to that gateway.
fn gateways(http: reqwest::Client, secrets: Arc<dyn Secrets>) -> Result<Gateways, Error> {
    let secret = config::required("STRIPE_SECRET_ID")?;
    let stripe = Stripe::new(http.clone(), secrets.clone(), secret, &config::required("STRIPE_API_BASE")?)?;
    let gateways = Gateways::none().with(Gateway::Stripe, Arc::new(stripe));
    let Some(secret) = config::optional("PAYPAL_SECRET_ID") else { return Ok(gateways) };
    let base = config::required("PAYPAL_API_BASE")?;
    let paypal = PayPal::new(http, secrets, secret, &base, Arc::new(SystemClock))?;
    Ok(gateways.with(Gateway::Paypal, Arc::new(paypal)))
}

/// Runs the function of a route until Lambda ends it.
pub fn serve(route: &'static Route) -> ExitCode {
    run(no_payments, async move |app| serve_warm(route, app).await)
}

/// Runs the function of a route that speaks with the payment provider.
pub fn serve_with_payments(route: &'static Route) -> ExitCode {
    run(gateways, async move |app| serve_warm(route, app).await)
}

/// Runs the function of a route that asks the table nothing.
pub fn serve_alone(route: &'static Route) -> ExitCode {
    run(no_payments, async move |app| serve_cold(route, app).await)
}

async fn serve_warm(route: &'static Route, app: App) -> Result<(), Error> {
    // Opens TLS while Lambda gives a starting function a whole core. What goes wrong here the first call will tell.
    if let Err(error) = app.store.warm_up().await {
        tracing::debug!(%error, "not warmed up");
    }
    serve_cold(route, app).await
}

async fn serve_cold(route: &'static Route, app: App) -> Result<(), Error> {
    let app = &app;
    lambda_http::run(service_fn(async move |request: Request| {
        Ok::<_, Error>(route.answer(app, request).await)
    }))
    .await
}

/// Runs the worker of the effects queue until Lambda ends it.
pub fn deliver_effects() -> ExitCode {
    run(gateways, async |app| {
        let app = &app;
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<_>| {
            Ok::<_, Error>(crate::deliver_effects::handle(app, event.payload).await)
        }))
        .await
    })
}

/// Runs the sweep until Lambda ends it.
pub fn sweep_due() -> ExitCode {
    run(no_payments, async |app| {
        let app = &app;
        lambda_runtime::run(service_fn(async move |_: LambdaEvent<serde_json::Value>| {
            let swept = crate::sweep_due::handle(app).await?;
            telemetry::metrics(&[
                ("OldestDueItemSeconds", "Seconds", swept.oldest_seconds),
                ("DueItems", "Count", i64::try_from(swept.found).unwrap_or(i64::MAX)),
            ]);
            Ok::<_, Error>(())
        }))
        .await
    })
}

/// Runs the fetching of exchange rates until Lambda ends it. `ECB_RATES_URL` leads elsewhere than to the European Central Bank.
pub fn fetch_exchange_rates() -> ExitCode {
    run(no_payments, async |mut app| {
        let url = config::optional("ECB_RATES_URL").unwrap_or_else(|| DAILY_RATES.to_owned());
        app.exchange_rates = Arc::new(EuropeanCentralBank::new(providers::https::client()?, &url)?);
        let app = &app;
        lambda_runtime::run(service_fn(async move |_: LambdaEvent<serde_json::Value>| {
            let fetched = crate::fetch_exchange_rates::handle(app).await;
            // Also when nothing could be fetched: how old the rates in force are is what somebody must hear of.
            if let Some(days) = crate::fetch_exchange_rates::age_days(app).await? {
                telemetry::metrics(&[("ExchangeRatesAgeDays", "Count", days)]);
            }
            Ok::<_, Error>(fetched.map(|_| ())?)
        }))
        .await
    })
}

/// Runs the comparison of the ledger with the gateways' books until Lambda ends it.
pub fn reconcile_ledger() -> ExitCode {
    run(gateways, async |app| {
        let app = &app;
        lambda_runtime::run(service_fn(async move |_: LambdaEvent<serde_json::Value>| {
            let reconciled = crate::reconcile_ledger::handle(app).await?;
            let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
            telemetry::metrics(&[
                ("LedgerDifferences", "Count", count(reconciled.differences)),
                ("ReconciledLines", "Count", count(reconciled.lines)),
            ]);
            Ok::<_, Error>(())
        }))
        .await
    })
}

/// Builds the world from the environment and runs `function` in it on this thread.
fn run(payments: Payments, function: impl AsyncFnOnce(App) -> Result<(), Error>) -> ExitCode {
    telemetry::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the function cannot start");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let http = providers::https::client()?;
        let services = Services::from_environment(http.clone())?;
        let gateways = payments(http, services.secrets())?;
        function(services.app(config::settings()?, gateways)).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function cannot go on");
            ExitCode::FAILURE
        }
    }
}
