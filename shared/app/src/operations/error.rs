//! Errors of the area `operations`, and what an outbox entry stores of an error.

use store::{CommitError, ReadError, TableError};

use super::jobs::UnreadableEntry;
use crate::AppError;
use crate::payments::error::PaymentsError;
use crate::payments::ports::GatewayError;

/// Why a failing job was not retried.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    /// The outbox entry still cannot be read.
    #[error("{0}; deploy a release that can read it")]
    Unreadable(#[from] UnreadableEntry),
}

impl From<UnreadableEntry> for AppError {
    fn from(error: UnreadableEntry) -> Self {
        OperationsError::from(error).into()
    }
}

/// The longest code of a gateway that is stored, in bytes.
const MAX_CODE: usize = 64;

/// Why a job failed, as it is stored in its outbox entry and shown to administrators. The log has the whole error.
///
/// Messages of gateways and of other services are left out, because they can contain personal data.
pub(super) fn reason(error: &AppError) -> String {
    let code = |code: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let is_code = !code.is_empty() && code.len() <= MAX_CODE && code.bytes().all(plain);
        if is_code { code.to_owned() } else { "unknown code".to_owned() }
    };
    match error {
        AppError::Payments(PaymentsError::Gateway(error)) => match error {
            GatewayError::Refused { code: refused, .. } => {
                format!("the payment gateway refused the request ({})", code(refused))
            }
            GatewayError::NotNow { code: refused, .. } => {
                format!("the payment gateway refused the request for now ({})", code(refused))
            }
            GatewayError::Failed(_) => "the payment gateway failed".to_owned(),
            GatewayError::Unavailable(_) => "the payment gateway is not available".to_owned(),
        },
        AppError::Payments(PaymentsError::Webhook(_)) => {
            "the payment gateway's event was rejected".to_owned()
        }
        AppError::Port(service, _) => format!("{service} is not available"),
        AppError::Invalid(_) => "a value is invalid".to_owned(),
        AppError::Receipts(_) => "the gateway cannot calculate taxes for the expert".to_owned(),
        AppError::Read(ReadError::Table(error)) | AppError::Commit(CommitError::Table(error)) => {
            table_reason(error).to_owned()
        }
        AppError::Read(ReadError::NewerRelease { key, .. }) => {
            format!("a newer release has written the row {key}")
        }
        AppError::Commit(CommitError::NewerRelease(key)) => {
            format!("a newer release has written the row {key}")
        }
        AppError::Read(ReadError::Corrupt { key, .. }) => format!("the row {key} cannot be read"),
        AppError::Commit(CommitError::RowTwice(key)) => format!("the change contains the row {key} twice"),
        AppError::Commit(CommitError::Unstorable(_)) => "a row cannot be stored".to_owned(),
        // These texts are the platform's own, and have ids, times and amounts at most.
        AppError::SignInRequired
        | AppError::Forbidden(_)
        | AppError::NotFound(_)
        | AppError::NotCreated(_)
        | AppError::VersionMismatch { .. }
        | AppError::Exists(_)
        | AppError::TooMany(_)
        | AppError::NewerRelease(_)
        | AppError::KeyReused
        | AppError::StillRunning
        | AppError::Scheduling(_)
        | AppError::Payments(
            PaymentsError::NotReady | PaymentsError::State(_) | PaymentsError::Declined(_),
        )
        | AppError::Operations(_)
        | AppError::Busy
        | AppError::Commit(CommitError::VersionConflict(_) | CommitError::InUse(_)) => error.to_string(),
    }
}

fn table_reason(error: &TableError) -> &'static str {
    match error {
        TableError::Busy(_) => "the table is busy",
        TableError::Unavailable(_) => "the table is not available",
    }
}

#[cfg(test)]
mod tests {
    use domain::Violations;

    use super::*;
    use crate::ports::PortError;

    #[test]
    fn reason_contains_no_text_of_another_service() {
        let private = || "alan@example.org".to_owned();
        let gateway = |error: GatewayError| AppError::from(error);
        let row = || "APT#1 / A".to_owned();
        let newer = ReadError::NewerRelease { key: row(), reason: private() };
        let corrupt = ReadError::Corrupt { key: row(), reason: private() };
        for (error, expected) in [
            (
                gateway(GatewayError::Refused { code: "card_declined".to_owned(), message: private() }),
                "the payment gateway refused the request (card_declined)",
            ),
            (
                gateway(GatewayError::NotNow { code: private(), message: private() }),
                "the payment gateway refused the request for now (unknown code)",
            ),
            (gateway(GatewayError::Failed(private())), "the payment gateway failed"),
            (gateway(GatewayError::Unavailable(private())), "the payment gateway is not available"),
            (AppError::Port("the event bus", PortError(private())), "the event bus is not available"),
            (AppError::Invalid(Violations::one("/charge", private())), "a value is invalid"),
            (TableError::Busy(private()).into(), "the table is busy"),
            (CommitError::from(TableError::Unavailable(private())).into(), "the table is not available"),
            (newer.into(), "a newer release has written the row APT#1 / A"),
            (corrupt.into(), "the row APT#1 / A cannot be read"),
            (CommitError::Unstorable(private()).into(), "a row cannot be stored"),
        ] {
            assert_eq!(reason(&error), expected);
        }
    }
}
