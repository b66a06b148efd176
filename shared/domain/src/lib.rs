//! The rules of Expert Connect as functions of values: slots, holds, appointments, policies, money and ids.
//!
//! Nothing here does I/O, reads a clock, draws a random number, is async, or knows AWS. `now` is always an argument, so
//! the same values give the same answer on any machine at any time.

pub mod appointment;
pub mod availability;
pub mod billing;
pub mod day_ledger;
pub mod exchange;
pub mod expert;
pub mod id;
pub mod ledger;
pub mod money;
pub mod payment;
pub mod planted;
pub mod policy;
pub mod receipt;
pub mod reconciliation;
pub mod report;
pub mod session_type;
pub mod slots;
pub mod tax;
pub mod text;
pub mod time;

pub use id::{AppointmentId, ClientId, ExpertId, ReceiptId, SessionTypeId};
pub use money::{Currency, Money, Rate};
pub use planted::planted;
pub use time::{TimeSpan, Timestamp, Zone};
