//! `cargo run`: starts everything and says where it is.

use std::fmt;
use std::io::{IsTerminal, stderr};

use domain::kernel::time::DAY;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::{Failure, environment, signals};
use crate::{Stack, StackClock, StackConfig, Surroundings, Terminal, demo, pages, terminal};

/// Runs until somebody asks it to end.
pub(super) async fn run(terminal: Terminal) -> Result<(), Failure> {
    start_logging(terminal)?;
    let config = StackConfig {
        ports: environment::ports()?,
        data: Some(environment::data()),
        clock: StackClock::new(simulators::system_clock()),
        settings: environment::settings()?,
        stripe_keys: environment::stripe_keys()?,
        paypal_keys: environment::paypal_keys()?,
        ecb_rates_url: environment::ecb_rates_url()?,
        meter: None,
    };
    let stack = Stack::start(config, pages::router()).await?;
    greet(terminal, &stack).await;
    tokio::select! {
        () = stack.run() => Ok(()),
        ended = signals::asked_to_end() => {
            ended?;
            terminal.say("\nGoodbye. Everything is final_charge; `cargo run` goes on where this ended.");
            Ok(())
        }
    }
}

/// The local time of day, to the second.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", chrono::Local::now().format("%H:%M:%S"))
    }
}

/// Logs to standard error, for people.
pub(super) fn start_logging(terminal: Terminal) -> Result<(), Failure> {
    let level = environment::text("LOG_LEVEL")?.unwrap_or_else(|| "info".to_owned());
    // The database warns of every condition that does not hold, which is how two clients are kept from one slot.
    let filter = EnvFilter::try_new(format!("{level},hyper=warn,h2=warn,aws=warn,dynoxide=error"));
    let filter = filter.unwrap_or_else(|_| {
        terminal.complain(format_args!("LOG_LEVEL is {level:?}, which is no level; logging at info"));
        EnvFilter::new("info")
    });
    // An error only says that somebody else started it.
    let _ = tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_target(false)
        .with_timer(TimeOfDay)
        .with_ansi(stderr().is_terminal() && terminal::colours_wanted())
        .with_writer(stderr)
        .log_internal_errors(false)
        .try_init();
    Ok(())
}

async fn greet(terminal: Terminal, stack: &Stack) {
    let Surroundings { addresses, data, .. } = &stack.surroundings;
    terminal.say("");
    terminal.headline("Expert Connect runs. Open this page:");
    terminal.headline(format_args!("  {}/", addresses.api));
    terminal.say("");
    terminal.say(format_args!("  API               {}", addresses.api));
    terminal.say(format_args!("  API description   {0}/api (for programs: {0}/openapi.json)", addresses.api));
    match &addresses.stripe_simulator {
        Some(url) => terminal.say(format_args!("  Stripe simulator  {url}")),
        None => terminal.say("  Stripe            the real one, with your keys"),
    }
    match &addresses.paypal_simulator {
        Some(url) => terminal.say(format_args!("  PayPal simulator  {url}")),
        None => terminal.say("  PayPal            the real one, with your keys"),
    }
    match &addresses.ecb_simulator {
        Some(url) => {
            terminal.say(format_args!("  Exchange rates    {url} (a simulator of the European Central Bank)"))
        }
        None => terminal.say("  Exchange rates    the real ones, from ECB_RATES_URL"),
    }
    terminal.say(format_args!("  Sign-in           {}", addresses.sign_in));
    terminal.say(format_args!("  Database          {} (speaks DynamoDB)", addresses.database));
    if let Some(folder) = data {
        terminal.say(format_args!("  Data              {}", folder.display()));
    }
    terminal.say("");
    terminal.say("Try:");
    for line in hints(&stack.surroundings).await {
        terminal.say(format_args!("  {line}"));
    }
    terminal.say("");
    if addresses.stripe_simulator.is_none() {
        terminal.say(format_args!(
            "Have Stripe's events sent here: stripe listen --forward-to {}/v1/webhooks/stripe",
            addresses.api
        ));
    } else {
        let url = if addresses.api.ends_with(":8080") {
            String::new()
        } else {
            format!(" --url {}", addresses.api)
        };
        terminal.say(format_args!(
            "In a second shell, `cargo run -- demo{url}` publishes, books, pays, moves, cancels and refunds.",
        ));
    }
    terminal.say("Ctrl-C ends it.");
    terminal.say("");
}

/// Commands to begin with.
async fn hints(surroundings: &Surroundings) -> Vec<String> {
    let Surroundings { addresses, .. } = surroundings;
    let mut hints = vec![format!("curl {}/health", addresses.api)];
    if let Some(offered) = surroundings.offered().await {
        let now = surroundings.app.now();
        let from = now.plus(DAY);
        hints.push(pages::slots_command(&addresses.api, &offered, from, demo::own_zone()));
    }
    hints.push(format!("curl -X POST {}/people/alan/token", addresses.sign_in));
    hints
}
