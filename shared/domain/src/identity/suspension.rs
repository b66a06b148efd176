//! The suspension of a person by an administrator, or by the platform after too many incidents.
//!
//! A suspended person cannot book, and cannot change what they or others offer. They can still read, cancel, attend and object.

use crate::kernel::text::ShortText;
use crate::{PersonId, Timestamp};

/// The maximum number of changes that are remembered.
pub const MAX_CHANGES: usize = 50;

/// Who suspended a person, or lifted the suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// An administrator.
    Administrator(PersonId),
    /// The platform, automatically. It never lifts a suspension.
    Platform,
}

/// One change: a person was suspended, or the suspension was lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspensionChange {
    /// Whether the person is suspended since then.
    pub suspended: bool,
    /// The reason, which the person can read.
    pub reason: ShortText,
    /// Who decided it.
    pub by: DecidedBy,
    /// When it was changed.
    pub at: Timestamp,
}

/// Whether a person is suspended, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The person.
    pub person: PersonId,
    /// Increases by one with each change; 0 for a person who was never suspended.
    pub version: u64,
    /// The last changes, oldest first.
    pub changes: Vec<SuspensionChange>,
}

impl Suspension {
    /// The state of a person who was never suspended.
    pub const fn never(person: PersonId) -> Self {
        Self { person, version: 0, changes: Vec::new() }
    }

    /// The change that suspended the person; `None` if they are not suspended.
    pub fn current(&self) -> Option<&SuspensionChange> {
        self.changes.last().filter(|change| change.suspended)
    }

    /// The state after a change. Only the last [`MAX_CHANGES`] changes are kept.
    #[must_use]
    pub fn changed(mut self, change: SuspensionChange) -> Self {
        self.changes.push(change);
        self.changes.drain(..self.changes.len().saturating_sub(MAX_CHANGES));
        Self { version: self.version + 1, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_decides_and_old_ones_are_forgotten() {
        let person = PersonId::from_bits(1);
        let change = |number: i64, suspended| SuspensionChange {
            suspended,
            reason: format!("reason {number}").try_into().expect("a text"),
            by: DecidedBy::Administrator(PersonId::from_bits(2)),
            at: Timestamp::from_seconds(number),
        };
        let mut suspension = Suspension::never(person);
        assert_eq!(suspension.current(), None);
        for number in 0..60 {
            suspension = suspension.changed(change(number, number % 2 == 0));
            let expected = (number % 2 == 0).then(|| change(number, true));
            assert_eq!(suspension.current().cloned(), expected);
        }
        assert_eq!((suspension.version, suspension.changes.len()), (60, MAX_CHANGES));
        assert_eq!(suspension.changes.first(), Some(&change(10, true)));
    }
}
