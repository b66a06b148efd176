//! Clients of external providers: one folder per provider.
//!
//! A file with the same name has the same content in each folder:
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | the constructor, which registers the ports that the provider implements |
//! | `auth.rs` | keys and access tokens |
//! | `client.rs` | sends requests and reads responses |
//! | `wire.rs` | the provider's JSON, as serde types only |
//! | `convert.rs` | pure conversions between wire types and domain types |
//! | `errors.rs` | maps error responses to errors: may a retry help, or is the refusal permanent? |
//! | `charges.rs`, `accounts.rs`, `books.rs`, `tax.rs` | one payment port each |
//! | `webhook.rs` | verifies an event, then reads what it is about |
//! | `fetch.rs` | reads the objects of a payment |
//! | `snapshot.rs` | pure: turns the objects of a payment into its status and movements |
//! | `recorded/` | recorded responses for tests |
//!
//! A provider without an ability lacks the file.

pub mod challenge;
pub mod ecb;
mod gateway;
pub mod https;
pub mod issuer;
pub mod paypal;
pub mod stripe;

pub use gateway::{GatewayConfig, InvalidAddress};
