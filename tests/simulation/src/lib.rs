//! Deterministic simulation of bookings and payments.
//!
//! The real use cases, rules and rows run over simulated ports. One seed determines everything that happens and every
//! fault, so each result can be reproduced exactly.
//!
//! An *operation* is one call of a port (a read or write of the table, a request to the gateway, a message sent or
//! published) or one step of an actor, a bank, a message or a schedule.

pub mod actors;
pub mod call;
pub mod core;
pub mod embedded;
pub mod exchange_rates;
pub mod fault_profile;
pub mod flows;
pub mod gateway;
pub mod invariants;
pub mod mirror;
pub mod mutants;
pub mod parallel;
pub mod population;
pub mod queue;
pub mod quiescence;
pub mod random;
pub mod random_requests;
pub mod run;
pub mod simulation;
pub mod table;
pub mod workload;
