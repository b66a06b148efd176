//! Black-box tests of the whole stack over HTTP on loopback. The tests set the clock, and run jobs and schedules explicitly.

mod abuse;
mod areas;
mod authorization;
mod budgets;
mod contract;
mod events;
mod faults;
mod harness;
mod journeys;
mod openapi;
mod races;
mod restart;
mod rollback;
mod template;
mod unknown_values;
