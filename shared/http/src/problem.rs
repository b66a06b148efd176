//! Errors as problem documents (RFC 9457), and the catalog of their types. Each area with errors of its own has a file for them.

mod catalog;
mod general;
mod operations;
mod payments;
mod receipts;
mod scheduling;

use app::AppError;
use domain::{Money, Timestamp, Violations};
use schemars::JsonSchema;
use serde::Serialize;
use store::{CommitError, ReadError, TableError};

pub use catalog::{ProblemType, catalog};
pub use general::*;
pub use operations::*;
pub use payments::*;
pub use receipts::*;
pub use scheduling::*;

use crate::schema::MAX_VIOLATIONS;

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";
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
    /// The values of the request that caused the problem. If values are invalid, all of them are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub violations: Vec<Violation>,
    /// True if there are more violations than are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The current version of the resource, if `If-Match` named another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<u64>,
    /// If a slot was refused, the next starts that the same request could book now; at most five, within two weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<Timestamp>>,
    /// If the expected price was not the current one, the current one, for all seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// If a limit is reached, the limit: the largest number that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// If a challenge must be solved, the public key with which the client's browser shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_key: Option<String>,
    /// The number of seconds to wait before retrying. The header `Retry-After` has the same value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// A value of the request that caused the problem. Exactly one of `pointer`, `parameter` and `header` says where the value is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// The place of the value in the body: a JSON Pointer (RFC 6901), such as `/price/amount`. It is empty for the whole body. A
    /// required member that is missing has the pointer that it would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The name of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<&'static str>,
    /// What the value must be.
    pub detail: String,
}

impl Violation {
    /// Where the value is, for people and logs.
    pub fn place(&self) -> &str {
        match (&self.pointer, &self.parameter, self.header) {
            (Some(pointer), _, _) if pointer.is_empty() => "body",
            (Some(place), _, _) | (_, Some(place), _) => place,
            (_, _, header) => header.unwrap_or_default(),
        }
    }
}

impl Problem {
    /// Creates a problem of a type of the catalog.
    pub fn new(kind: &'static ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.urn(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            violations: Vec::new(),
            truncated: false,
            current_version: None,
            alternatives: None,
            price: None,
            limit: None,
            site_key: None,
            retry_after: kind.is_temporary().then_some(RETRY_AFTER),
        }
    }

    /// Says that a member of the body caused the problem. The detail of the problem also describes the violation.
    #[must_use]
    pub fn with_pointer(self, pointer: &str) -> Self {
        self.with_violation(Some(pointer.to_owned()), None)
    }

    /// Says that a header caused the problem. The detail of the problem also describes the violation.
    #[must_use]
    pub fn with_header(self, name: &'static str) -> Self {
        self.with_violation(None, Some(name))
    }

    fn with_violation(mut self, pointer: Option<String>, header: Option<&'static str>) -> Self {
        let detail = self.detail.clone();
        self.violations.push(Violation { pointer, parameter: None, header, detail });
        self
    }

    /// 400: the request cannot be parsed.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(MALFORMED, detail)
    }

    /// 422: values of the body are invalid.
    pub fn invalid(violations: Violations) -> Self {
        let mut problem = Self::new(INVALID, "");
        for violation in violations {
            let (pointer, detail) = (Some(violation.pointer), violation.must);
            problem.violations.push(Violation { pointer, parameter: None, header: None, detail });
        }
        problem.truncated = problem.violations.len() > MAX_VIOLATIONS;
        problem.violations.truncate(MAX_VIOLATIONS);
        problem.summarize();
        problem
    }

    /// 422: a query parameter is invalid.
    pub fn invalid_parameter(name: &str, must: impl Into<String>) -> Self {
        Self::invalid(Violations::one(crate::schema::member("", name), must)).of_query()
    }

    /// Says that the violations are in the query instead of the body.
    #[must_use]
    pub(crate) fn of_query(mut self) -> Self {
        for violation in &mut self.violations {
            if let Some(pointer) = violation.pointer.take() {
                // A parameter has no members, so its pointer is its escaped name.
                let name = pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~");
                violation.parameter = Some(name);
            }
        }
        self.summarize();
        self
    }

    /// Sets the detail of a problem about invalid values.
    fn summarize(&mut self) {
        if self.kind != INVALID.urn() {
            return;
        }
        self.detail = match self.violations.as_slice() {
            [only] => format!("{}: {}", only.place(), only.detail),
            several => format!("{} values are invalid; see violations", several.len()),
        };
    }

    /// 401: the request has no valid access token.
    pub fn unauthorized() -> Self {
        Self::new(UNAUTHORIZED, "send a valid access token in the header \"Authorization: Bearer …\"")
    }

    /// 403: the caller lacks permission.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(FORBIDDEN, detail)
    }

    /// 404: the resource does not exist, or the caller may not see it.
    pub fn not_found(what: &str) -> Self {
        Self::new(NOT_FOUND, format!("{what} not found"))
    }

    /// 500. The cause is logged and not returned.
    pub fn internal() -> Self {
        Self::new(INTERNAL, "an internal error occurred; try again later")
    }

    /// 503 with `Retry-After`: a dependency is unavailable.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(UNAVAILABLE, detail)
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::SignInRequired => Self::unauthorized(),
            AppError::Forbidden(_) => Self::forbidden(detail),
            AppError::NotFound(what) => Self::not_found(what),
            AppError::NotCreated(detail) => Self::new(NOT_FOUND, detail),
            AppError::Invalid(violations) => Self::invalid(violations),
            AppError::VersionMismatch { current } => {
                let problem = Self::new(VERSION_MISMATCH, detail).with_header("If-Match");
                Self { current_version: Some(current.unwrap_or(0)), ..problem }
            }
            AppError::Exists(_) => Self::new(EXISTS, detail),
            AppError::TooMany(_) => Self::new(TOO_MANY, detail),
            AppError::NewerRelease(_) => Self::new(NEWER_RELEASE, detail),
            AppError::KeyReused => Self::new(IDEMPOTENCY_KEY_REUSED, detail).with_header("Idempotency-Key"),
            AppError::StillRunning => Self::new(STILL_RUNNING, detail).with_header("Idempotency-Key"),
            AppError::Scheduling(error) => scheduling::from_error(&error),
            AppError::Payments(error) => payments::from_error(error),
            AppError::Receipts(error) => receipts::from_error(&error),
            AppError::Operations(error) => operations::from_error(&error),
            AppError::Port(..) => {
                tracing::error!(%detail, "a service is not available");
                Self::unavailable("a service that the platform uses did not respond; try again")
            }
            AppError::Busy
            | AppError::Commit(
                CommitError::VersionConflict(_)
                | CommitError::InUse(_)
                | CommitError::Table(TableError::Busy(_)),
            )
            | AppError::Read(ReadError::Table(TableError::Busy(_))) => {
                Self::unavailable("too many requests change the same data at once; try again")
            }
            AppError::Read(ReadError::Table(TableError::Unavailable(_)))
            | AppError::Commit(CommitError::Table(TableError::Unavailable(_))) => {
                tracing::error!(%detail, "the table is not available");
                Self::unavailable("the database did not respond; send the same request again")
            }
            AppError::Read(ReadError::NewerRelease { .. })
            | AppError::Commit(CommitError::NewerRelease(_)) => {
                tracing::error!(%detail, "a newer release has written a row");
                let detail =
                    "a newer release has stored something here that this one does not know; try again later";
                Self::new(NEWER_RELEASE, detail)
            }
            AppError::Read(ReadError::Corrupt { .. })
            | AppError::Commit(CommitError::RowTwice(_) | CommitError::Unstorable(_)) => {
                tracing::error!(%detail, "a row cannot be read or stored");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use app::operations::jobs::UnreadableEntry;
    use app::payments::error::PaymentsError;
    use app::payments::ports::{GatewayError, WebhookError};
    use app::ports::PortError;
    use app::receipts::error::ReceiptsError;
    use app::scheduling::error::SchedulingError;
    use domain::scheduling::appointment::ChangeRefusal;
    use domain::scheduling::booking_limits::LimitReached;
    use domain::scheduling::occupancy::Refusal;
    use domain::scheduling::slots;
    use domain::{Currency, Money};

    use super::*;

    fn gateway(error: GatewayError) -> AppError {
        PaymentsError::Gateway(error).into()
    }

    #[test]
    fn every_error_has_its_status_and_type() {
        let text = String::new;
        let date = Timestamp::from_seconds(0).utc_date();
        let zero = || Money::new(0, Currency::EUR).expect("small");
        let slot =
            |refusal: Refusal| AppError::from(SchedulingError::Slot { refusal, alternatives: Vec::new() });
        let not_offered = |refusal: slots::Refusal| slot(Refusal::NotOffered(refusal));
        let status = ChangeRefusal::Status { status: "expired", requested: "cancelled" };
        let too_soon = slots::Refusal::TooSoon { earliest: Timestamp::from_seconds(0) };
        let corrupt = ReadError::Corrupt { key: text(), reason: text() };
        let newer = ReadError::NewerRelease { key: text(), reason: text() };
        let (limit, with_expert, again_at) = (1, true, Timestamp::from_seconds(0));
        let attempts = LimitReached::AttemptsOfAddress { limit: 1, again_at };
        let overlap = SchedulingError::Overlap { start: again_at, end: again_at };
        let too_far = domain::payments::payment::TooFarAhead { ends_by: again_at };
        let reached = |reached: LimitReached| AppError::from(SchedulingError::Limit { reached, seconds: 1 });
        let key = store::keys::Key { pk: text(), sk: text() };
        let cases: [(AppError, u16, &str, Option<&str>); 61] = [
            (AppError::SignInRequired, 401, "unauthorized", None),
            (AppError::Forbidden(""), 403, "forbidden", None),
            (AppError::NotFound(""), 404, "not-found", None),
            (AppError::NotCreated(""), 404, "not-found", None),
            (AppError::Invalid(Violations::one("/f", text())), 422, "invalid", Some("/f")),
            (AppError::VersionMismatch { current: Some(2) }, 412, "version-mismatch", Some("If-Match")),
            (AppError::Exists(""), 409, "already-exists", None),
            (AppError::TooMany(""), 409, "limit-exceeded", None),
            (AppError::NewerRelease(""), 409, "newer-release", None),
            (AppError::KeyReused, 422, "idempotency-key-reused", Some("Idempotency-Key")),
            (AppError::StillRunning, 409, "request-in-progress", Some("Idempotency-Key")),
            (AppError::Port("", PortError(text())), 503, "unavailable", None),
            (AppError::Busy, 503, "unavailable", None),
            (AppError::Commit(CommitError::VersionConflict(Vec::new())), 503, "unavailable", None),
            (AppError::Commit(CommitError::InUse(Vec::new())), 503, "unavailable", None),
            (AppError::Commit(TableError::Busy(text()).into()), 503, "unavailable", None),
            (AppError::Commit(TableError::Unavailable(text()).into()), 503, "unavailable", None),
            (AppError::Commit(CommitError::Unstorable(text())), 500, "internal", None),
            (TableError::Busy(text()).into(), 503, "unavailable", None),
            (TableError::Unavailable(text()).into(), 503, "unavailable", None),
            (newer.into(), 409, "newer-release", None),
            (corrupt.into(), 500, "internal", None),
            (slot(Refusal::Retired), 409, "session-type-retired", None),
            (not_offered(too_soon), 409, "too-soon", Some("/start")),
            (
                not_offered(slots::Refusal::AfterWindow { last_date: date }),
                409,
                "outside-booking-window",
                Some("/start"),
            ),
            (
                not_offered(slots::Refusal::BeforeWindow { first: date }),
                409,
                "outside-booking-window",
                Some("/start"),
            ),
            (not_offered(slots::Refusal::Blocked { date }), 409, "not-offered", Some("/start")),
            (slot(Refusal::Taken), 409, "slot-taken", Some("/start")),
            (slot(Refusal::TooClose), 409, "slot-too-close", Some("/start")),
            (slot(Refusal::Busy), 409, "expert-busy", Some("/start")),
            (slot(Refusal::DayFull { date, cap: 1 }), 409, "day-full", Some("/start")),
            (slot(Refusal::DayMinutesFull { date, cap: 1 }), 409, "day-full", Some("/start")),
            (slot(Refusal::WeekFull { date, cap: 1 }), 409, "week-full", Some("/start")),
            (slot(Refusal::Seats { wanted: 2, left: 1 }), 409, "seats-taken", Some("/seats")),
            (status.into(), 409, "invalid-status", None),
            (ChangeRefusal::NewerRelease.into(), 409, "newer-release", None),
            (CommitError::NewerRelease(key).into(), 409, "newer-release", None),
            (SchedulingError::NotLive.into(), 409, "expert-not-live", None),
            (SchedulingError::AtCapacity.into(), 409, "expert-at-capacity", None),
            (SchedulingError::NoHours.into(), 409, "availability-not-published", None),
            (reached(LimitReached::OpenHolds { limit, with_expert, again_at }), 409, "too-many-holds", None),
            (reached(LimitReached::UnpaidHolds { unpaid: 2, limit, again_at }), 429, "unpaid-holds", None),
            (reached(LimitReached::BookingsOfDay { limit, again_at }), 429, "too-many-bookings", None),
            (
                reached(LimitReached::FreeAppointments { limit, with_expert, again_at }),
                409,
                "too-many-free-appointments",
                None,
            ),
            (reached(attempts), 429, "too-many-attempts", None),
            (overlap.into(), 409, "overlapping-session", Some("/start")),
            (SchedulingError::from(too_far).into(), 409, "too-far-ahead", None),
            (SchedulingError::HoldEnded.into(), 409, "hold-expired", None),
            (
                SchedulingError::PriceChanged { price: zero(), expected: zero() }.into(),
                409,
                "price-changed",
                Some("/expected_price"),
            ),
            (
                SchedulingError::QuoteChanged { refund: zero(), expected: zero() }.into(),
                409,
                "quote-changed",
                Some("/expected_refund"),
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
            (ReceiptsError::TaxNotReady(text()).into(), 409, "tax-not-ready", Some("/tax")),
            (UnreadableEntry::Schema.into(), 409, "job-unreadable", None),
        ];
        for (error, status, kind, place) in cases {
            let case = format!("{error:?}");
            let problem = Problem::from(error);
            assert_eq!(problem.status, status, "{case}");
            assert_eq!(problem.kind, format!("urn:expert-connect:problem:{kind}"), "{case}");
            assert_eq!(problem.violations.first().map(Violation::place), place, "{case}");
            let limits = ["too-many-holds", "too-many-free-appointments"];
            let retry =
                [429, 503].contains(&status) || kind == "request-in-progress" || limits.contains(&kind);
            assert_eq!(problem.retry_after.is_some(), retry, "{case}");
        }
    }

    #[test]
    fn violations_say_where_the_values_are() {
        let mut violations = Violations::one("/price/amount", "must be above zero");
        violations.add("/a~1b", "is required");
        let problem = Problem::invalid(violations.clone());
        assert_eq!(problem.detail, "2 values are invalid; see violations");
        assert_eq!(problem.violations[1].pointer.as_deref(), Some("/a~1b"));
        let problem = Problem::invalid(violations).of_query().of_query();
        assert_eq!(
            (&problem.violations[1].pointer, problem.violations[1].parameter.as_deref()),
            (&None, Some("a/b"))
        );
        let problem = Problem::invalid(Violations::one("", "must be an object"));
        assert_eq!(problem.detail, "body: must be an object");
        assert_eq!(
            Problem::invalid_parameter("limit", "must be given once").detail,
            "limit: must be given once"
        );
    }

    #[test]
    fn the_list_of_violations_is_limited() {
        let violations = |count| {
            let mut violations = Violations::default();
            (0..count).for_each(|at| violations.add(format!("/{at}"), "must be left out"));
            let problem = Problem::invalid(violations);
            (problem.violations.len(), problem.truncated)
        };
        assert_eq!((violations(100), violations(101)), ((100, false), (100, true)));
    }

    #[test]
    fn a_refusal_of_the_gateway_does_not_show_its_message() {
        let refused = GatewayError::Refused { code: "c".to_owned(), message: "account acct_1".to_owned() };
        assert_eq!(Problem::from(gateway(refused)).detail, "the payment gateway refused (c)");
    }
}
