//! The rules of Expert Connect as pure functions of values: slots, holds, appointments, policies, payments, receipts.
//!
//! Nothing here does I/O, reads a clock, draws a random number, is async, or knows AWS. `now` is always an argument, so
//! the same values give the same result on any machine at any time.
//!
//! [`kernel`] has the types that every area uses: ids, money, time and text. The other modules are the areas; each may use
//! those above it in this list.

pub mod kernel;

pub mod experts;
pub mod payments;
pub mod receipts;
pub mod scheduling;

pub use kernel::id::{AppointmentId, ClientId, ExpertId, ReceiptId, SessionTypeId};
pub use kernel::money::{Currency, Money, Rate};
pub use kernel::time::{TimeSpan, Timestamp, Zone};
