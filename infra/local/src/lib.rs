//! The whole of Expert Connect on one machine: the same handlers as on AWS, with stand-ins for AWS services and providers.
//!
//! `cargo run` and the black-box tests start the same [`Stack`]. Under `cargo run` its queue and schedules run by themselves and
//! its data can be kept on disk; a test triggers them explicitly and sets the clock.
//!
//! [`commands`] is the command line, [`pages`] has the web pages beside the API, and [`demo`] uses the product over HTTP as
//! experts and clients would.

/// All functions, the database and the providers share one process here. With a thousand requests at once, the allocator of the system
/// spends a fifth of the time on looking for free memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod api_gateway;
mod authorizer;
mod bus;
mod clock;
pub mod commands;
pub mod cors;
mod database;
pub mod demo;
mod environment;
mod loopback;
pub mod pages;
mod queue;
mod secrets;
mod stack;
mod terminal;

pub use bus::{LocalBus, Published};
pub use clock::StackClock;
pub use database::DatabaseError;
pub use environment::{Addresses, DemoUser, Description, Environment, Offer};
pub use queue::{LocalQueue, LocalQueues, QueueState};
pub use stack::{ChallengeConfig, ListenPorts, PayPalKeys, People, SCOPE, Stack, StackConfig, StartError};
pub use terminal::Terminal;
