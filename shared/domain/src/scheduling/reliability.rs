//! What counts for the reliability of experts and clients: late cancellations, declined proposals, moves, no-shows and lost disputes.
//!
//! Each incident belongs to one side of an appointment. A no-show counts only once it has taken effect. The bookings of one group
//! session count once for each side. Lost disputes are counted apart, one for each payment.
//!
//! For a warning and a suspension, the late cancellations and no-shows in appointments with the same person on the other side count
//! once ([`counted_with`]), so that no counterpart alone can bring a person to a suspension, by false reports or repeated bookings. Each
//! lost dispute counts: a bank decides it, and it costs the platform a fee of its own.

use std::collections::BTreeSet;
use std::fmt;

use crate::kernel::time::{DAY, HOUR};
use crate::scheduling::appointment::{Appointment, NoShowReport, Status};
use crate::scheduling::cancellation::grace_period;
use crate::scheduling::party::Party;
use crate::{AppointmentId, PersonId, SessionTypeId, Timestamp};

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
    /// The client disputed the payment at their bank, and the bank decided in their favor: the platform lost the dispute.
    LostDispute,
}

impl IncidentKind {
    /// Returns whether incidents of this kind have consequences.
    pub fn has_consequences(self) -> bool {
        match self {
            Self::LateCancellation | Self::NoShow | Self::LostDispute => true,
            Self::DeclinedProposal | Self::Move => false,
        }
    }

    /// Returns whether incidents of the two kinds are counted together.
    pub fn is_counted_with(self, other: Self) -> bool {
        (self == Self::LostDispute) == (other == Self::LostDispute)
    }

    /// The name in keys and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LateCancellation => "late_cancellation",
            Self::DeclinedProposal => "declined_proposal",
            Self::Move => "move",
            Self::NoShow => "no_show",
            Self::LostDispute => "lost_dispute",
        }
    }
}

/// One occurrence of a group session: all appointments of a session type that start at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionOccurrence {
    /// The session type.
    pub session_type: SessionTypeId,
    /// The start of the session.
    pub start: Timestamp,
}

impl SessionOccurrence {
    /// Returns the group session of an appointment; `None` if it is an individual session.
    pub fn of(appointment: &Appointment) -> Option<Self> {
        let Appointment { session_type, start, .. } = *appointment;
        appointment.group.then_some(Self { session_type, start })
    }
}

/// What an incident is about. Of the incidents with consequences that are about the same, only one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncidentSubject {
    /// An individual session.
    Individual(AppointmentId),
    /// A group session.
    Group(SessionOccurrence),
    /// The payment of an appointment, which its client disputed.
    Payment(AppointmentId),
}

impl fmt::Display for IncidentSubject {
    /// Writes the text that stands for the subject in keys.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Individual(appointment) => appointment.fmt(out),
            Self::Group(SessionOccurrence { session_type, start }) => {
                write!(out, "{session_type}#{:012}", start.seconds())
            }
            Self::Payment(appointment) => write!(out, "payment#{appointment}"),
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
    /// The group session; `None` for an individual session.
    pub group_session: Option<SessionOccurrence>,
    /// The person on the other side of the appointment. `None` if a release before this attribute has recorded the incident.
    pub counterpart: Option<PersonId>,
    /// When it did so; for a no-show, the end of the session, and for a lost dispute, when the platform learned of it.
    pub at: Timestamp,
    /// The version of the appointment after the change; 0 for what can happen once.
    pub number: u64,
}

/// When incidents have consequences. The numbers are those of one side within [`COUNTED_FOR`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReliabilityRules {
    /// A cancellation less than this many hours before the start is late.
    pub late_hours: u16,
    /// The number of late cancellations and no-shows from which on the person is warned. Those with the same counterpart count once.
    pub warning: u16,
    /// The number of late cancellations and no-shows from which on the platform suspends the person; `None` if only administrators
    /// suspend people for them.
    pub suspension: Option<u16>,
    /// The number of lost disputes from which on the platform suspends the client, who is warned from the first one on; `None` if
    /// lost disputes have no consequences.
    pub suspension_for_disputes: Option<u16>,
}

/// The numbers from which on incidents that are counted together have consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsequenceLimits {
    /// The number from which on the person is warned; `None` if nobody is warned or suspended.
    pub warning: Option<u16>,
    /// The number from which on the platform suspends the person; `None` if only administrators suspend people.
    pub suspension: Option<u16>,
}

impl Default for ReliabilityRules {
    fn default() -> Self {
        Self { late_hours: 24, warning: 3, suspension: None, suspension_for_disputes: Some(2) }
    }
}

/// What follows from the incidents of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// Nothing.
    None,
    /// The person is warned.
    Warning,
    /// The person is warned, and suspended.
    Suspension,
}

impl ReliabilityRules {
    /// Returns the limits of what is counted together with incidents of a kind.
    pub fn limits(&self, kind: IncidentKind) -> ConsequenceLimits {
        match kind {
            IncidentKind::LostDispute => ConsequenceLimits {
                warning: self.suspension_for_disputes.map(|_| 1),
                suspension: self.suspension_for_disputes,
            },
            _ => ConsequenceLimits { warning: Some(self.warning), suspension: self.suspension },
        }
    }

    /// Returns the more severe one of what follows from the late cancellations and no-shows of one side, and from its lost disputes.
    pub fn consequence(&self, incidents: &[Incident], now: Timestamp) -> Consequence {
        let of = |kind| self.limits(kind).consequence(counted_with(incidents, kind, now).len());
        of(IncidentKind::NoShow).max(of(IncidentKind::LostDispute))
    }

    /// Returns the incident of a cancellation of `before`, if it is late. A client who may cancel freely because of the expert, or
    /// within the grace period, is never late, with or without a price. One who moved the session shortly before its former start is
    /// late whatever the new start is. `suspended` says whether the expert is suspended, as far as the client may rely on it.
    pub fn of_cancellation(
        &self,
        before: &Appointment,
        by: Party,
        suspended: bool,
        now: Timestamp,
    ) -> Option<Incident> {
        let in_grace = || grace_period(&before.cancellation, before.created_at, before.start, now).is_some();
        let is_free = by == Party::Client && (suspended || before.has_unaccepted_proposal(now) || in_grace());
        let moved = before.moves.shortest_notice.filter(|_| by == Party::Client);
        let notice = moved.into_iter().fold(before.start.seconds() - now.seconds(), i64::min);
        let is_late = notice < i64::from(self.late_hours) * HOUR;
        let counts = before.status == Status::Confirmed && by != Party::Platform && is_late && !is_free;
        counts.then_some(Incident {
            side: by,
            kind: IncidentKind::LateCancellation,
            appointment: before.id,
            group_session: SessionOccurrence::of(before),
            counterpart: counterpart(before, by),
            at: now,
            number: 0,
        })
    }
}

impl ConsequenceLimits {
    /// Returns what follows from a number of incidents.
    pub fn consequence(self, incidents: usize) -> Consequence {
        let is_reached = |limit: Option<u16>| limit.is_some_and(|limit| incidents >= usize::from(limit));
        if is_reached(self.suspension) {
            Consequence::Suspension
        } else if is_reached(self.warning) {
            Consequence::Warning
        } else {
            Consequence::None
        }
    }
}

/// Returns the incidents of one side without those that have consequences and are about the same as an earlier one in the list, so
/// that each session, and each disputed payment, counts once.
pub fn once_per_subject(mut incidents: Vec<Incident>) -> Vec<Incident> {
    let mut subjects = BTreeSet::new();
    incidents.retain(|incident| !incident.kind.has_consequences() || subjects.insert(incident.subject()));
    incidents
}

/// Returns the incidents that count at an instant for the consequences of an incident of a kind, the earliest first.
///
/// Each subject counts once. So does each person on the other side, unless the kind is [`IncidentKind::LostDispute`]. An incident whose
/// counterpart is unknown counts as one with somebody else.
pub fn counted_with(incidents: &[Incident], kind: IncidentKind, now: Timestamp) -> Vec<&Incident> {
    let is_counted = |one: &&Incident| one.counts(now) && one.kind.is_counted_with(kind);
    let mut counted: Vec<&Incident> = incidents.iter().filter(is_counted).collect();
    counted.sort_by_key(|one| (one.at, one.appointment));
    let (mut subjects, mut people) = (BTreeSet::new(), BTreeSet::<PersonId>::new());
    counted.retain(|one| {
        let counterpart = match kind {
            IncidentKind::LostDispute => None,
            _ => one.counterpart,
        };
        let is_repeated = subjects.contains(&one.subject())
            || counterpart.is_some_and(|counterpart| people.contains(&counterpart));
        if !is_repeated {
            subjects.insert(one.subject());
            people.extend(counterpart);
        }
        !is_repeated
    });
    counted
}

impl Incident {
    /// Returns the person on the side of the incident in its appointment.
    pub fn person(&self, appointment: &Appointment) -> PersonId {
        match self.side {
            Party::Client => appointment.client.person(),
            Party::Expert | Party::Platform => appointment.expert.person(),
        }
    }

    /// Returns what the incident is about.
    pub fn subject(&self) -> IncidentSubject {
        match self.group_session {
            _ if self.kind == IncidentKind::LostDispute => IncidentSubject::Payment(self.appointment),
            Some(session) => IncidentSubject::Group(session),
            None => IncidentSubject::Individual(self.appointment),
        }
    }

    /// Returns whether the incident has consequences at an instant.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.kind.has_consequences() && self.at >= now.plus(-COUNTED_FOR)
    }

    /// Returns the incident of a change that a side can make more than once: a move or a declined proposal.
    pub fn of_change(kind: IncidentKind, after: &Appointment, side: Party, now: Timestamp) -> Self {
        let group_session = SessionOccurrence::of(after);
        let counterpart = counterpart(after, side);
        Self { side, kind, appointment: after.id, group_session, counterpart, at: now, number: after.version }
    }

    /// Returns the incident of a client whose bank decided the dispute about the payment of an appointment in their favor.
    pub fn lost_dispute(appointment: &Appointment, now: Timestamp) -> Self {
        Self {
            side: Party::Client,
            kind: IncidentKind::LostDispute,
            appointment: appointment.id,
            group_session: SessionOccurrence::of(appointment),
            counterpart: counterpart(appointment, Party::Client),
            at: now,
            number: 0,
        }
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
                group_session: SessionOccurrence::of(appointment),
                counterpart: counterpart(appointment, side),
                at: appointment.end,
                number: 0,
            }),
            _ => None,
        }
    }
}

/// The person on the other side of an appointment.
fn counterpart(appointment: &Appointment, side: Party) -> Option<PersonId> {
    match side {
        Party::Client => Some(appointment.expert.person()),
        Party::Expert => Some(appointment.client.person()),
        Party::Platform => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consequences_begin_at_their_numbers() {
        let rules = ReliabilityRules { warning: 2, suspension: Some(3), ..ReliabilityRules::default() };
        let of = |incidents| rules.limits(IncidentKind::NoShow).consequence(incidents);
        assert_eq!([of(0), of(1)], [Consequence::None; 2]);
        assert_eq!(of(2), Consequence::Warning);
        assert_eq!([of(3), of(4)], [Consequence::Suspension; 2]);
        let never = ReliabilityRules { suspension: None, suspension_for_disputes: None, ..rules.clone() };
        let of = |kind| never.limits(kind).consequence(usize::MAX);
        assert_eq!(of(IncidentKind::LateCancellation), Consequence::Warning);
        assert_eq!(of(IncidentKind::LostDispute), Consequence::None);
        let of = |disputes| rules.limits(IncidentKind::LostDispute).consequence(disputes);
        assert_eq!([of(0), of(1), of(2)], [Consequence::None, Consequence::Warning, Consequence::Suspension]);
    }

    #[test]
    fn lost_disputes_are_counted_apart_and_for_each_payment() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let session = SessionOccurrence { session_type: SessionTypeId::from_bits(1), start: now };
        let incident = |appointment, kind| Incident {
            side: Party::Client,
            kind,
            appointment: AppointmentId::from_bits(appointment),
            group_session: Some(session),
            // Both are with one expert. Each payment counts all the same.
            counterpart: Some(PersonId::from_bits(7)),
            at: now,
            number: 0,
        };
        use IncidentKind::{LateCancellation, LostDispute};
        // Both payments are of one group session, which the client also cancelled late.
        let mut incidents = vec![incident(1, LostDispute), incident(1, LateCancellation)];
        let rules = ReliabilityRules { warning: 2, suspension: Some(2), ..ReliabilityRules::default() };
        assert_eq!(once_per_subject(incidents.clone()), incidents);
        let numbers = |incidents: &[Incident]| {
            [LostDispute, LateCancellation].map(|kind| counted_with(incidents, kind, now).len())
        };
        assert_eq!(numbers(&incidents), [1, 1]);
        assert_eq!(rules.consequence(&incidents, now), Consequence::Warning);
        incidents.push(incident(2, LostDispute));
        assert_eq!(once_per_subject(incidents.clone()), incidents);
        assert_eq!(numbers(&incidents), [2, 1]);
        assert_eq!(rules.consequence(&incidents, now), Consequence::Suspension);
        assert_eq!(rules.consequence(&incidents, now.plus(COUNTED_FOR + 1)), Consequence::None);
        // The same of an individual session.
        let both =
            [LostDispute, LateCancellation].map(|kind| Incident { group_session: None, ..incident(1, kind) });
        assert_eq!(once_per_subject(both.to_vec()), both);
    }

    #[test]
    fn each_session_counts_once() {
        let incident = |appointment, group: Option<i64>, kind, at| Incident {
            side: Party::Client,
            kind,
            appointment: AppointmentId::from_bits(appointment),
            group_session: group.map(|start| SessionOccurrence {
                session_type: SessionTypeId::from_bits(1),
                start: Timestamp::from_seconds(start),
            }),
            counterpart: None,
            at: Timestamp::from_seconds(at),
            number: 0,
        };
        use IncidentKind::{LateCancellation, Move, NoShow};
        let incidents = vec![
            incident(1, Some(100), NoShow, 50),
            // Another booking of the same session, cancelled.
            incident(2, Some(100), LateCancellation, 40),
            // The same session type at another time.
            incident(3, Some(200), LateCancellation, 30),
            // Individual sessions.
            incident(4, None, LateCancellation, 20),
            incident(5, None, LateCancellation, 20),
            // Moves have no consequences, and each one counts.
            incident(1, Some(100), Move, 10),
            incident(1, Some(100), Move, 9),
        ];
        let mut expected = incidents.clone();
        expected.remove(1);
        assert_eq!(once_per_subject(incidents), expected);
    }

    #[test]
    fn each_counterpart_counts_once_for_consequences() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let group = SessionOccurrence { session_type: SessionTypeId::from_bits(1), start: now };
        let incident = |appointment, group_session, kind, days: i64| Incident {
            side: Party::Expert,
            kind,
            appointment: AppointmentId::from_bits(appointment),
            group_session,
            counterpart: None,
            at: now.plus(-days * DAY),
            number: 0,
        };
        use IncidentKind::{LateCancellation, Move, NoShow};
        // The latest first, as they are read.
        let incidents = [
            incident(1, None, Move, 0),
            incident(2, None, NoShow, 1),
            incident(3, Some(group), LateCancellation, 2),
            incident(4, Some(group), LateCancellation, 3),
            incident(5, None, NoShow, 4),
            incident(6, None, LateCancellation, 5),
        ];
        let with = |clients: [u128; 6]| -> Vec<Incident> {
            let with = |(one, client)| Incident { counterpart: Some(PersonId::from_bits(client)), ..one };
            incidents.iter().cloned().zip(clients).map(with).collect()
        };
        let counted = |incidents: &[Incident], now| -> Vec<u128> {
            let counted = counted_with(incidents, NoShow, now);
            counted.iter().map(|one| one.appointment.bits()).collect()
        };
        assert_eq!(counted(&with([7; 6]), now), [6], "one client alone");
        assert_eq!(
            counted(&with([7, 8, 7, 7, 9, 7]), now),
            [6, 5, 2],
            "the group session is with the same client"
        );
        assert_eq!(
            counted(&with([7, 8, 9, 7, 7, 7]), now),
            [6, 3, 2],
            "the group session has another client"
        );
        assert_eq!(counted(&with([1, 2, 3, 4, 5, 6]), now), [6, 5, 4, 2], "a group session counts once");
        assert_eq!(counted(&incidents, now), [6, 5, 4, 2], "nobody is known");
        // When the earliest one does not count any longer, the next one with this client does.
        assert_eq!(counted(&with([7; 6]), now.plus(85 * DAY + 1)), [5]);
        let rules = ReliabilityRules { warning: 2, suspension: Some(3), ..ReliabilityRules::default() };
        let of = |clients| rules.consequence(&with(clients), now);
        assert_eq!(of([7; 6]), Consequence::None);
        assert_eq!(of([7, 8, 8, 8, 7, 7]), Consequence::Warning);
        assert_eq!(of([7, 8, 8, 8, 9, 7]), Consequence::Suspension);
    }

    #[test]
    fn incidents_have_consequences_for_90_days() {
        let at = Timestamp::from_seconds(1_800_000_000);
        let appointment = AppointmentId::from_bits(1);
        let late = |kind| Incident {
            side: Party::Client,
            kind,
            appointment,
            group_session: None,
            counterpart: None,
            at,
            number: 0,
        };
        assert!(late(IncidentKind::NoShow).counts(at.plus(COUNTED_FOR)));
        assert!(!late(IncidentKind::NoShow).counts(at.plus(COUNTED_FOR + 1)));
        assert!(!late(IncidentKind::Move).counts(at));
    }
}
