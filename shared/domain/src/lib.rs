//! The rules of Expert Connect as pure functions: slots, holds, appointments, policies, payments and receipts.
//!
//! This crate does no I/O, reads no clock, draws no random numbers, is not async and does not know AWS. Functions
//! take the current time as the argument `now`, so equal inputs give equal results on every machine.
//!
//! [`kernel`] contains the types that every area uses: ids, money, time, text and violations. The other modules are the areas.
//! Areas depend on each other in one direction: `payments`, `receipts` and `messaging` on `scheduling`, `payments` and
//! `scheduling` on `experts`, and all of them on `kernel`.

pub mod kernel;

pub mod experts;
pub mod identity;
pub mod messaging;
pub mod payments;
pub mod receipts;
pub mod scheduling;

pub use kernel::id::{
    AppointmentId, ClientId, ExpertId, InvitationId, NoteId, NotificationId, PersonId, ReceiptId,
    SessionTypeId,
};
pub use kernel::money::{Currency, Money, Rate};
pub use kernel::time::{TimeSpan, Timestamp, Zone};
pub use kernel::violation::{Violation, Violations};
