//! `cargo run`: starts everything and prints the addresses.

use std::fmt;
use std::io::{IsTerminal, stderr};

use domain::kernel::time::DAY;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::{Failure, environment, signals};
use crate::{Environment, Stack, StackClock, StackConfig, Terminal, demo, pages, terminal};

/// Runs until Ctrl-C or SIGTERM.
pub(super) async fn run(terminal: Terminal) -> Result<(), Failure> {
    start_logging(terminal)?;
    let paypal_keys = environment::paypal_keys()?;
    let config = StackConfig {
        ports: environment::ports()?,
        data: Some(environment::data()),
        clock: StackClock::new(simulators::system_clock()),
        settings: environment::settings()?,
        stripe_keys: environment::stripe_keys()?,
        paypal_delayed_disbursement: environment::paypal_delayed_disbursement(paypal_keys.is_none())?,
        paypal_keys,
        ecb_rates_url: environment::ecb_rates_url()?,
        challenges: environment::challenges()?,
        cors_origins: environment::cors_origins()?,
        meter: None,
    };
    let stack = Stack::start(config, pages::router()).await?;
    greet(terminal, &stack).await;
    tokio::select! {
        () = stack.run() => Ok(()),
        stopped = signals::stop_requested() => {
            stopped?;
            terminal.print("\nStopped. The data is saved; `cargo run` starts with it again.");
            Ok(())
        }
    }
}

/// The local time of day with seconds.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", chrono::Local::now().format("%H:%M:%S"))
    }
}

/// Starts logging to standard error in a format for people.
pub(super) fn start_logging(terminal: Terminal) -> Result<(), Failure> {
    let level = environment::text("LOG_LEVEL")?.unwrap_or_else(|| "info".to_owned());
    // The database logs a warning for every failed condition, which is the normal outcome of a version conflict.
    let filter = EnvFilter::try_new(format!("{level},hyper=warn,h2=warn,aws=warn,dynoxide=error"));
    let filter = filter.unwrap_or_else(|_| {
        terminal.error(format_args!(
            "LOG_LEVEL must be error, warn, info, debug or trace, but is {level:?}; using info"
        ));
        EnvFilter::new("info")
    });
    // Fails if logging was started before.
    let _ = tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_target(false)
        .with_timer(TimeOfDay)
        .with_ansi(stderr().is_terminal() && terminal::colors_allowed())
        .with_writer(stderr)
        .log_internal_errors(false)
        .try_init();
    Ok(())
}

/// Prints the addresses and what to do next.
async fn greet(terminal: Terminal, stack: &Stack) {
    let Environment { addresses, data, .. } = &stack.environment;
    terminal.print("");
    terminal.heading("Expert Connect is running. Open this page:");
    terminal.heading(format_args!("  {}/", addresses.api));
    terminal.print("");
    terminal.print(format_args!("  API               {}", addresses.api));
    terminal.print(format_args!(
        "  API reference     {0}/api (OpenAPI document: {0}/openapi.json)",
        addresses.api
    ));
    match &addresses.stripe_simulator {
        Some(url) => terminal.print(format_args!("  Stripe simulator  {url}")),
        None => terminal.print("  Stripe            your account, because STRIPE_SECRET_KEY is set"),
    }
    match &addresses.paypal_simulator {
        Some(url) => terminal.print(format_args!("  PayPal simulator  {url}")),
        None => terminal.print("  PayPal            your application, because PAYPAL_CLIENT_ID is set"),
    }
    match &addresses.ecb_simulator {
        Some(url) => {
            terminal.print(format_args!("  Exchange rates    {url} (simulator of the European Central Bank)"))
        }
        None => terminal.print("  Exchange rates    real rates from ECB_RATES_URL"),
    }
    terminal.print(format_args!("  Sign-in           {}", addresses.sign_in));
    terminal.print(format_args!("  Database          {} (DynamoDB's protocol)", addresses.database));
    if let Some(folder) = data {
        terminal.print(format_args!("  Data              {}", folder.display()));
    }
    terminal.print("");
    terminal.print("Commands to try:");
    for line in hints(&stack.environment).await {
        terminal.print(format_args!("  {line}"));
    }
    terminal.print("");
    if addresses.stripe_simulator.is_none() {
        terminal.print(format_args!(
            "Run this in a second shell to receive Stripe's webhooks: stripe listen --forward-to {}/v1/webhooks/stripe",
            addresses.api
        ));
    } else {
        let demo = demo::command(&addresses.api);
        terminal.print(format_args!(
            "Run `{demo}` in a second shell to publish, book, pay, reschedule, cancel and refund.",
        ));
    }
    terminal.print("Press Ctrl-C to stop.");
    terminal.print("");
}

/// Commands to try first.
async fn hints(environment: &Environment) -> Vec<String> {
    let Environment { addresses, .. } = environment;
    let mut hints = vec![format!("curl {}/health", addresses.api)];
    match environment.first_offer().await {
        Ok(Some(offer)) => {
            let from = environment.app.now().plus(DAY);
            hints.push(pages::slots_command(&addresses.api, &offer, from, demo::local_zone()));
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "the session types cannot be read"),
    }
    hints.push(format!("curl -X POST {}/people/alan/token", addresses.sign_in));
    hints
}
