//! Errors of the area `scheduling`.

use domain::experts::duration::NoPrice;
use domain::payments::payment::TooFarAhead;
use domain::scheduling::appointment::ChangeRefusal;
use domain::scheduling::booking_limits::LimitReached;
use domain::scheduling::occupancy::Refusal;
use domain::{Money, TimeSpan, Timestamp};

use crate::AppError;

/// Why a slot was not booked, or an appointment not changed.
#[derive(Debug, thiserror::Error)]
pub enum SchedulingError {
    /// The slot cannot be held.
    #[error("{refusal}")]
    Slot {
        /// Why it cannot be held.
        refusal: Refusal,
        /// The next starts that the same request could hold now, at most five.
        alternatives: Vec<Timestamp>,
    },
    /// A proposed slot cannot be held. None is.
    #[error("{refusal}")]
    ProposedSlot {
        /// The place of the start in the request.
        place: usize,
        /// Why it cannot be held.
        refusal: Refusal,
        /// The next starts that could be proposed instead of it, at most five.
        alternatives: Vec<Timestamp>,
    },
    /// The status of the appointment does not allow the change.
    #[error(transparent)]
    Change(#[from] ChangeRefusal),
    /// The expert is suspended.
    #[error("the expert cannot be booked at the moment")]
    NotLive,
    /// The expert has as many clients as they accompany at the same time, and the person is not one of them.
    #[error("the expert takes no new clients at the moment")]
    AtCapacity,
    /// Refunds that the expert caused have cost the platform too much in this month.
    #[error(
        "too many payments of this expert's sessions were refunded this month; book a free session, or book again at or after {again_at}"
    )]
    Paused {
        /// When the next month begins.
        again_at: Timestamp,
        /// The seconds until then.
        seconds: i64,
    },
    /// The client, or their network address, has reached a limit of holds and bookings.
    #[error("{reached}")]
    Limit {
        /// The limit.
        reached: LimitReached,
        /// The seconds until it allows the booking.
        seconds: i64,
    },
    /// Another session of the client overlaps this one.
    #[error(
        "you have another session from {start} to {end}; choose another start, or send \"allow_overlap\": true to have both"
    )]
    Overlap {
        /// The start of the other session.
        start: Timestamp,
        /// The end of the other session.
        end: Timestamp,
    },
    /// Another session of the client overlaps one of the starts that they propose.
    #[error(
        "you have another session from {start} to {end}; propose another start, or send \"allow_overlap\": true to propose it anyway"
    )]
    ProposedOverlap {
        /// The place of the start in the list.
        place: usize,
        /// The start of the other session.
        start: Timestamp,
        /// The end of the other session.
        end: Timestamp,
    },
    /// The expert has not published availability rules.
    #[error("the expert has not published any hours yet")]
    NoHours,
    /// The duration has no price now.
    #[error("this duration has no price now, because {0}; choose another one")]
    NoPrice(NoPrice),
    /// The session costs another amount than the client expects. Nothing is held.
    #[error("the session now costs {price}, not {expected}; book again with the price that you accept")]
    PriceChanged {
        /// The price of all seats now, in the currency in which the client pays.
        price: Money,
        /// The price that the client expects.
        expected: Money,
    },
    /// The gateway could not hold or refund the payment until the session.
    #[error(transparent)]
    TooFarAhead(#[from] TooFarAhead),
    /// The hold ended before its payment was opened.
    #[error("the hold has ended; book again with a new Idempotency-Key")]
    HoldEnded,
    /// A cancellation would refund another amount than the person expects. The appointment is not cancelled.
    #[error("a cancellation now refunds {refund}, not {expected}; read the quote again")]
    QuoteChanged {
        /// The refund of a cancellation now.
        refund: Money,
        /// The refund that the person expects.
        expected: Money,
    },
}

impl SchedulingError {
    /// The error for an expert whose sessions with a price cannot be booked before `again_at`.
    pub(crate) fn paused(again_at: Timestamp, now: Timestamp) -> Self {
        Self::Paused { again_at, seconds: TimeSpan::new(now, again_at).seconds() }
    }

    /// The error for a limit that is reached at `now`.
    pub(crate) fn limit(reached: LimitReached, now: Timestamp) -> Self {
        let seconds = TimeSpan::new(now, reached.again_at()).seconds();
        Self::Limit { reached, seconds }
    }
}

impl From<ChangeRefusal> for AppError {
    fn from(refusal: ChangeRefusal) -> Self {
        SchedulingError::from(refusal).into()
    }
}
