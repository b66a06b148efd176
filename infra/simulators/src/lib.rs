//! Stand-ins for the outside services that a machine without their keys needs: a card processor that behaves
//! as Stripe does on the wire, a payment service that behaves as PayPal does, a sign-in service that issues the
//! tokens Cognito would, and the European Central Bank's file of exchange rates.
//!
//! All are library pieces. A program binds a [`Loopback`], opens a simulator with the address it got, and
//! serves the simulator's router there:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use simulators::{Loopback, stripe, system_clock};
//!
//! let loopback = Loopback::bind(12111).await?;
//! let stripe = stripe::StripeSimulator::open(stripe::StripeSimulatorConfig {
//!     secret_key: "sk_test_local".to_owned(),
//!     webhook_secret: "whsec_local".to_owned(),
//!     webhook_url: None,
//!     state_file: None,
//!     clock: system_clock(),
//!     public_url: loopback.url().clone(),
//! })?;
//! let running = loopback.serve(stripe.router());
//! # drop(running); Ok(()) }
//! ```
//!
//! What the simulators have in common stands beside them: `webhooks` keeps, posts and repeats what they tell, `files` their
//! state, `table` its rows, `faults` and `answers` misbehave for them, `claims` and `fingerprint` tell a repeated call,
//! `simulator_calls` and `books_page` are for developers.
//!
//! **Invariants.** Nothing here listens on anything but 127.0.0.1, reads a clock other than the one it was
//! given, or keeps a real card number: only the published test cards exist. Nothing here knows the product.

// The JSON of a payment intent is one long literal.
#![recursion_limit = "256"]

mod answers;
mod books_page;
mod claims;
mod clock;
pub mod ecb;
mod faults;
mod files;
mod fingerprint;
mod html;
mod loopback;
pub mod paypal;
mod pem;
mod random;
pub mod sign_in;
mod simulator_calls;
pub mod stripe;
mod table;
mod webhooks;

pub use clock::{Clock, ManualClock, system_clock};
pub use files::OpenError;
pub use loopback::{Loopback, Running, loopback_client};
