//! What people do, from outside.

mod booking;
mod cancelling;
mod groups;
mod payments;
mod publishing;
mod receipts;
