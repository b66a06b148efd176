//! The life cycle of an appointment: `pending → confirmed → completed`, or `expired`, `cancelled`, `no_show`.

use crate::experts::policy::{CancellationPolicy, ReschedulePolicy, ReschedulePrice};
use crate::kernel::text::{Email, LongText, ShortText};
use crate::kernel::time::MINUTE;
use crate::scheduling::cancellation::{Basis, Quote, cancellation, reached_share};
use crate::scheduling::party::Party;
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
    /// A newer version of the code has written a status that this version does not know. The appointment can be read and not
    /// changed.
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
    /// The session took place, but the client could not be charged.
    PaymentUnpaid,
    /// Money was refunded to the client.
    PaymentRefunded,
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
    pub const ALL: [Self; 15] = [
        Self::Confirmed,
        Self::Rescheduled,
        Self::Cancelled,
        Self::Completed,
        Self::NoShow,
        Self::NoShowDisputed,
        Self::Expired,
        Self::PaymentActionRequired,
        Self::PaymentUnpaid,
        Self::PaymentRefunded,
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
            Self::Cancelled => "appointment.cancelled",
            Self::Completed => "appointment.completed",
            Self::NoShow => "appointment.no_show",
            Self::NoShowDisputed => "appointment.no_show_disputed",
            Self::Expired => "appointment.expired",
            Self::PaymentActionRequired => "payment.action_required",
            Self::PaymentUnpaid => "payment.unpaid",
            Self::PaymentRefunded => "payment.refunded",
            Self::PaymentRefundFailed => "payment.refund_failed",
            Self::PaymentDisputed => "payment.disputed",
            Self::PaymentDisputeWon => "payment.dispute_won",
            Self::PaymentDisputeLost => "payment.dispute_lost",
            Self::PaymentEscalated => "payment.escalated",
        }
    }

    /// Returns the event with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
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
    /// The cancellation policy, as agreed at booking. After the client rescheduled, no tier gives back more than the one that they had
    /// reached.
    pub cancellation: CancellationPolicy,
    /// The reschedule policy, as agreed at booking.
    pub rescheduling: ReschedulePolicy,
    /// The state of a no-show report; `None` if there is none or if it was resolved by the parties.
    pub no_show_report: Option<NoShowReport>,
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
        "the appointment was rescheduled {moved} times, and its terms allow no more; cancel it and book again"
    )]
    RescheduleLimitReached {
        /// How often the appointment was rescheduled.
        moved: u16,
    },
    /// It is too close to the start for the client to reschedule.
    #[error("the terms of the appointment allow rescheduling only until {until}")]
    RescheduleTooLate {
        /// The last instant at which the client could reschedule.
        until: Timestamp,
    },
    /// The price of the session type has increased since the booking, and the current price applies.
    #[error("the session now costs {now} instead of {booked}; cancel the appointment and book again")]
    PriceIncreased {
        /// The current price.
        now: Money,
        /// The price agreed at booking.
        booked: Money,
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

    fn status_refusal(&self, requested: &'static str) -> ChangeRefusal {
        ChangeRefusal::Status { status: self.status.as_str(), requested }
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
            Ok(self.with_status(Status::Cancelled { cancelled_by: by, cancelled_at: now, reason }))
        }
    }

    /// Returns whether the appointment was cancelled while it was a hold. A hold changes only once, when it is confirmed, cancelled
    /// or expires, so the second version of a cancelled hold was never confirmed.
    pub fn was_cancelled_unpaid(&self) -> bool {
        matches!(self.status, Status::Cancelled { .. }) && self.version == 2 && !self.price.is_zero()
    }

    /// Returns what a cancellation at `now` would refund.
    pub fn cancellation_quote(&self, by: Party, now: Timestamp) -> Quote {
        match self.status {
            Status::Pending { .. } => Quote::everything(self.price, Basis::Unpaid),
            _ => cancellation(&self.cancellation, self.price, self.created_at, self.start, by, now),
        }
    }

    /// Checks whether the party may reschedule the appointment.
    ///
    /// # Errors
    /// If the appointment is not confirmed, the session has begun, or the terms do not allow the client to reschedule
    /// any more.
    pub fn check_reschedule(&self, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        if self.status != Status::Confirmed {
            return Err(self.status_refusal("rescheduled"));
        }
        if now >= self.start {
            return Err(ChangeRefusal::AlreadyStarted { start: self.start, requested: "rescheduled" });
        }
        if by != Party::Client {
            return Ok(());
        }
        let until = self.start.plus(-i64::from(self.rescheduling.until_minutes_before) * MINUTE);
        match self.rescheduling.at_most {
            Some(most) if self.reschedules >= most => {
                Err(ChangeRefusal::RescheduleLimitReached { moved: self.reschedules })
            }
            _ if now > until => Err(ChangeRefusal::RescheduleTooLate { until }),
            _ => Ok(()),
        }
    }

    /// Returns the price after rescheduling, given the `current` price of the session type.
    ///
    /// The agreed price stays if the policy says so, or if the current price is in another currency.
    ///
    /// # Errors
    /// [`ChangeRefusal::PriceIncreased`] if the current price applies and is higher than the agreed one.
    pub fn price_after_reschedule(&self, current: Money) -> Result<Money, ChangeRefusal> {
        if self.rescheduling.price == ReschedulePrice::AsBooked || current.currency() != self.price.currency()
        {
            Ok(self.price)
        } else if current.amount() > self.price.amount() {
            Err(ChangeRefusal::PriceIncreased { now: current, booked: self.price })
        } else {
            Ok(current)
        }
    }

    /// Moves the appointment to another time, which has been held for it, at the given price.
    ///
    /// A client who moves it keeps the tier of the cancellation policy that they have reached: they never get back more by moving
    /// first and cancelling then.
    ///
    /// # Errors
    /// See [`Self::check_reschedule`].
    pub fn rescheduled(
        &self,
        by: Party,
        to: BookedTime,
        price: Money,
        now: Timestamp,
    ) -> Result<Self, ChangeRefusal> {
        self.check_reschedule(by, now)?;
        let cancellation = match by {
            Party::Client => {
                let reached = reached_share(&self.cancellation, self.created_at, self.start, now);
                self.cancellation.clone().limited_to(reached)
            }
            Party::Expert | Party::Platform => self.cancellation.clone(),
        };
        Ok(Self {
            start: to.start,
            end: to.end,
            buffer_before_minutes: to.buffer_before_minutes,
            buffer_after_minutes: to.buffer_after_minutes,
            group: to.group,
            price,
            reschedules: self.reschedules.saturating_add(1),
            cancellation,
            ..self.with_status(Status::Confirmed)
        })
    }
}

#[cfg(test)]
mod tests;
