//! Errors of the area `receipts`.

/// Why billing details were not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsError {
    /// The gateway cannot calculate taxes for the expert. The text says what the expert has to do.
    #[error("{0}")]
    TaxNotReady(String),
}
