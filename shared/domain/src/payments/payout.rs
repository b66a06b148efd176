//! When experts get their share of a payment.

use crate::{ClientId, ExpertId};

/// The most sessions that a [`TrackRecord`] can be required to have.
pub const MAX_PROVEN_SESSIONS: u16 = 20;

/// When an expert gets their share of a payment. It is fixed at booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutTiming {
    /// The gateway transfers the share as soon as the client pays.
    AtPayment,
    /// The platform holds the money until one day after the end of the session, when nobody can report a
    /// no-show any more.
    AfterSession,
}

impl PayoutTiming {
    /// All timings.
    pub const ALL: [Self; 2] = [Self::AtPayment, Self::AfterSession];

    /// Returns the name of the timing in settings and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtPayment => "at_payment",
            Self::AfterSession => "after_session",
        }
    }
}

/// The text is not the name of a timing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected at_payment or after_session")]
pub struct InvalidTiming;

impl std::str::FromStr for PayoutTiming {
    type Err = InvalidTiming;

    fn from_str(name: &str) -> Result<Self, InvalidTiming> {
        Self::ALL.into_iter().find(|timing| timing.as_str() == name).ok_or(InvalidTiming)
    }
}

/// Why an expert's new payments have their timing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutReason {
    /// It is the setting of the platform, or of an administrator for this expert.
    Setting,
    /// The expert is new, and must complete more sessions before the setting applies.
    NewExpert {
        /// The number of sessions that are missing.
        missing: u16,
    },
    /// The expert owes the platform something.
    Debt,
    /// The gateway cannot hold money.
    Gateway,
}

/// When an expert gets their share of new payments, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutTerms {
    /// The timing.
    pub timing: PayoutTiming,
    /// The reason.
    pub because: PayoutReason,
}

/// A paid session that was completed without a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenSession {
    /// The client.
    pub client: ClientId,
    /// The gateway's identity of the means of payment, such as the fingerprint of a card.
    pub paid_with: String,
}

impl ProvenSession {
    /// Returns the session of an expert with a client. `None` if they are the same person, who proves nothing by paying themself.
    pub fn of(expert: ExpertId, client: ClientId, paid_with: String) -> Option<Self> {
        (client.bits() != expert.bits()).then_some(Self { client, paid_with })
    }
}

/// The first sessions that an expert completed without a dispute, with distinct clients and means of payment. A dispute
/// empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackRecord {
    /// The version, incremented with each change; 0 if the expert has none yet.
    pub version: u64,
    /// The sessions, the oldest first.
    pub sessions: Vec<ProvenSession>,
}

impl TrackRecord {
    /// Returns the timing of new payments of an expert with this track record, given the `setting` and the number of
    /// sessions that a new expert must complete.
    pub fn terms(&self, setting: PayoutTiming, required: u16) -> PayoutTerms {
        let missing = required.saturating_sub(u16::try_from(self.sessions.len()).unwrap_or(u16::MAX));
        if setting == PayoutTiming::AtPayment && missing > 0 {
            PayoutTerms { timing: PayoutTiming::AfterSession, because: PayoutReason::NewExpert { missing } }
        } else {
            PayoutTerms { timing: setting, because: PayoutReason::Setting }
        }
    }

    /// Returns the track record with another session. `None` if the session does not count: the record has as many as
    /// required, or one with the same client or means of payment.
    pub fn with(&self, session: ProvenSession, required: u16) -> Option<Self> {
        let is_known = self
            .sessions
            .iter()
            .any(|one| one.client == session.client || one.paid_with == session.paid_with);
        if is_known || self.sessions.len() >= usize::from(required.min(MAX_PROVEN_SESSIONS)) {
            return None;
        }
        let sessions = self.sessions.iter().cloned().chain([session]).collect();
        Some(Self { version: self.version + 1, sessions })
    }

    /// Returns the track record after a dispute. `None` if it is empty already.
    pub fn emptied(&self) -> Option<Self> {
        (!self.sessions.is_empty()).then(|| Self { version: self.version + 1, sessions: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(client: u128, paid_with: &str) -> ProvenSession {
        ProvenSession { client: ClientId::from_bits(client), paid_with: paid_with.to_owned() }
    }

    #[test]
    fn experts_who_book_themselves_prove_nothing() {
        let of = |client| {
            ProvenSession::of(ExpertId::from_bits(1), ClientId::from_bits(client), "card_1".to_owned())
        };
        assert_eq!([of(1), of(2)], [None, Some(session(2, "card_1"))]);
    }

    #[test]
    fn sessions_count_once_for_each_client_and_means_of_payment() {
        let record = TrackRecord::default();
        let one = record.with(session(1, "card_1"), 3).unwrap();
        assert_eq!((one.version, one.sessions.len()), (1, 1));
        assert_eq!(one.with(session(1, "card_2"), 3), None);
        assert_eq!(one.with(session(2, "card_1"), 3), None);
        let two = one.with(session(2, "card_2"), 3).unwrap();
        assert_eq!(two.with(session(3, "card_3"), 2), None, "two are enough");
        assert_eq!(two.emptied(), Some(TrackRecord { version: 3, sessions: Vec::new() }));
        assert_eq!(record.emptied(), None);
    }

    #[test]
    fn new_expert_is_paid_after_the_session_whatever_the_setting_is() {
        use PayoutTiming::{AfterSession, AtPayment};
        let record = TrackRecord::default().with(session(1, "card_1"), 3).unwrap();
        let new =
            |missing| PayoutTerms { timing: AfterSession, because: PayoutReason::NewExpert { missing } };
        let setting = |timing| PayoutTerms { timing, because: PayoutReason::Setting };
        assert_eq!(record.terms(AtPayment, 3), new(2));
        assert_eq!(record.terms(AtPayment, 1), setting(AtPayment));
        assert_eq!(record.terms(AtPayment, 0), setting(AtPayment));
        assert_eq!(record.terms(AfterSession, 3), setting(AfterSession));
    }
}
