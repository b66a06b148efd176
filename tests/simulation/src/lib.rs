//! A simulation that tries to break booking and money.
//!
//! The real use cases, rules and rows run over simulated ports. Everything that happens, and everything that goes wrong, is
//! drawn from one seed, so whatever is found can be repeated exactly.
//!
//! An *operation* is one call of a port (a read or write of the table, a request to the gateway, a message sent or published)
//! or one step of a person, a bank, a message or a schedule.

pub mod actors;
pub mod call;
pub mod chance;
pub mod core;
pub mod flows;
pub mod gateway;
pub mod invariants;
pub mod mirror;
pub mod mutants;
pub mod people;
pub mod queue;
pub mod random_requests;
pub mod rates;
pub mod real;
pub mod rest;
pub mod run;
pub mod setting;
pub mod simulation;
pub mod spread;
pub mod table;
pub mod weather;
