//! The whole of Expert Connect on one machine: the same functions, with stand-ins for what AWS and the providers give.
//!
//! [`Stack`] is what `cargo run` and the black-box tests start. They differ in the clock, in whether anything is kept on disk,
//! and in who turns the wheels: `cargo run` has loops, tests turn them by hand.
//!
//! [`commands`] is the command line, [`pages`] what a browser sees besides the API, [`demo`] a walk through the product as its
//! users would take it, over HTTP.

mod authorizer;
mod bus;
mod clock;
pub mod commands;
mod database;
pub mod demo;
mod gateway;
pub mod pages;
mod plain_http;
mod queue;
mod secrets;
mod stack;
mod surroundings;
mod terminal;

pub use bus::{LocalBus, Published};
pub use clock::StackClock;
pub use database::DatabaseError;
pub use queue::{LocalQueue, QueueState};
pub use stack::{PayPalKeys, People, Ports, SCOPE, Stack, StackConfig, StartError};
pub use surroundings::{Addresses, Description, Offered, Somebody, Surroundings};
pub use terminal::Terminal;
