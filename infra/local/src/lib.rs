//! The whole of Expert Connect on one machine: the same functions, with stand-ins for what AWS and the providers give.
//!
//! [`Stack`] is what `cargo run` and the black-box tests start. They differ in the clock, in whether anything is kept on disk,
//! and in who turns the wheels: `cargo run` has loops, tests turn them by hand.

mod authorizer;
mod bus;
mod clock;
mod database;
mod gateway;
mod queue;
mod secrets;
mod stack;

pub use bus::{LocalBus, Published};
pub use clock::StackClock;
pub use database::DatabaseError;
pub use queue::{LocalQueue, QueueState};
pub use stack::{People, Ports, SCOPE, Stack, StackConfig, StartError};
