//! `cargo run -- demo`: walks through the product as its users would, over HTTP, and fails when anything is not as it should be.
//!
//! It can be repeated any number of times on the same data: what an expert publishes is made once and found again, and what a
//! client books is called off in the end.

mod books;
mod browser;
mod caller;
mod client;
mod expert;
mod journey;
pub mod money;
mod words;

use std::time::Instant;

use domain::Zone;

use crate::Terminal;
use journey::Journey;

/// Where to, and for whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the API, without a slash at the end.
    pub url: String,
    /// The zone in which times are shown.
    pub time_zone: Zone,
}

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answers.
    #[error(
        "nothing answers at {url} ({reason}).\nStart Expert Connect in another shell with `cargo run`, and try again. If it listens elsewhere, say where with --url"
    )]
    NotRunning {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// Something else answers.
    #[error("what answers at {url} is not an Expert Connect that `cargo run` started: {reason}")]
    SomethingElse {
        /// Where.
        url: String,
        /// What was noticed.
        reason: String,
    },
    /// There is no simulator to pay at.
    #[error(
        "Expert Connect runs with real Stripe keys. The demo pays with test cards at the Stripe simulator: start Expert Connect without STRIPE_SECRET_KEY"
    )]
    RealStripe,
    /// It is not as it should be.
    #[error(
        "the demo failed at step {step}, {title}\n  what:     {what}\n  expected: {expected}\n  came:     {came}"
    )]
    Unexpected {
        /// Which step.
        step: u32,
        /// Its title.
        title: String,
        /// What was looked at.
        what: String,
        /// What it should be.
        expected: String,
        /// What it is.
        came: String,
    },
    /// It cannot begin.
    #[error("the demo cannot begin: {0}")]
    Inside(String),
}

/// What was looked at and is not as it should be; the journey adds where it was.
#[derive(Debug)]
struct Wrong {
    what: String,
    expected: String,
    came: String,
}

impl Wrong {
    fn new(what: impl Into<String>, expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), came: came.into() }
    }
}

/// The zone of this machine, or UTC.
pub fn own_zone() -> Zone {
    let name = iana_time_zone::get_timezone().ok();
    name.and_then(|name| name.parse().ok()).unwrap_or(Zone::UTC)
}

/// Walks the whole way.
///
/// # Errors
/// At the first thing that is not as it should be.
pub async fn run(terminal: Terminal, options: Options) -> Result<(), Failure> {
    let started = Instant::now();
    let mut journey = Journey::begin(terminal, options).await?;
    let outcome = walk(&mut journey).await;
    outcome.map_err(|wrong| journey.failed_at(wrong))?;
    terminal.say("");
    terminal.headline(format_args!(
        "Done in {:.1?}: published, listed, booked, paid, confirmed, moved, listed again, refused twice, cancelled, refunded.",
        started.elapsed()
    ));
    Ok(())
}

async fn walk(journey: &mut Journey) -> Result<(), Wrong> {
    journey.sign_in().await?;
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
    client::reschedule(journey, &booked, &free.second).await?;
    client::list_appointments(journey, &booked, &free.second).await?;
    client::book_twice(journey, &session_type, &free.second).await?;
    client::be_declined(journey, &session_type, &free.third).await?;
    client::cancel(journey, &booked).await?;
    client::wait_for_refund(journey, &booked).await?;
    books::check_refunded(journey, &before).await
}
