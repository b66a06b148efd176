//! An appointment's life, `pending → confirmed → completed`, or `expired`, `cancelled`, `no_show`, and its payment's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::day_ledger::Held;
use crate::text::{Email, LongText, ShortText};
use crate::time::MINUTE;
use crate::{AppointmentId, ClientId, ExpertId, Money, SessionTypeId, TimeSpan, Timestamp, Zone};

/// The two people of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who gives the session.
    Expert,
    /// Who booked it.
    Client,
}

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
    /// The client did not come.
    NoShow,
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

impl Status {
    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Cancelled { .. } => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the appointment takes up the expert's time.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Confirmed)
    }
}

/// What happened to an appointment, as the world is told.
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
    /// The client did not come.
    NoShow,
    /// The hold ended unpaid.
    Expired,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] =
        [Self::Confirmed, Self::Rescheduled, Self::Cancelled, Self::Completed, Self::NoShow, Self::Expired];

    /// The word on the wire, after `appointment.`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rescheduled => "rescheduled",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Expired => "expired",
        }
    }

    /// The event of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
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
    #[error("the session begins at {start}; it can be {wanted} from then on")]
    NotBegun {
        /// When it begins.
        start: Timestamp,
        /// What was asked.
        wanted: &'static str,
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
        ChangeRefusal::Status { status: self.status.word(), wanted }
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
    pub fn given_up(&self) -> Result<Self, ChangeRefusal> {
        match self.status {
            Status::Pending { .. } => Ok(self.with_status(Status::Expired)),
            _ => Err(self.status_refusal("given up")),
        }
    }

    /// One of the two calls it off.
    ///
    /// A client can until the start, an expert until the end.
    ///
    /// # Errors
    /// When it is over, called off, or too late.
    pub fn cancelled(&self, by: Party, reason: LongText, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let last = match by {
            Party::Client => self.start,
            Party::Expert => self.end,
        };
        if !self.status.is_active() {
            Err(self.status_refusal("cancelled"))
        } else if now >= last {
            Err(ChangeRefusal::Begun { start: self.start, wanted: "cancelled" })
        } else {
            Ok(self.with_status(Status::Cancelled { cancelled_by: by, cancelled_at: now, reason }))
        }
    }

    /// Whether it may move at all.
    ///
    /// # Errors
    /// When it is not confirmed, or has begun.
    pub fn check_reschedule(&self, now: Timestamp) -> Result<(), ChangeRefusal> {
        if self.status != Status::Confirmed {
            Err(self.status_refusal("rescheduled"))
        } else if now >= self.start {
            Err(ChangeRefusal::Begun { start: self.start, wanted: "rescheduled" })
        } else {
            Ok(())
        }
    }

    /// It moves to the time that is held for it.
    ///
    /// # Errors
    /// As [`Self::check_reschedule`].
    pub fn rescheduled(&self, held: &Held, now: Timestamp) -> Result<Self, ChangeRefusal> {
        self.check_reschedule(now)?;
        Ok(Self {
            start: held.session.start,
            end: held.session.end,
            buffer_before_minutes: held.session.buffer_before_minutes,
            buffer_after_minutes: held.session.buffer_after_minutes,
            group: held.group,
            reschedules: self.reschedules.saturating_add(1),
            ..self.with_status(Status::Confirmed)
        })
    }

    /// It took place (`Completed`), or the client did not come (`NoShow`).
    ///
    /// # Errors
    /// When it is not confirmed, or has not begun.
    pub fn ended(&self, outcome: Outcome, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let (status, wanted) = match outcome {
            Outcome::Completed => (Status::Completed, "completed"),
            Outcome::NoShow => (Status::NoShow, "marked as a no-show"),
        };
        if self.status != Status::Confirmed {
            Err(self.status_refusal(wanted))
        } else if now < self.start {
            Err(ChangeRefusal::NotBegun { start: self.start, wanted })
        } else {
            Ok(self.with_status(status))
        }
    }
}

/// How a session that was due to take place ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It took place.
    Completed,
    /// The client did not come.
    NoShow,
}

impl Outcome {
    /// The status that says so.
    pub fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::NoShow => Status::NoShow,
        }
    }
}

#[cfg(test)]
mod tests;
