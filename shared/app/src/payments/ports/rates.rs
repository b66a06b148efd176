//! The publisher of exchange rates.

use async_trait::async_trait;
use domain::payments::exchange::ReferenceRates;

use crate::ports::PortError;

/// Publishes reference rates of currencies against the euro. They are used to estimate prices in other currencies.
#[async_trait]
pub trait ExchangeRates: Send + Sync {
    /// The latest published rates. They are well-formed; the caller checks whether they are plausible.
    ///
    /// # Errors
    /// If the rates cannot be fetched or read.
    async fn latest(&self) -> Result<ReferenceRates, PortError>;
}

/// Fetches no rates: for functions that only read stored rates.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExchangeRates;

#[async_trait]
impl ExchangeRates for NoExchangeRates {
    async fn latest(&self) -> Result<ReferenceRates, PortError> {
        Err(PortError("this function does not fetch exchange rates".to_owned()))
    }
}
