//! What counts for the reliability of experts and clients: late cancellations, declined proposals, moves and no-shows.
//!
//! Each incident belongs to one side of an appointment. A no-show counts only once it has taken effect.

use crate::kernel::time::{DAY, HOUR};
use crate::scheduling::appointment::{Appointment, NoShowReport, Status};
use crate::scheduling::cancellation::Basis;
use crate::scheduling::party::Party;
use crate::{AppointmentId, Timestamp};

/// For how long incidents have consequences, in seconds.
pub const COUNTED_FOR: i64 = 90 * DAY;

/// The kind of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncidentKind {
    /// The side cancelled a confirmed session shortly before its start.
    LateCancellation,
    /// The side declined a proposal of the other side.
    DeclinedProposal,
    /// The session was moved at once by the side, or because the other side accepted its proposal.
    Move,
    /// The side did not attend.
    NoShow,
}

impl IncidentKind {
    /// Returns whether incidents of this kind have consequences.
    pub fn has_consequences(self) -> bool {
        match self {
            Self::LateCancellation | Self::NoShow => true,
            Self::DeclinedProposal | Self::Move => false,
        }
    }

    /// The name in keys and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LateCancellation => "late_cancellation",
            Self::DeclinedProposal => "declined_proposal",
            Self::Move => "move",
            Self::NoShow => "no_show",
        }
    }
}

/// Something that one side of an appointment did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The side: the expert or the client.
    pub side: Party,
    /// What it did.
    pub kind: IncidentKind,
    /// The appointment.
    pub appointment: AppointmentId,
    /// When it did so; for a no-show, the end of the session.
    pub at: Timestamp,
    /// The version of the appointment after the change; 0 for what can happen once.
    pub number: u64,
}

/// When incidents have consequences. The numbers are those of late cancellations and no-shows of one side within
/// [`COUNTED_FOR`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReliabilityRules {
    /// A cancellation less than this many hours before the start is late.
    pub late_hours: u16,
    /// The number from which on the person is warned.
    pub warning: u16,
    /// The number from which on the person is ranked lower.
    pub lower_ranking: u16,
}

impl Default for ReliabilityRules {
    fn default() -> Self {
        Self { late_hours: 24, warning: 3, lower_ranking: 5 }
    }
}

/// What follows from the incidents of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    None,
    /// The person is warned.
    Warning,
    /// The person is warned, and ranked lower.
    LowerRanking,
}

impl ReliabilityRules {
    /// Returns what follows from a number of late cancellations and no-shows.
    pub fn consequence(&self, incidents: usize) -> Consequence {
        if incidents >= usize::from(self.lower_ranking) {
            Consequence::LowerRanking
        } else if incidents >= usize::from(self.warning) {
            Consequence::Warning
        } else {
            Consequence::None
        }
    }

    /// Returns the incident of a cancellation of `before`, if it is late. A client who may cancel freely because of the expert, or
    /// within the grace period, is never late. One who moved the session shortly before its former start is late whatever the new
    /// start is.
    pub fn of_cancellation(
        &self,
        before: &Appointment,
        by: Party,
        basis: Basis,
        now: Timestamp,
    ) -> Option<Incident> {
        let is_free =
            matches!(basis, Basis::Grace { .. } | Basis::ProposalNotAccepted | Basis::ExpertSuspended);
        let moved = before.moves.shortest_notice.filter(|_| by == Party::Client);
        let notice = moved.into_iter().fold(before.start.seconds() - now.seconds(), i64::min);
        let is_late = notice < i64::from(self.late_hours) * HOUR;
        let counts = before.status == Status::Confirmed && by != Party::Platform && is_late && !is_free;
        counts.then_some(Incident {
            side: by,
            kind: IncidentKind::LateCancellation,
            appointment: before.id,
            at: now,
            number: 0,
        })
    }
}

impl Incident {
    /// Returns the incident of a change that a side can make more than once: a move or a declined proposal.
    pub fn of_change(kind: IncidentKind, after: &Appointment, side: Party, now: Timestamp) -> Self {
        Self { side, kind, appointment: after.id, at: now, number: after.version }
    }

    /// Returns the no-show of an appointment, if it has taken effect. It does not count without a price: nobody can object to it then.
    pub fn no_show(appointment: &Appointment) -> Option<Self> {
        let in_effect = matches!(appointment.no_show_report, None | Some(NoShowReport::Decided))
            && !appointment.price.is_zero();
        match appointment.status {
            Status::NoShow { missed_by: side @ (Party::Expert | Party::Client) } if in_effect => Some(Self {
                side,
                kind: IncidentKind::NoShow,
                appointment: appointment.id,
                at: appointment.end,
                number: 0,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consequences_begin_at_their_numbers() {
        let rules = ReliabilityRules { late_hours: 24, warning: 2, lower_ranking: 3 };
        let of = |incidents| rules.consequence(incidents);
        assert_eq!([of(0), of(1)], [Consequence::None; 2]);
        assert_eq!(of(2), Consequence::Warning);
        assert_eq!([of(3), of(4)], [Consequence::LowerRanking; 2]);
    }
}
