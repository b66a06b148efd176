//! Notifications about appointments, their payments and the reliability of people, and whom a change concerns.

use crate::kernel::time::DAY;
use crate::scheduling::history::{Change, ChangedBy, SessionTime};
use crate::scheduling::party::Party;
use crate::{AppointmentId, ExpertId, Money, NotificationId, PersonId, Timestamp};

/// How long a notification is kept, in seconds.
pub const KEPT_FOR: i64 = 180 * DAY;

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The id; ids sort by the time of delivery.
    pub id: NotificationId,
    /// The person who is notified.
    pub person: PersonId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub content: Content,
}

impl Notification {
    /// Returns the change of an appointment, if the notification is about one.
    pub fn change(&self) -> Option<&AppointmentChange> {
        match &self.content {
            Content::Change(change) => Some(change),
            Content::Warning(_) => None,
        }
    }
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A change of an appointment that somebody else made.
    Change(AppointmentChange),
    /// The person has cancelled late or missed a session too often, or a dispute was lost because of them.
    Warning(ReliabilityWarning),
}

/// What a person is told about a change that somebody else made.
///
/// A person has at most one notification for each kind of event of an appointment: a later event replaces it. So one
/// counterpart cannot fill the list of another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentChange {
    /// The appointment that was changed.
    pub appointment: AppointmentId,
    /// The expert of the appointment.
    pub expert: ExpertId,
    /// The version of the changed row, which is that of the appointment or of its payment. It orders events of a kind.
    pub version: u64,
    /// Who made the change.
    pub by: ChangedBy,
    /// What was changed.
    pub change: Change,
    /// The time of the session after the change.
    pub session: SessionTime,
    /// What the client pays in the end, if the change decides it. If the person can object, it is what the client pays if nobody does.
    pub final_charge: Option<Money>,
    /// Until when the person can object, if the change is the report that their side did not attend, or a decision of an administrator.
    pub object_until: Option<Timestamp>,
}

/// What a person is told about their late cancellations and no-shows, or about their lost disputes. There is one for each session, and
/// for each disputed payment, at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReliabilityWarning {
    /// The side of the person in the session: the expert or the client.
    pub side: Party,
    /// The appointment that the person cancelled late or missed last, or whose payment they disputed.
    pub appointment: AppointmentId,
    /// Whether the warning is about lost disputes. Otherwise, it is about late cancellations and no-shows.
    pub for_lost_disputes: bool,
    /// The number of these in the last 90 days, of this side: of late cancellations and no-shows, one for each counterpart.
    pub incidents: u32,
    /// The number from which on the person is warned.
    pub warning_from: u16,
    /// The number from which on the platform suspends the person; `None` if only administrators suspend people.
    pub suspension_from: Option<u16>,
}

/// Up to where a person has read their notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// The version, incremented with each change; 0 if nothing is stored.
    pub version: u64,
    /// The notification with this id and all that were delivered before are read.
    pub until: NotificationId,
}

impl ReadMark {
    /// The mark of a person who has read nothing.
    pub const NOTHING: Self = Self { version: 0, until: NotificationId::from_bits(0) };

    /// Returns the mark moved to a notification; `None` if it is there already or behind. A notification that will be
    /// delivered after `now` stays unread, whatever the id says.
    pub fn moved_to(self, until: NotificationId, now: Timestamp) -> Option<Self> {
        let until = until.min(last_id_at(now));
        (until > self.until).then_some(Self { version: self.version + 1, until })
    }

    /// Returns whether a notification is read.
    pub fn is_read(self, id: NotificationId) -> bool {
        id <= self.until
    }
}

/// The high bits of ids that are given at an instant: a number of milliseconds. The other 80 bits are random.
fn time_bits(at: Timestamp) -> u128 {
    (u128::from(at.seconds().unsigned_abs()) * 1_000) << 80
}

/// Returns the lowest id that can be given at an instant or later.
pub fn first_id_at(at: Timestamp) -> NotificationId {
    NotificationId::from_bits(time_bits(at))
}

/// Returns the highest id that can be given at an instant or before.
fn last_id_at(at: Timestamp) -> NotificationId {
    NotificationId::from_bits(time_bits(at.plus(1)).saturating_sub(1))
}

/// Returns whether a party is told about a change.
///
/// The expert never saw a hold that expires, and a client who must pay again is asked alone. What an administrator has to
/// decide does not concern the client, and a dispute is the client's own action at their bank.
pub fn concerns(change: &Change, party: Party) -> bool {
    match party {
        Party::Client => change.is_visible_to(party) && !matches!(change, Change::PaymentDisputed),
        Party::Expert => !matches!(change, Change::Expired | Change::PaymentActionRequired),
        Party::Platform => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mark_covers_nothing_that_is_delivered_later(bits: u128, at in 0_i64..4_000_000_000, later in 1_i64..DAY) {
            let at = Timestamp::from_seconds(at);
            let mark = ReadMark::NOTHING.moved_to(NotificationId::from_bits(bits), at);
            prop_assert!(mark.is_none_or(|mark| !mark.is_read(first_id_at(at.plus(later)))));
        }

        #[test]
        fn mark_never_moves_back(one: u128, other: u128) {
            let (one, other) = (NotificationId::from_bits(one), NotificationId::from_bits(other));
            let now = Timestamp::MAX;
            let first = ReadMark::NOTHING.moved_to(one, now).unwrap_or(ReadMark::NOTHING);
            let second = first.moved_to(other, now).unwrap_or(first);
            prop_assert!(second.until >= first.until && second.version >= first.version);
        }
    }

    #[test]
    fn each_party_is_told_what_concerns_it() {
        let told =
            |change| [Party::Expert, Party::Client, Party::Platform].map(|party| concerns(&change, party));
        assert_eq!(told(Change::Cancelled), [true, true, false]);
        assert_eq!(told(Change::Expired), [false, true, false]);
        assert_eq!(told(Change::PaymentActionRequired), [false, true, false]);
        assert_eq!(told(Change::PaymentEscalated), [true, false, false]);
        assert_eq!(told(Change::PaymentDisputed), [true, false, false]);
    }
}
