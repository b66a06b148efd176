//! Errors of the area `payments`.

use domain::payments::payment::{Payment, PaymentState};

use crate::AppError;
use crate::payments::declines::DeclineRefusal;
use crate::payments::ports::{GatewayError, WebhookError};

/// Why a payment, a payment account or a webhook event was not processed.
#[derive(Debug, thiserror::Error)]
pub enum PaymentsError {
    /// The expert has no account at the gateway that accepts payments.
    #[error("the expert cannot take payments yet; sessions without a price can be booked")]
    NotReady,
    /// The state of the payment does not allow the request. The text says why.
    #[error("{0}")]
    State(String),
    /// Attempts to pay were declined, so no payment can be opened now.
    #[error(transparent)]
    Declined(#[from] DeclineRefusal),
    /// The gateway did not execute a request. A hold that the use case has committed stays, unless the gateway refused
    /// permanently.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A webhook event was rejected.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

/// Requires that this release knows every value of the payment, such as why it is escalated. A change would overwrite the unknown
/// ones, and money that waits for an administrator would move.
///
/// # Errors
/// [`AppError::NewerRelease`] if the state is unknown.
pub(crate) fn check_known(payment: &Payment) -> Result<(), AppError> {
    match payment.state {
        PaymentState::Unknown => Err(AppError::NewerRelease(
            "a newer release has stored something in the payment that this one does not know; try again later",
        )),
        _ => Ok(()),
    }
}

impl From<GatewayError> for AppError {
    fn from(error: GatewayError) -> Self {
        PaymentsError::from(error).into()
    }
}

impl From<WebhookError> for AppError {
    fn from(error: WebhookError) -> Self {
        PaymentsError::from(error).into()
    }
}
