//! The life cycle of an appointment: `pending → confirmed → completed`, or `expired`, `cancelled`, `no_show`.

use crate::experts::policy::{CancellationPolicy, ReschedulePolicy, ReschedulePrice};
use crate::kernel::text::{Email, LongText, ShortText};
use crate::kernel::time::MINUTE;
use crate::scheduling::cancellation::{Basis, Quote, cancellation};
use crate::scheduling::party::Party;
use crate::scheduling::proposal::{MAX_PROPOSALS, Moves};
use crate::{AppointmentId, ClientId, ExpertId, Money, SessionTypeId, TimeSpan, Timestamp, Zone};

mod ending;

pub use ending::{LATE_MINUTES, NoShowReport, OBJECTION_HOURS, Outcome, REPORT_HOURS};

/// The status of an appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The slot is held while the client pays.
    Pending {
        /// The instant from which another booking may take the slot.
        hold_expires_at: Timestamp,
    },
    /// The session is booked.
    Confirmed,
    /// The session took place.
    Completed,
    /// One of the parties did not attend.
    NoShow {
        /// The party that did not attend.
        missed_by: Party,
    },
    /// The appointment was cancelled.
    Cancelled {
        /// The party that cancelled.
        cancelled_by: Party,
        /// When the appointment was cancelled.
        cancelled_at: Timestamp,
        /// The reason as entered by that party; may be empty.
        reason: LongText,
    },
    /// The hold ended without payment.
    Expired,
    /// A newer version of the code has written the status, or another value of the appointment, and this version does not know it.
    /// The appointment can be read and not changed.
    Unknown,
}

impl Status {
    /// Returns the status name used in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::NoShow { .. } => "no_show",
            Self::Cancelled { .. } => "cancelled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether the appointment occupies the expert's time.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Confirmed)
    }

    /// Returns whether the session took place or was missed.
    pub fn has_outcome(&self) -> bool {
        matches!(self, Self::Completed | Self::NoShow { .. })
    }
}

/// An event about an appointment or its payment, as published on the event bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The appointment was confirmed.
    Confirmed,
    /// The appointment was moved to another time.
    Rescheduled,
    /// One side proposed other times.
    Proposed,
    /// The other side declined the proposed times.
    ProposalDeclined,
    /// The side that proposed other times withdrew them.
    ProposalWithdrawn,
    /// Nobody decided about the proposed times in time.
    ProposalExpired,
    /// The appointment was cancelled.
    Cancelled,
    /// The session took place.
    Completed,
    /// One of the parties did not attend.
    NoShow,
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// The hold ended without payment.
    Expired,
    /// The client must pay again by a deadline, or the appointment is cancelled.
    PaymentActionRequired,
    /// The client could not be charged what they owe in the end.
    PaymentUnpaid,
    /// Money was refunded to the client.
    PaymentRefunded,
    /// A refund that the expert granted waits, because the gateway refused to take their share of it back.
    PaymentRefundWaits,
    /// The client's bank rejected a refund.
    PaymentRefundFailed,
    /// The client disputed the payment, and their bank withdrew the amount.
    PaymentDisputed,
    /// The bank decided a dispute for the expert.
    PaymentDisputeWon,
    /// The bank decided a dispute for the client.
    PaymentDisputeLost,
    /// The payment needs a decision by an administrator.
    PaymentEscalated,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 20] = [
        Self::Confirmed,
        Self::Rescheduled,
        Self::Proposed,
        Self::ProposalDeclined,
        Self::ProposalWithdrawn,
        Self::ProposalExpired,
        Self::Cancelled,
        Self::Completed,
        Self::NoShow,
        Self::NoShowDisputed,
        Self::Expired,
        Self::PaymentActionRequired,
        Self::PaymentUnpaid,
        Self::PaymentRefunded,
        Self::PaymentRefundWaits,
        Self::PaymentRefundFailed,
        Self::PaymentDisputed,
        Self::PaymentDisputeWon,
        Self::PaymentDisputeLost,
        Self::PaymentEscalated,
    ];

    /// Returns the event name used on the event bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "appointment.confirmed",
            Self::Rescheduled => "appointment.rescheduled",
            Self::Proposed => "appointment.proposed",
            Self::ProposalDeclined => "appointment.proposal_declined",
            Self::ProposalWithdrawn => "appointment.proposal_withdrawn",
            Self::ProposalExpired => "appointment.proposal_expired",
            Self::Cancelled => "appointment.cancelled",
            Self::Completed => "appointment.completed",
            Self::NoShow => "appointment.no_show",
            Self::NoShowDisputed => "appointment.no_show_disputed",
            Self::Expired => "appointment.expired",
            Self::PaymentActionRequired => "payment.action_required",
            Self::PaymentUnpaid => "payment.unpaid",
            Self::PaymentRefunded => "payment.refunded",
            Self::PaymentRefundWaits => "payment.refund_waits",
            Self::PaymentRefundFailed => "payment.refund_failed",
            Self::PaymentDisputed => "payment.disputed",
            Self::PaymentDisputeWon => "payment.dispute_won",
            Self::PaymentDisputeLost => "payment.dispute_lost",
            Self::PaymentEscalated => "payment.escalated",
        }
    }
}

/// The person who attends the session, as the client entered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// The attendee's name.
    pub name: ShortText,
    /// The address for confirmations.
    pub email: Email,
    /// The time zone in which the attendee wants to see times.
    pub time_zone: Zone,
    /// A message to the expert; may be empty.
    pub note: LongText,
}

/// The time of a session as it was held in the occupancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedTime {
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// Minutes that stay free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes that stay free after the end.
    pub buffer_after_minutes: u16,
    /// Whether the session is a group session.
    pub group: bool,
}

/// A booked session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// The id; ids sort by creation time.
    pub id: AppointmentId,
    /// The version, incremented with each change.
    pub version: u64,
    /// The expert who gives the session.
    pub expert: ExpertId,
    /// The client who booked the session.
    pub client: ClientId,
    /// The person who attends.
    pub attendee: Attendee,
    /// The session type.
    pub session_type: SessionTypeId,
    /// The name of the session type at the time of booking.
    pub session_name: ShortText,
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// Minutes that stay free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes that stay free after the end.
    pub buffer_after_minutes: u16,
    /// The number of seats; above 1 only in a group session.
    pub seats: u16,
    /// Whether the session is a group session, which several clients can book.
    pub group: bool,
    /// The price of all seats together.
    pub price: Money,
    /// When the appointment was created.
    pub created_at: Timestamp,
    /// How often the appointment was rescheduled.
    pub reschedules: u16,
    /// The cancellation policy, as agreed at booking. After a move by the client, no tier gives back more than they would have got
    /// back before it.
    pub cancellation: CancellationPolicy,
    /// The reschedule policy, as agreed at booking.
    pub rescheduling: ReschedulePolicy,
    /// The state of a no-show report; `None` if there is none or if it was resolved by the parties.
    pub no_show_report: Option<NoShowReport>,
    /// The moves of the session so far, and the last proposal of one.
    pub moves: Moves,
    /// The status.
    pub status: Status,
}

/// An appointment cannot be changed as requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// The status does not allow the change.
    #[error("the appointment is {status}, so it cannot be {requested}")]
    Status {
        /// The current status.
        status: &'static str,
        /// The requested change, as a participle.
        requested: &'static str,
    },
    /// The status is unknown.
    #[error(
        "a newer release has stored something in the appointment that this one does not know; try again later"
    )]
    NewerRelease,
    /// The session has already begun.
    #[error("the session began at {start}, so it can no longer be {requested}")]
    AlreadyStarted {
        /// The start of the session.
        start: Timestamp,
        /// The requested change, as a participle.
        requested: &'static str,
    },
    /// The session has already ended.
    #[error("the session ended at {end}, so it can no longer be {requested}")]
    AlreadyEnded {
        /// The end of the session.
        end: Timestamp,
        /// The requested change, as a participle.
        requested: &'static str,
    },
    /// It is too early for the change.
    #[error("the appointment cannot be {requested} yet; try again at or after {from}")]
    TooEarly {
        /// The first instant at which the change is possible.
        from: Timestamp,
        /// The requested change, as a participle.
        requested: &'static str,
    },
    /// The client has rescheduled the appointment as often as its terms allow.
    #[error(
        "the client has moved the appointment {moved} times, and its terms allow no more; propose other times to the expert"
    )]
    RescheduleLimitReached {
        /// How often the client has moved the appointment.
        moved: u16,
    },
    /// The session is not paid yet, and the client has moved it as often as that allows.
    #[error(
        "the session is not paid yet, and you have moved it {moved} times; propose other times to the expert"
    )]
    UnpaidMoveLimitReached {
        /// How often the client has moved the appointment.
        moved: u16,
    },
    /// It is too close to the start for the client to reschedule.
    #[error(
        "the terms of the appointment allow rescheduling only until {until}; propose other times to the expert"
    )]
    RescheduleTooLate {
        /// The last instant at which the client could reschedule.
        until: Timestamp,
    },
    /// The party could object only until an instant.
    #[error("you could object until {until}, and that is over")]
    ObjectionTooLate {
        /// The end of the period for objections.
        until: Timestamp,
    },
    /// No report says that this party did not attend, and no decision was announced that it could object to.
    #[error(
        "you can object only to a report that you missed the session, or to a decision about it, before it takes effect"
    )]
    NothingToObject,
    /// The client reports their own absence, which would give them back a part of the price.
    #[error(
        "you get back a part of the price for a session that you miss, so the expert has to report that you missed it"
    )]
    OwnAbsenceRefunds,
    /// A proposal is open already.
    #[error(
        "other times are proposed already; accept, decline or withdraw that proposal, or wait until {until}"
    )]
    ProposalOpen {
        /// When the open proposal expires.
        until: Timestamp,
    },
    /// The side has proposed other times as often as it may.
    #[error("other times can be proposed only {MAX_PROPOSALS} times; keep the appointment or cancel it")]
    ProposalLimitReached,
    /// No proposal is open.
    #[error("no proposal is open; read the appointment again")]
    NoOpenProposal,
    /// The side proposed the times itself.
    #[error("the other side decides about this proposal; you can withdraw it")]
    OwnProposal,
    /// The other side proposed the times.
    #[error("only the side that proposed the times can withdraw them; you can decline them")]
    ProposalOfOtherSide,
    /// The start is not among the proposed ones.
    #[error("{start} is not one of the proposed starts; choose one of `proposal.starts`")]
    NotProposed {
        /// The requested start.
        start: Timestamp,
    },
    /// The change is possible only in a certain period.
    #[error("the appointment can be {requested} only from {from} until {until}")]
    OutsidePeriod {
        /// The requested change, as a participle.
        requested: &'static str,
        /// The first instant at which the change is possible.
        from: Timestamp,
        /// The last instant at which the change is possible.
        until: Timestamp,
    },
}

impl Appointment {
    /// Returns the session without buffers.
    pub fn session_span(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end)
    }

    /// Returns the session with its buffers.
    pub fn occupied_span(&self) -> TimeSpan {
        self.session_span().expanded(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }

    pub(super) fn status_refusal(&self, requested: &'static str) -> ChangeRefusal {
        match self.status {
            Status::Unknown => ChangeRefusal::NewerRelease,
            _ => ChangeRefusal::Status { status: self.status.as_str(), requested },
        }
    }

    /// Checks that this version of the code knows every value of the appointment. Otherwise, no change is possible.
    ///
    /// # Errors
    /// [`ChangeRefusal::NewerRelease`] if the status is unknown.
    pub fn check_known(&self) -> Result<(), ChangeRefusal> {
        if self.status == Status::Unknown { Err(ChangeRefusal::NewerRelease) } else { Ok(()) }
    }

    fn with_status(&self, status: Status) -> Self {
        Self { version: self.version + 1, status, ..self.clone() }
    }

    /// Confirms the appointment, because it is paid or needs no payment.
    ///
    /// This also applies after `hold_expires_at`: as long as the appointment is pending, nobody has taken its slot.
    ///
    /// # Errors
    /// [`ChangeRefusal::Status`] if the appointment is not pending.
    pub fn confirm(&self) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { .. } => Ok(self.with_status(Status::Confirmed)),
            _ => Err(self.status_refusal("confirmed")),
        }
    }

    /// Expires the appointment, because its hold has ended without payment.
    ///
    /// # Errors
    /// [`ChangeRefusal::Status`] if the appointment is not pending or its hold has not expired yet.
    pub fn expire(&self, now: Timestamp) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { hold_expires_at } if hold_expires_at <= now => {
                Ok(self.with_status(Status::Expired))
            }
            _ => Err(self.status_refusal("expired")),
        }
    }

    /// Releases the hold before it expires, because the payment can never succeed.
    ///
    /// # Errors
    /// [`ChangeRefusal::Status`] if the appointment is not pending.
    pub fn hold_released(&self) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { .. } => Ok(self.with_status(Status::Expired)),
            _ => Err(self.status_refusal("released")),
        }
    }

    /// Cancels the appointment.
    ///
    /// A client can cancel until the start, an expert and the platform until the end.
    ///
    /// # Errors
    /// [`ChangeRefusal::Status`] if the appointment is not active, [`ChangeRefusal::AlreadyStarted`] or
    /// [`ChangeRefusal::AlreadyEnded`] if it is too late.
    pub fn cancel(&self, by: Party, reason: LongText, now: Timestamp) -> Result<Self, ChangeRefusal> {
        if !self.status.is_active() {
            Err(self.status_refusal("cancelled"))
        } else if now >= self.end {
            Err(ChangeRefusal::AlreadyEnded { end: self.end, requested: "cancelled" })
        } else if by == Party::Client && now >= self.start {
            Err(ChangeRefusal::AlreadyStarted { start: self.start, requested: "cancelled" })
        } else {
            let cancelled = Status::Cancelled { cancelled_by: by, cancelled_at: now, reason };
            Ok(Self { moves: self.moves.without_open_proposal(), ..self.with_status(cancelled) })
        }
    }

    /// Returns whether the appointment was cancelled while it was a hold. A hold changes only once, when it is confirmed, cancelled
    /// or expires, so the second version of a cancelled hold was never confirmed.
    pub fn was_cancelled_unpaid(&self) -> bool {
        matches!(self.status, Status::Cancelled { .. }) && self.version == 2 && !self.price.is_zero()
    }

    /// Returns what a cancellation by the client would refund while the expert is suspended: everything. `None` if that makes no
    /// difference.
    pub fn quote_while_expert_suspended(&self) -> Option<Quote> {
        let is_paid = self.status == Status::Confirmed && !self.price.is_zero();
        is_paid.then(|| Quote::everything(self.price, Basis::ExpertSuspended))
    }

    /// Returns the appointment with another price, to see what its policy would give back of that.
    #[must_use]
    pub fn with_price(&self, price: Money) -> Self {
        Self { price, ..self.clone() }
    }

    /// Returns what a cancellation at `now` would refund.
    pub fn cancellation_quote(&self, by: Party, now: Timestamp) -> Quote {
        match self.status {
            Status::Pending { .. } => Quote::everything(self.price, Basis::Unpaid),
            _ if by == Party::Client && !self.price.is_zero() && self.has_unaccepted_proposal(now) => {
                Quote::everything(self.price, Basis::ProposalNotAccepted)
            }
            _ => cancellation(&self.cancellation, self.price, self.created_at, self.start, by, now),
        }
    }

    /// Checks whether the client may move the appointment at once.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, or the terms do not allow the client to reschedule
    /// any more.
    pub fn check_reschedule(&self, now: Timestamp) -> Result<(), ChangeRefusal> {
        self.check_movable(now)?;
        let (until, moved) = (self.reschedule_until(), self.moves_by_client());
        if moved >= self.rescheduling.most_moves() {
            Err(ChangeRefusal::RescheduleLimitReached { moved })
        } else if now > until {
            Err(ChangeRefusal::RescheduleTooLate { until })
        } else {
            Ok(())
        }
    }

    /// Returns the last instant at which the terms allow the client to move the appointment at once.
    pub fn reschedule_until(&self) -> Timestamp {
        self.start.plus(-i64::from(self.rescheduling.until_minutes_before) * MINUTE)
    }

    /// Returns the price after rescheduling, given the `current` price of the session type.
    ///
    /// The agreed price stays if the policy says so, if the current price is in another currency, or if it is higher: an expert who
    /// raises the price must not take away the client's right to move the session.
    pub fn price_after_reschedule(&self, current: Money) -> Money {
        let applies = self.rescheduling.price == ReschedulePrice::Current
            && current.currency() == self.price.currency()
            && current.amount() < self.price.amount();
        if applies { current } else { self.price }
    }

    /// Moves the appointment for the client to another time, which has been held for it, at the given price.
    ///
    /// The share that a cancellation would refund now becomes the most that any tier refunds, so the client never gets back more by
    /// moving the session first and cancelling then.
    ///
    /// # Errors
    /// See [`Self::check_reschedule`].
    pub fn rescheduled(&self, to: BookedTime, price: Money, now: Timestamp) -> Result<Self, ChangeRefusal> {
        self.check_reschedule(now)?;
        let notice = self.start.seconds() - now.seconds();
        let shortest_notice = self.moves.shortest_notice.map_or(notice, |before| before.min(notice));
        let moved = self.moved(Party::Client, to, price, self.refund_share(now));
        Ok(Self { moves: Moves { shortest_notice: Some(shortest_notice), ..moved.moves.clone() }, ..moved })
    }
}

#[cfg(test)]
mod tests;
