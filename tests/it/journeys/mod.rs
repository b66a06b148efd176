//! What people do, from outside.

mod booking;
mod cancelling;
mod groups;
mod money;
mod payments;
mod publishing;
