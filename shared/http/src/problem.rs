//! Errors as problem documents (RFC 9457). Each area with errors of its own has a file for them.

mod payments;
mod receipts;
mod scheduling;

use app::AppError;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use store::{CommitError, ReadError, TableError};

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// The prefix of every problem type.
const NAMESPACE: &str = "urn:expert-connect:problem:";
/// The default value of `Retry-After`, in seconds.
const RETRY_AFTER: u32 = 2;

/// An error response (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The problem type, a stable URN: `urn:expert-connect:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short summary of the problem type.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and how to correct it.
    pub detail: String,
    /// The body member, parameter or header that caused the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The current version of the resource, if `If-Match` named another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<u64>,
    /// The number of seconds to wait before retrying. The header `Retry-After` has the same value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// Creates a problem of the type `name`.
    pub fn new(status: StatusCode, name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{NAMESPACE}{name}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            current_version: None,
            retry_after: None,
        }
    }

    /// Sets `field`.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn with_retry_after(mut self) -> Self {
        self.retry_after = Some(RETRY_AFTER);
        self
    }

    /// 400: the request cannot be parsed.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request is malformed", detail)
    }

    /// 422: a value is invalid.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is invalid", detail).with_field(field)
    }

    /// 401: the request has no valid access token.
    pub fn unauthorized() -> Self {
        let detail = "send a valid access token in the header \"Authorization: Bearer …\"";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Authentication is required", detail)
    }

    /// 403: the caller lacks permission.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Access is denied", detail)
    }

    /// 404: the resource does not exist, or the caller may not see it.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "The resource does not exist",
            format!("the {what} does not exist"),
        )
    }

    /// 500. The cause is logged and not returned.
    pub fn internal() -> Self {
        let detail = "an internal error occurred; try again later";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// 503 with `Retry-After`: a dependency is unavailable.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service is unavailable", detail)
            .with_retry_after()
    }

    fn conflict(kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::SignInRequired => Self::unauthorized(),
            AppError::Forbidden(_) => Self::forbidden(detail),
            AppError::NotFound(what) => Self::not_found(what),
            AppError::Invalid { field, must } => Self::invalid(field, must),
            AppError::VersionMismatch { current } => {
                let title = "The resource has changed";
                let mut problem =
                    Self::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", title, detail);
                problem.current_version = Some(current);
                problem.with_field("If-Match")
            }
            AppError::Exists(_) => Self::conflict("exists", "The resource already exists", detail),
            AppError::TooMany(_) => Self::conflict("too-many", "A limit is reached", detail),
            AppError::KeyReused => {
                let title = "The idempotency key was used for another request";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title, detail)
                    .with_field("Idempotency-Key")
            }
            AppError::StillRunning => {
                Self::conflict("still-running", "The first request is still running", detail)
                    .with_field("Idempotency-Key")
                    .with_retry_after()
            }
            AppError::Scheduling(error) => scheduling::problem(&error),
            AppError::Payments(error) => payments::problem(error),
            AppError::Receipts(error) => receipts::problem(&error),
            AppError::Port(..) => {
                tracing::error!(%detail, "a service is not available");
                Self::unavailable("a service that the platform uses did not respond; try again")
            }
            AppError::Busy
            | AppError::Commit(CommitError::VersionConflict(_) | CommitError::Table(TableError::Busy(_)))
            | AppError::Read(ReadError::Table(TableError::Busy(_))) => {
                Self::unavailable("too many requests change the same data at once; try again")
            }
            AppError::Read(ReadError::Table(TableError::Unavailable(_)))
            | AppError::Commit(CommitError::Table(TableError::Unavailable(_))) => {
                tracing::error!(%detail, "the table is not available");
                Self::unavailable("the database did not respond; send the same request again")
            }
            AppError::Read(ReadError::Corrupt { .. }) | AppError::Commit(CommitError::Unstorable(_)) => {
                tracing::error!(%detail, "a row cannot be read or stored");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use app::payments::error::PaymentsError;
    use app::payments::ports::{GatewayError, WebhookError};
    use app::ports::PortError;
    use app::receipts::error::ReceiptsError;
    use app::scheduling::error::SchedulingError;
    use domain::scheduling::appointment::ChangeRefusal;
    use domain::scheduling::occupancy::Refusal;
    use domain::scheduling::slots;
    use domain::{Currency, Money, Timestamp};

    use super::*;

    fn gateway(error: GatewayError) -> AppError {
        PaymentsError::Gateway(error).into()
    }

    #[test]
    fn every_error_has_its_status_and_type() {
        let text = String::new;
        let date = Timestamp::from_seconds(0).utc_date();
        let zero = || Money::new(0, Currency::EUR).expect("small");
        let slot = |refusal: Refusal| AppError::from(refusal);
        let not_offered = |refusal: slots::Refusal| AppError::from(Refusal::NotOffered(refusal));
        let status = ChangeRefusal::Status { status: "expired", requested: "cancelled" };
        let too_soon = slots::Refusal::TooSoon { earliest: Timestamp::from_seconds(0) };
        let corrupt = ReadError::Corrupt { key: text(), reason: text() };
        let cases: [(AppError, u16, &str, Option<&str>); 43] = [
            (AppError::SignInRequired, 401, "unauthorized", None),
            (AppError::Forbidden(""), 403, "forbidden", None),
            (AppError::NotFound(""), 404, "not-found", None),
            (AppError::Invalid { field: "f".to_owned(), must: text() }, 422, "invalid", Some("f")),
            (AppError::VersionMismatch { current: 2 }, 412, "version-mismatch", Some("If-Match")),
            (AppError::Exists(""), 409, "exists", None),
            (AppError::TooMany(""), 409, "too-many", None),
            (AppError::KeyReused, 422, "idempotency-key-reused", Some("Idempotency-Key")),
            (AppError::StillRunning, 409, "still-running", Some("Idempotency-Key")),
            (AppError::Port("", PortError(text())), 503, "unavailable", None),
            (AppError::Busy, 503, "unavailable", None),
            (AppError::Commit(CommitError::VersionConflict(Vec::new())), 503, "unavailable", None),
            (AppError::Commit(TableError::Busy(text()).into()), 503, "unavailable", None),
            (AppError::Commit(TableError::Unavailable(text()).into()), 503, "unavailable", None),
            (AppError::Commit(CommitError::Unstorable(text())), 500, "internal", None),
            (TableError::Busy(text()).into(), 503, "unavailable", None),
            (TableError::Unavailable(text()).into(), 503, "unavailable", None),
            (corrupt.into(), 500, "internal", None),
            (slot(Refusal::Retired), 409, "session-type-retired", None),
            (not_offered(too_soon), 409, "too-soon", Some("start")),
            (
                not_offered(slots::Refusal::AfterWindow { last_date: date }),
                409,
                "outside-booking-window",
                Some("start"),
            ),
            (
                not_offered(slots::Refusal::BeforeWindow { first: date }),
                409,
                "outside-booking-window",
                Some("start"),
            ),
            (not_offered(slots::Refusal::Blocked { date }), 409, "not-offered", Some("start")),
            (slot(Refusal::Taken), 409, "slot-taken", Some("start")),
            (slot(Refusal::TooClose), 409, "slot-too-close", Some("start")),
            (slot(Refusal::Busy), 409, "expert-busy", Some("start")),
            (slot(Refusal::DayFull { date, cap: 1 }), 409, "day-full", Some("start")),
            (slot(Refusal::WeekFull { date, cap: 1 }), 409, "week-full", Some("start")),
            (slot(Refusal::Seats { wanted: 2, left: 1 }), 409, "seats-taken", Some("seats")),
            (status.into(), 409, "invalid-status", None),
            (SchedulingError::NoHours.into(), 409, "no-hours", None),
            (SchedulingError::HoldEnded.into(), 409, "hold-expired", None),
            (
                SchedulingError::QuoteChanged { refund: zero(), expected: zero() }.into(),
                409,
                "quote-changed",
                Some("expected_refund"),
            ),
            (PaymentsError::NotReady.into(), 409, "payments-not-ready", None),
            (PaymentsError::State(text()).into(), 409, "payment-state", None),
            (gateway(GatewayError::Refused { code: text(), message: text() }), 409, "payment-refused", None),
            (gateway(GatewayError::NotNow { code: text(), message: text() }), 503, "unavailable", None),
            (gateway(GatewayError::Failed(text())), 503, "unavailable", None),
            (gateway(GatewayError::Unavailable(text())), 503, "unavailable", None),
            (WebhookError::Signature.into(), 400, "webhook-refused", None),
            (WebhookError::Stale.into(), 400, "webhook-refused", None),
            (WebhookError::Unavailable(PortError(text())).into(), 503, "unavailable", None),
            (ReceiptsError::TaxNotReady(text()).into(), 409, "tax-not-ready", Some("tax")),
        ];
        for (error, status, kind, field) in cases {
            let case = format!("{error:?}");
            let problem = Problem::from(error);
            assert_eq!(problem.status, status, "{case}");
            assert_eq!(problem.kind, format!("urn:expert-connect:problem:{kind}"), "{case}");
            assert_eq!(problem.field.as_deref(), field, "{case}");
            let retry = status == 503 || kind == "still-running";
            assert_eq!(problem.retry_after.is_some(), retry, "{case}");
        }
    }

    #[test]
    fn a_refusal_of_the_gateway_does_not_show_its_message() {
        let refused = GatewayError::Refused { code: "c".to_owned(), message: "account acct_1".to_owned() };
        assert_eq!(Problem::from(gateway(refused)).detail, "the payment gateway refused (c)");
    }
}
