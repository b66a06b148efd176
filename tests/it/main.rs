//! Black-box tests: the whole stack on loopback, driven over HTTP, with a clock that the test moves and wheels that it turns.

mod abuse;
mod areas;
mod authorisation;
mod budgets;
mod contract;
mod events;
mod faults;
mod harness;
mod journeys;
mod races;
mod restart;
mod template;
