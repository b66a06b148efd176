//! `cargo run -- demo`: uses the product over HTTP as experts and clients would, and fails at the first unexpected response.
//!
//! The demo can be repeated on the same data: it publishes the expert's offer only once, and cancels what the client books.

mod api_client;
mod books;
mod browser;
mod client;
mod display;
mod expert;
mod journey;
pub mod money;

use std::time::Instant;

use domain::Zone;

use crate::Terminal;
use journey::Journey;

/// The options of the demo.
#[derive(Debug, Clone)]
pub struct Options {
    /// The URL of the API, without a trailing slash.
    pub url: String,
    /// The time zone for the output.
    pub time_zone: Zone,
}

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no response.
    #[error(
        "{url} does not respond ({reason}).\nStart Expert Connect in another shell with `cargo run`, and try again. If it listens on another port, set --url"
    )]
    NotRunning {
        /// The URL of the API.
        url: String,
        /// The error of the connection.
        reason: String,
    },
    /// Another program responds.
    #[error(
        "the server at {url} is not an Expert Connect that was started by `cargo run`: {reason}.\nSet --url to the address that `cargo run` prints"
    )]
    NotExpertConnect {
        /// The URL of the API.
        url: String,
        /// The unexpected response.
        reason: String,
    },
    /// The stack uses Stripe itself.
    #[error(
        "Expert Connect is running with the keys of a Stripe account, but the demo pays with test cards at the Stripe simulator. Restart Expert Connect without STRIPE_SECRET_KEY"
    )]
    NoStripeSimulator,
    /// A response or an amount is not the expected one.
    #[error(
        "the demo failed at step {step}, {title}\n  checked:  {what}\n  expected: {expected}\n  actual:   {actual}"
    )]
    Unexpected {
        /// The number of the step.
        step: u32,
        /// The title of the step.
        title: String,
        /// What was checked.
        what: String,
        /// The expected value.
        expected: String,
        /// The actual value.
        actual: String,
    },
    /// The demo cannot start.
    #[error("the demo cannot start: {0}")]
    Setup(String),
}

/// A value that is not the expected one. [`Failure::Unexpected`] adds the step.
#[derive(Debug)]
struct Mismatch {
    what: String,
    expected: String,
    actual: String,
}

impl Mismatch {
    fn new(what: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), actual: actual.into() }
    }
}

/// The time zone of this machine; UTC if it is unknown.
pub fn local_zone() -> Zone {
    let name = iana_time_zone::get_timezone().ok();
    name.and_then(|name| name.parse().ok()).unwrap_or(Zone::UTC)
}

/// Runs the demo against a running stack.
///
/// # Errors
/// If the stack is not running, or at the first unexpected response.
pub async fn run(terminal: Terminal, options: Options) -> Result<(), Failure> {
    let started = Instant::now();
    let mut journey = Journey::start(terminal, options).await?;
    let outcome = run_steps(&mut journey).await;
    outcome.map_err(|mismatch| journey.failed_at(mismatch))?;
    terminal.print("");
    terminal.heading(format_args!(
        "Done in {:.1?}. The demo published, booked, paid, rescheduled, cancelled and refunded a session.",
        started.elapsed()
    ));
    Ok(())
}

/// The command that runs the demo against an API.
pub fn command(api: &str) -> String {
    let url = if api.ends_with(":8080") { String::new() } else { format!(" --url {api}") };
    format!("cargo run -- demo{url}")
}

async fn run_steps(journey: &mut Journey) -> Result<(), Mismatch> {
    journey.sign_in().await?;
    client::choose_time_zone(journey).await?;
    expert::publish_profile(journey).await?;
    expert::publish_hours(journey).await?;
    let session_type = expert::offer_session(journey).await?;
    expert::connect_stripe(journey).await?;

    let free = client::list_slots(journey, &session_type).await?;
    let before = books::read(journey).await?;
    let booked = client::book(journey, &session_type, &free.first).await?;
    client::pay(journey, &booked).await?;
    client::wait_for_confirmation(journey, &booked).await?;
    books::check_paid(journey, &before).await?;
    client::exchange_notes(journey, &booked).await?;
    expert::invite_assistant(journey).await?;
    client::reschedule(journey, &booked, &free.second).await?;
    client::list_appointments(journey, &booked, &free.second).await?;
    client::book_twice(journey, &session_type, &free.second).await?;
    client::book_and_be_declined(journey, &session_type, &free.third).await?;
    client::cancel(journey, &booked).await?;
    client::wait_for_refund(journey, &booked).await?;
    client::read_history(journey, &booked).await?;
    books::check_refunded(journey, &before).await
}
