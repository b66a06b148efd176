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
//! The two payment simulators are [`Simulator`]s of a [`stripe`] or [`paypal`] service. `simulator` has their
//! machinery, which `webhooks`, `idempotency`, `faults`, `locks`, `balances`, `table`, `journal` and `state_file` serve;
//! `simulator_routes`, `pages` and `books_page` are for developers.
//!
//! **Invariants.** Nothing here listens on anything but 127.0.0.1, reads a clock other than the one it was
//! given, or keeps a real card number: only the published test cards exist. Nothing here knows the product.

// The JSON of a payment intent is one long literal.
#![recursion_limit = "256"]

mod balances;
mod books_page;
mod clock;
pub mod ecb;
mod faults;
mod host;
mod idempotency;
mod journal;
mod locks;
mod loopback;
mod pages;
pub mod paypal;
mod random;
mod responses;
pub mod sign_in;
mod simulator;
mod simulator_routes;
mod state_file;
pub mod stripe;
mod table;
mod webhooks;

pub use balances::Balance;
pub use clock::{Clock, ManualClock, system_clock};
pub use faults::Faults;
pub use loopback::{Loopback, Running, loopback_client};
pub use simulator::{Refused, Service, Simulator};
pub use state_file::OpenError;
pub use webhooks::Attempt;
