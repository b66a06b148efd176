//! An appointment's life, `pending → confirmed → completed`, or `expired`, `cancelled`, `no_show`, and its payment's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experts::policy::{CancellationPolicy, ReschedulePolicy, ReschedulePrice};
use crate::kernel::text::{Email, LongText, ShortText};
use crate::kernel::time::MINUTE;
use crate::scheduling::cancellation::{Basis, Quote, cancellation};
use crate::scheduling::party::Party;
use crate::{AppointmentId, ClientId, ExpertId, Money, SessionTypeId, TimeSpan, Timestamp, Zone};

mod ending;

pub use ending::{LATE_MINUTES, NoShowReport, OBJECTION_HOURS, Outcome, REPORT_HOURS};

/// Where an appointment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Status {
    /// Held while the client pays.
    Pending {
        /// From this instant anybody may take the slot.
        hold_expires_at: Timestamp,
    },
    /// Booked.
    Confirmed,
    /// Took place.
    Completed,
    /// One of the two did not come.
    NoShow {
        /// Who.
        #[serde(default = "the_client")]
        missed_by: Party,
    },
    /// Called off.
    Cancelled {
        /// Who called it off.
        cancelled_by: Party,
        /// When.
        cancelled_at: Timestamp,
        /// In their words; may be empty.
        reason: LongText,
    },
    /// The hold ended unpaid.
    Expired,
}

fn the_client() -> Party {
    Party::Client
}

impl Status {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::NoShow { .. } => "no_show",
            Self::Cancelled { .. } => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the appointment takes up the expert's time.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Confirmed)
    }

    /// Whether the session was held, or should have been.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Completed | Self::NoShow { .. })
    }
}

/// What happened to an appointment or its payment, as the world is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// It is booked.
    Confirmed,
    /// It moved to another time.
    Rescheduled,
    /// It was called off.
    Cancelled,
    /// It took place.
    Completed,
    /// One of the two did not come.
    NoShow,
    /// The two do not say the same of it.
    NoShowDisputed,
    /// The hold ended unpaid.
    Expired,
    /// The client must do something by a deadline, or the appointment is called off.
    PaymentActionRequired,
    /// The session took place, and nobody could be made to pay.
    PaymentUnpaid,
    /// Money went back to the client.
    PaymentRefunded,
    /// The client's bank did not take a refund.
    PaymentRefundFailed,
    /// The client disputes the payment at their bank, which took it back for now.
    PaymentDisputed,
    /// The bank decided for the expert.
    PaymentDisputeWon,
    /// The bank decided for the client.
    PaymentDisputeLost,
    /// The payment cannot go on before a person decides.
    PaymentEscalated,
}

impl Event {
    /// Every event.
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

    /// The name on the wire.
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

    /// The event of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// Who comes, in their own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attendee {
    /// How the expert shall call them.
    pub name: ShortText,
    /// Where confirmations go.
    pub email: Email,
    /// The zone in which they want to read times.
    pub time_zone: Zone,
    /// What the expert should know beforehand.
    #[serde(default)]
    pub note: LongText,
}

/// The time that a booking takes, as it was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedTime {
    /// When the session begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Minutes kept free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes kept free after the end.
    pub buffer_after_minutes: u16,
    /// Whether it is a seat of a group session.
    pub group: bool,
}

/// A booked session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Sorts by the time it was made.
    pub id: AppointmentId,
    /// Grows by one with each change.
    pub version: u64,
    /// Who gives it.
    pub expert: ExpertId,
    /// Who booked it.
    pub client: ClientId,
    /// Who comes.
    pub attendee: Attendee,
    /// What was booked.
    pub session_type: SessionTypeId,
    /// What it was called when it was booked.
    pub session_name: ShortText,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Minutes kept free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes kept free after the end.
    pub buffer_after_minutes: u16,
    /// Seats taken; above 1 only in a group session.
    pub seats: u16,
    /// Whether others may share the session.
    pub group: bool,
    /// Of all seats together.
    pub price: Money,
    /// When it was held.
    pub created_at: Timestamp,
    /// How often it was moved.
    pub reschedules: u16,
    /// What comes back when it does not take place, as agreed when it was booked.
    #[serde(default)]
    pub cancellation: CancellationPolicy,
    /// How it may be moved, as agreed when it was booked.
    #[serde(default)]
    pub rescheduling: ReschedulePolicy,
    /// What is decided, and what not yet, of how it ended; none when nobody contradicted anybody.
    #[serde(default)]
    pub no_show_report: Option<NoShowReport>,
    /// Where it stands.
    #[serde(flatten)]
    pub status: Status,
}

/// Why an appointment cannot be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// Its status does not allow the change.
    #[error("the appointment is {status}, so it cannot be {wanted}")]
    Status {
        /// As it stands.
        status: &'static str,
        /// What was asked.
        wanted: &'static str,
    },
    /// Too late for this change.
    #[error("the session began at {start}, so it can no longer be {wanted}")]
    Begun {
        /// When it began.
        start: Timestamp,
        /// What was asked.
        wanted: &'static str,
    },
    /// Too early for this change.
    #[error("it can be {wanted} from {from} on")]
    TooEarly {
        /// First instant.
        from: Timestamp,
        /// What was asked.
        wanted: &'static str,
    },
    /// The client has moved it as often as was agreed.
    #[error("it was moved {moved} times, and its terms allow no more; call it off and book again")]
    MovedEnough {
        /// So often.
        moved: u16,
    },
    /// Too close to the start for the client to move it.
    #[error("by its terms it could be moved until {until}")]
    MovedTooLate {
        /// Until then.
        until: Timestamp,
    },
    /// The session has become dearer since it was booked.
    #[error("the session costs {now} by now, {booked} when it was booked; call it off and book again")]
    Dearer {
        /// The price of the day.
        now: Money,
        /// The price agreed.
        booked: Money,
    },
    /// Only from and until certain instants.
    #[error("it can be {wanted} from {from} until {until}")]
    NotNow {
        /// What was asked.
        wanted: &'static str,
        /// First instant.
        from: Timestamp,
        /// Last instant.
        until: Timestamp,
    },
}

impl Appointment {
    /// From start to end.
    pub fn session(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end)
    }

    /// The session and its buffers.
    pub fn occupied(&self) -> TimeSpan {
        self.session().widened(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }

    fn status_refusal(&self, wanted: &'static str) -> ChangeRefusal {
        ChangeRefusal::Status { status: self.status.as_str(), wanted }
    }

    fn with_status(&self, status: Status) -> Self {
        Self { version: self.version + 1, status, ..self.clone() }
    }

    /// The hold is paid, or needed no payment.
    ///
    /// A hold whose time is over but that nobody took is confirmed as well: the client paid for it.
    ///
    /// # Errors
    /// When it is not pending.
    pub fn confirmed(&self) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { .. } => Ok(self.with_status(Status::Confirmed)),
            _ => Err(self.status_refusal("confirmed")),
        }
    }

    /// The hold ended unpaid.
    ///
    /// # Errors
    /// When it is not a hold, or a hold whose time is not over.
    pub fn expired(&self, now: Timestamp) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { hold_expires_at } if hold_expires_at <= now => {
                // Nobody needs an hour-old hold in the dashboard of the expert; the client still sees it.
                Ok(self.with_status(Status::Expired))
            }
            _ => Err(self.status_refusal("expired")),
        }
    }

    /// The hold can never be paid: it ends before its time.
    ///
    /// # Errors
    /// When it is not pending.
    pub fn hold_released(&self) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { .. } => Ok(self.with_status(Status::Expired)),
            _ => Err(self.status_refusal("given up")),
        }
    }

    /// One of the two calls it off.
    ///
    /// A client can until the start, an expert and the platform until the end.
    ///
    /// # Errors
    /// When it is over, called off, or too late.
    pub fn cancelled(&self, by: Party, reason: LongText, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let last = match by {
            Party::Client => self.start,
            Party::Expert | Party::Platform => self.end,
        };
        if !self.status.is_active() {
            Err(self.status_refusal("cancelled"))
        } else if now >= last {
            Err(ChangeRefusal::Begun { start: self.start, wanted: "cancelled" })
        } else {
            Ok(self.with_status(Status::Cancelled { cancelled_by: by, cancelled_at: now, reason }))
        }
    }

    /// What its cancellation gives back.
    pub fn cancellation_quote(&self, by: Party, now: Timestamp) -> Quote {
        match self.status {
            Status::Pending { .. } => Quote::everything(self.price, Basis::Unpaid),
            _ => cancellation(&self.cancellation, self.price, self.created_at, self.start, by, now),
        }
    }

    /// Whether it may move at all.
    ///
    /// # Errors
    /// When it is not confirmed, has begun, or its terms do not allow its client to move it any more.
    pub fn check_reschedule(&self, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        if self.status != Status::Confirmed {
            return Err(self.status_refusal("rescheduled"));
        }
        if now >= self.start {
            return Err(ChangeRefusal::Begun { start: self.start, wanted: "rescheduled" });
        }
        if by != Party::Client {
            return Ok(());
        }
        let until = self.start.plus(-i64::from(self.rescheduling.until_minutes_before) * MINUTE);
        match self.rescheduling.at_most {
            Some(most) if self.reschedules >= most => {
                Err(ChangeRefusal::MovedEnough { moved: self.reschedules })
            }
            _ if now > until => Err(ChangeRefusal::MovedTooLate { until }),
            _ => Ok(()),
        }
    }

    /// What it costs once it is moved, when the session type costs `current` by then.
    ///
    /// # Errors
    /// [`ChangeRefusal::Dearer`] when the terms say the price of the day and that is higher. Prices in another currency than the
    /// one agreed are not compared; then what was agreed stands.
    pub fn price_when_moved(&self, current: Money) -> Result<Money, ChangeRefusal> {
        if self.rescheduling.price == ReschedulePrice::AsBooked || current.currency() != self.price.currency()
        {
            Ok(self.price)
        } else if current.amount() > self.price.amount() {
            Err(ChangeRefusal::Dearer { now: current, booked: self.price })
        } else {
            Ok(current)
        }
    }

    /// The appointment moved to another time, which is held for it, at this price.
    ///
    /// # Errors
    /// As [`Self::check_reschedule`].
    pub fn rescheduled(
        &self,
        by: Party,
        to: BookedTime,
        price: Money,
        now: Timestamp,
    ) -> Result<Self, ChangeRefusal> {
        self.check_reschedule(by, now)?;
        Ok(Self {
            start: to.start,
            end: to.end,
            buffer_before_minutes: to.buffer_before_minutes,
            buffer_after_minutes: to.buffer_after_minutes,
            group: to.group,
            price,
            reschedules: self.reschedules.saturating_add(1),
            ..self.with_status(Status::Confirmed)
        })
    }
}

#[cfg(test)]
mod tests;
