//! What the client tells the expert about a session: its topic, goals and requirements, and who else comes.

use super::appointment::{Appointment, ChangeRefusal};
use crate::kernel::text::{Email, LongText, ShortText};
use crate::{Timestamp, Violations};

/// The maximum number of guests of an appointment.
pub const MAX_GUESTS: usize = 5;

/// A person who comes to the session besides the attendee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The guest's address.
    pub email: Email,
    /// The guest's name.
    pub name: Option<ShortText>,
}

/// What the client tells the expert about a session. Both parties can read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionDetails {
    /// The subject of the session.
    pub topic: Option<ShortText>,
    /// What the client wants to achieve; may be empty.
    pub goals: LongText,
    /// What the session needs, such as tools or documents; may be empty.
    pub requirements: LongText,
    /// The people who come besides the attendee, at most 5, each address once.
    pub guests: Vec<Guest>,
}

impl SessionDetails {
    /// Checks the list of guests.
    ///
    /// # Errors
    /// All violations: too many guests, or an address that is in the list twice.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::default();
        violations.check_count("/guests", self.guests.len(), MAX_GUESTS);
        for (at, guest) in self.guests.iter().enumerate() {
            let same = |other: &Guest| other.email.as_str().eq_ignore_ascii_case(guest.email.as_str());
            if self.guests[..at].iter().any(same) {
                violations.add(format!("/guests/{at}/email"), "must not be the address of another guest");
            }
        }
        violations.into_result()
    }

    /// Returns whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Appointment {
    /// Checks whether the details can be changed: as long as the appointment is active and the session has not begun.
    ///
    /// # Errors
    /// [`ChangeRefusal::Status`] or [`ChangeRefusal::AlreadyStarted`].
    pub fn check_details_change(&self, now: Timestamp) -> Result<(), ChangeRefusal> {
        let requested = "changed";
        if !self.status.is_active() {
            Err(self.status_refusal(requested))
        } else if now >= self.start {
            Err(ChangeRefusal::AlreadyStarted { start: self.start, requested })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(addresses: &[&str]) -> SessionDetails {
        let guest = |address: &&str| Guest {
            email: (*address).to_owned().try_into().expect("an address"),
            name: None,
        };
        SessionDetails { guests: addresses.iter().map(guest).collect(), ..SessionDetails::default() }
    }

    #[test]
    fn five_guests_with_different_addresses_are_allowed() {
        let five = ["a@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"];
        assert_eq!(guests(&five).check(), Ok(()));
        assert!(guests(&[&five[..], &["f@example.org"]].concat()).check().is_err());
        assert!(guests(&["a@example.org", "A@Example.org"]).check().is_err());
        assert!(SessionDetails::default().is_empty());
        assert!(!guests(&five).is_empty());
    }
}
