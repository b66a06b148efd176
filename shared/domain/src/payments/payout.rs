//! When experts get their share of a payment.

/// When an expert gets their share of a payment. It is fixed at booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutTiming {
    /// The gateway transfers the share as soon as the client pays.
    AtPayment,
    /// The platform holds the money until one day after the end of the session, when nobody can dispute the outcome any
    /// more.
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
