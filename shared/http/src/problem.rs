//! Errors as problem documents (RFC 9457).

use app::AppError;
use app::payments::ports::{PaymentError, WebhookError};
use domain::scheduling::occupancy::Refusal;
use domain::scheduling::slots;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use store::{CommitError, ReadError, TableError};

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What every problem type begins with.
const NAMESPACE: &str = "urn:expert-connect:problem:";
/// Seconds after which to try again, when nothing better is known.
const RETRY_AFTER: u32 = 2;

/// Why a request was not done, for the person who must act (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Stable name of the kind of problem, `urn:expert-connect:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, where, and what to do.
    pub detail: String,
    /// The member of the body, the parameter or the header that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The version of the document as it stands, when an edit was made to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<u64>,
    /// Seconds after which to try again; also the header Retry-After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{NAMESPACE}{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            current_version: None,
            retry_after: None,
        }
    }

    /// The same, about this member, parameter or header.
    #[must_use]
    pub fn subject(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn try_again(mut self) -> Self {
        self.retry_after = Some(RETRY_AFTER);
        self
    }

    /// Something is missing in the request's form, or cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// The form is right and a value is not.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value cannot be taken", detail)
            .subject(field)
    }

    /// Nobody signed in.
    pub fn sign_in() -> Self {
        let detail = "send a valid access token in the header \"Authorization: Bearer …\"";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "Sign in first", detail)
    }

    /// Somebody signed in who may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not yours to do", detail)
    }

    /// There is no such thing, or it is none of the caller's business.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            format!("there is no such {what}"),
        )
    }

    /// A fault of ours. What happened is in the log, not in the answer.
    pub fn internal() -> Self {
        let detail = "something went wrong on our side; it has been noted";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Our fault", detail)
    }

    /// A service that we stand on is not available.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available just now", detail)
            .try_again()
    }

    fn conflict(kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }
}

fn of_slot(refusal: &Refusal) -> Problem {
    let (kind, title) = match refusal {
        Refusal::Retired => ("session-type-retired", "The session type is withdrawn"),
        Refusal::NotOffered(reason) => match reason {
            slots::Refusal::TooSoon { .. } => ("too-soon", "Too short notice"),
            slots::Refusal::TooFar { .. } | slots::Refusal::BeforeWindow { .. } => {
                ("outside-booking-window", "Outside the booking window")
            }
            _ => ("not-offered", "That time is not offered"),
        },
        Refusal::Taken => ("slot-taken", "Somebody was faster"),
        Refusal::TooClose => ("slot-too-close", "Too close to another appointment"),
        Refusal::Busy => ("expert-busy", "The expert is busy"),
        Refusal::DayFull { .. } => ("day-full", "The day is full"),
        Refusal::WeekFull { .. } => ("week-full", "The week is full"),
        Refusal::Seats { .. } => ("seats-taken", "Not enough seats"),
    };
    let problem = Problem::conflict(kind, title, refusal.to_string());
    match refusal {
        Refusal::Seats { .. } => problem.subject("seats"),
        Refusal::Retired => problem,
        _ => problem.subject("start"),
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::Forbidden(_) => Self::forbidden(detail),
            AppError::NotFound(what) => Self::not_found(what),
            AppError::Invalid { field, must } => Self::invalid(field, must),
            AppError::VersionMismatch { current } => {
                let title = "It was changed since you read it";
                let mut problem =
                    Self::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", title, detail);
                problem.current_version = Some(current);
                problem.subject("If-Match")
            }
            AppError::Exists(_) => Self::conflict("exists", "It exists already", detail),
            AppError::TooMany(_) => Self::conflict("too-many", "No more of these", detail),
            AppError::Slot(refusal) => of_slot(&refusal),
            AppError::Change(_) => Self::conflict("status", "Its status does not allow this", detail),
            AppError::NoHours => Self::conflict("no-hours", "No hours are published", detail),
            AppError::PaymentsNotReady => Self::conflict("payments-not-ready", "No payments yet", detail),
            AppError::TaxNotReady(_) => {
                Self::conflict("tax-not-ready", "Taxes cannot be calculated yet", detail).subject("tax")
            }
            AppError::QuoteChanged { .. } => {
                Self::conflict("quote-changed", "Calling off gives back another amount by now", detail)
                    .subject("expected_refund")
            }
            AppError::PaymentState(_) => {
                Self::conflict("payment-state", "The payment does not allow this", detail)
            }
            AppError::HoldEnded => Self::conflict("hold-ended", "The hold has ended", detail),
            AppError::KeyReused => {
                let title = "Another request has this key";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title, detail)
                    .subject("Idempotency-Key")
            }
            AppError::StillRunning => Self::conflict("still-running", "Still at work", detail)
                .subject("Idempotency-Key")
                .try_again(),
            AppError::Payment(PaymentError::Refused { code, message }) => {
                // The provider's words may name the expert's account, so they are not for the client.
                tracing::warn!(code, message, "the payment provider refused");
                let detail = format!("the payment provider refused ({code})");
                Self::conflict("payment-refused", "The payment provider refused", detail)
            }
            AppError::Payment(
                reason @ (PaymentError::Unavailable(_)
                | PaymentError::Failed(_)
                | PaymentError::NotNow { .. }),
            ) => {
                tracing::error!(%reason, "the payment provider is not available");
                Self::unavailable(
                    "the payment provider did not answer; nothing is lost: send the same request again, with the same \
                     Idempotency-Key",
                )
            }
            AppError::Webhook(WebhookError::Unavailable(reason)) => {
                tracing::error!(%reason, "a webhook could not be checked");
                Self::unavailable("the message could not be checked; send it again")
            }
            AppError::Webhook(WebhookError::Signature | WebhookError::Stale | WebhookError::Body(_)) => {
                Self::new(StatusCode::BAD_REQUEST, "webhook-refused", "The message was not taken", detail)
            }
            AppError::Port(..) => {
                tracing::error!(%detail, "a service is not available");
                Self::unavailable("a service that we stand on did not answer; try again")
            }
            AppError::Busy
            | AppError::Commit(CommitError::VersionConflict(_) | CommitError::Table(TableError::Busy(_)))
            | AppError::Read(ReadError::Table(TableError::Busy(_))) => {
                Self::unavailable("too many people want the same at once; try again")
            }
            AppError::Read(ReadError::Table(TableError::Unavailable(_)))
            | AppError::Commit(CommitError::Table(TableError::Unavailable(_))) => {
                tracing::error!(%detail, "the table is not available");
                Self::unavailable("our memory did not answer; send the same request again")
            }
            AppError::Read(ReadError::Corrupt { .. }) | AppError::Commit(CommitError::Unstorable(_)) => {
                tracing::error!(%detail, "a row is not what it should be");
                Self::internal()
            }
        }
    }
}
