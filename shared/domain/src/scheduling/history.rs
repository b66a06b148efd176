//! The history of an appointment: who changed what, and when.

use super::appointment::Appointment;
use super::party::{ActingAs, Party};
use crate::{Money, PersonId, TimeSpan, Timestamp};

/// One change of an appointment or its payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When it was changed.
    pub at: Timestamp,
    /// Who changed it.
    pub by: ChangedBy,
    /// The person, if they acted for the expert or the platform.
    pub person: Option<PersonId>,
    /// What was changed.
    pub change: Change,
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedBy {
    /// The expert.
    Expert,
    /// A member of the expert, for the expert.
    Member,
    /// The client.
    Client,
    /// An administrator.
    Administrator,
    /// The platform, automatically.
    Platform,
    /// A kind of actor that this version of the platform does not know.
    Unknown,
}

impl HistoryEntry {
    /// A change that somebody made.
    pub fn new(at: Timestamp, acting: ActingAs, change: Change) -> Self {
        let (by, person) = match acting {
            ActingAs::Expert => (ChangedBy::Expert, None),
            ActingAs::Client => (ChangedBy::Client, None),
            ActingAs::Member { id, .. } => (ChangedBy::Member, Some(id)),
            ActingAs::Administrator { id } => (ChangedBy::Administrator, Some(id)),
            ActingAs::Platform => (ChangedBy::Platform, None),
        };
        Self { at, by, person, change }
    }
}

/// When a session takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTime {
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
}

impl From<TimeSpan> for SessionTime {
    fn from(span: TimeSpan) -> Self {
        Self { start: span.start(), end: span.end() }
    }
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The session was booked.
    Booked,
    /// The appointment was confirmed.
    Confirmed,
    /// The appointment was moved to another time.
    Rescheduled {
        /// The time before.
        from: SessionTime,
        /// The time after.
        to: SessionTime,
    },
    /// One side proposed other times.
    Proposed {
        /// The proposed starts.
        starts: Vec<Timestamp>,
    },
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
    NoShow {
        /// The party that did not attend.
        missed_by: Party,
    },
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// The party that did not attend according to a report was notified, or both parties were notified of the decision of
    /// an administrator. They can object.
    ObjectionPeriodBegun {
        /// The end of the period for objections.
        until: Timestamp,
    },
    /// The report of a no-show was accepted, because nobody objected in time.
    NoShowAccepted,
    /// The decision of an administrator took effect, because nobody objected in time.
    DecisionTookEffect,
    /// The hold ended without payment.
    Expired,
    /// The client or an administrator changed the details of the session.
    DetailsChanged,
    /// The expert or an administrator reduced what the client pays.
    RefundGranted {
        /// The amount by which it was reduced.
        amount: Money,
    },
    /// The client must pay again by a deadline.
    PaymentActionRequired,
    /// The client could not be charged.
    PaymentUnpaid,
    /// Money was refunded to the client.
    PaymentRefunded {
        /// The refunded amount.
        amount: Money,
    },
    /// A refund that the expert granted waits, because the gateway refused to take their share of it back.
    PaymentRefundWaits {
        /// The amount that waits.
        amount: Money,
        /// Whether the platform has ended its attempts to take the share back, so that an administrator decides.
        ended: bool,
    },
    /// The client's bank rejected a refund.
    PaymentRefundFailed,
    /// The client disputed the payment.
    PaymentDisputed,
    /// The bank decided a dispute for the expert.
    PaymentDisputeWon,
    /// The bank decided a dispute for the client.
    PaymentDisputeLost,
    /// The payment needs a decision by an administrator.
    PaymentEscalated,
    /// An administrator decided about the payment.
    EscalationResolved,
    /// A change that this version of the platform does not know.
    Unknown,
}

impl Change {
    /// Returns whether the party may see the change. What an administrator has to decide does not concern the client.
    pub fn is_visible_to(&self, party: Party) -> bool {
        party != Party::Client || !matches!(self, Self::PaymentEscalated | Self::EscalationResolved)
    }
}

impl Appointment {
    /// Returns the first entry of the history. It follows from the appointment, so it is not stored.
    pub fn booked_entry(&self) -> HistoryEntry {
        HistoryEntry::new(self.created_at, ActingAs::Client, Change::Booked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escalations_are_hidden_from_the_client() {
        assert!(!Change::PaymentEscalated.is_visible_to(Party::Client));
        assert!(Change::PaymentEscalated.is_visible_to(Party::Expert));
        assert!(Change::PaymentDisputed.is_visible_to(Party::Client));
    }
}
