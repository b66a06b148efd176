//! The ports to payment gateways, to the publisher of exchange rates, and to the service that challenges suspicious bookings.
//!
//! A gateway implements one trait per responsibility. If it lacks an ability, it does not implement the trait, and its
//! [`Gateway`] has `None` in that place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::payments::gateway::GatewayKind;

mod accounts;
mod books;
mod challenges;
mod charges;
mod rates;
mod tax;
mod webhooks;

pub use accounts::{AccountState, ConnectedAccounts, OnboardingPage, Payouts};
pub use books::{BookLine, Books};
pub use challenges::{Challenges, NoChallenges};
pub use charges::{Buyer, Charges, Completion, FetchedPayment, Opened, PayWith, RefundOrder};
pub use rates::{ExchangeRates, NoExchangeRates};
pub use tax::{CalculatedTax, TaxCalculation, TaxReversal, TaxService};
pub use webhooks::{Headers, WebhookError, WebhookEvent, WebhookSubject, Webhooks};

/// The ports of one payment gateway. Each provider builds its own, such as `providers::stripe::gateway`.
#[derive(Clone)]
pub struct Gateway {
    /// The gateway that these ports lead to.
    pub kind: GatewayKind,
    /// Payments of clients.
    pub charges: Arc<dyn Charges>,
    /// Accounts of experts.
    pub accounts: Arc<dyn ConnectedAccounts>,
    /// Events that the gateway sends.
    pub webhooks: Arc<dyn Webhooks>,
    /// Payouts to experts' banks, if the gateway reports them.
    pub payouts: Option<Arc<dyn Payouts>>,
    /// The gateway's records of the platform's balance, if the ledger can be reconciled with them.
    pub books: Option<Arc<dyn Books>>,
    /// The gateway's tax service, if it has one.
    pub tax_service: Option<Arc<dyn TaxService>>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Gateway").field(&self.kind).finish()
    }
}

/// The payment gateways that a function can use. A function that makes no payments has none, and needs no access to their
/// secrets.
#[derive(Debug, Clone, Default)]
pub struct Gateways(BTreeMap<GatewayKind, Gateway>);

impl Gateways {
    /// No gateways.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a gateway, or replaces the one of the same kind.
    #[must_use]
    pub fn with(mut self, gateway: Gateway) -> Self {
        self.0.insert(gateway.kind, gateway);
        self
    }

    /// The ports of a gateway.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`] if the gateway is not configured in this process.
    pub fn get(&self, kind: GatewayKind) -> Result<&Gateway, GatewayError> {
        let gateway = self.0.get(&kind);
        gateway.ok_or_else(|| GatewayError::Unavailable(format!("{kind} is not configured here")))
    }

    /// All configured gateways.
    pub fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.0.values()
    }
}

/// The reason why a gateway did not do what was requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The gateway refused permanently. The same request would be refused again.
    #[error("the payment gateway refused the request ({code}): {message}")]
    Refused {
        /// The gateway's error code.
        code: String,
        /// The gateway's error message.
        message: String,
    },
    /// The gateway refused for now and did not act. The request may succeed later, under a new idempotency key: the gateway
    /// gives the same response to the same key.
    #[error("the payment gateway refused the request for now ({code}): {message}")]
    NotNow {
        /// The gateway's error code.
        code: String,
        /// The gateway's error message.
        message: String,
    },
    /// The gateway had an internal error and may or may not have acted; fetch the payment to find out. The gateway gives the
    /// same response to the same idempotency key.
    #[error("the payment gateway failed: {0}")]
    Failed(String),
    /// The gateway did not respond, or its response could not be read. It may have acted.
    #[error("the payment gateway is not available: {0}")]
    Unavailable(String),
}
