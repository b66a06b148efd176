//! Where the binaries begin.

use std::process::ExitCode;

use app::App;
use http_api::{Route, telemetry};
use lambda_http::Request;
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// Runs the function of one route until Lambda ends it.
pub fn serve(route: &'static Route) -> ExitCode {
    run(async move |app| {
        // Opens TLS while Lambda gives a starting function a whole core. What goes wrong here the first call will tell.
        if let Err(error) = app.store.warm_up().await {
            tracing::debug!(%error, "not warmed up");
        }
        serve_route(route, app).await
    })
}

/// Runs the function of a route that asks the table nothing.
pub fn serve_alone(route: &'static Route) -> ExitCode {
    run(async move |app| serve_route(route, app).await)
}

async fn serve_route(route: &'static Route, app: App) -> Result<(), Error> {
    let app = &app;
    lambda_http::run(service_fn(async move |request: Request| Ok::<_, Error>(route.answer(app, request).await))).await
}

/// Runs the worker of the effects queue until Lambda ends it.
pub fn deliver_effects() -> ExitCode {
    run(async |app| {
        let app = &app;
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<_>| {
            Ok::<_, Error>(crate::deliver_effects::handle(app, event.payload).await)
        }))
        .await
    })
}

/// Runs the sweep until Lambda ends it.
pub fn sweep_due() -> ExitCode {
    run(async |app| {
        let app = &app;
        lambda_runtime::run(service_fn(async move |_: LambdaEvent<serde_json::Value>| {
            crate::sweep_due::handle(app).await.map_err(Error::from)
        }))
        .await
    })
}

/// Builds the world from the environment and runs `function` in it on this thread.
fn run(function: impl AsyncFnOnce(App) -> Result<(), Error>) -> ExitCode {
    telemetry::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the function cannot start");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let app = world().await?;
        function(app).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function cannot go on");
            ExitCode::FAILURE
        }
    }
}

async fn world() -> Result<App, Error> {
    let settings = http_api::config::settings()?;
    let services = aws::Services::from_environment()?;
    let payments = providers::stripe::Stripe::new(
        services.secrets(),
        http_api::config::required("STRIPE_SECRET_ID")?,
        &http_api::config::required("STRIPE_API_BASE")?,
    )?;
    Ok(services.app(settings, std::sync::Arc::new(payments)))
}
