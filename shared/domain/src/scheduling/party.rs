//! The parties to an appointment.

use crate::PersonId;
use crate::experts::members::{MemberRole, Right};

/// The party that acts on an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The expert who gives the session.
    Expert,
    /// The client who booked the session.
    Client,
    /// The platform: automatically, if the client did not pay, or an administrator.
    Platform,
}

/// Who acts on an appointment: one of its parties, or a person who acts for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActingAs {
    /// The expert of the appointment.
    Expert,
    /// A member of the expert, for the expert.
    Member {
        /// The member.
        id: PersonId,
        /// The member's role at the time of the action.
        role: MemberRole,
    },
    /// The client of the appointment.
    Client,
    /// An administrator, for the platform.
    Administrator {
        /// The administrator.
        id: PersonId,
    },
    /// The platform itself: a job.
    Platform,
}

impl ActingAs {
    /// The party for which the person acts.
    pub fn party(self) -> Party {
        match self {
            Self::Expert | Self::Member { .. } => Party::Expert,
            Self::Client => Party::Client,
            Self::Administrator { .. } | Self::Platform => Party::Platform,
        }
    }

    /// Whether the person has a right of the expert's side, or acts for another side. A role limits only members.
    pub fn has(self, right: Right) -> bool {
        match self {
            Self::Member { role, .. } => role.has(right),
            Self::Expert | Self::Client | Self::Administrator { .. } | Self::Platform => true,
        }
    }
}
