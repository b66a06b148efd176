//! How a session ended: who may say what of it, when, and what becomes of it when the two do not say the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Appointment, ChangeRefusal, Event, Status};
use crate::Timestamp;
use crate::kernel::time::{HOUR, MINUTE};
use crate::scheduling::party::Party;

/// Minutes after the start from which either of the two can say that the other did not come.
pub const LATE_MINUTES: i64 = 10;
/// Hours after the end until which a client can say so; then a session that nobody spoke of counts as having taken place.
pub const REPORT_HOURS: i64 = 24;
/// Hours that an expert has to contradict.
pub const OBJECTION_HOURS: i64 = 24;

/// What is decided, and what not yet, of how a session ended. Until it is, no money goes back for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum NoShowReport {
    /// The client says that the expert did not come, and the expert can contradict.
    Open {
        /// Until then; after that it counts as said.
        until: Timestamp,
    },
    /// One says that the expert did not come, the other that they did: an administrator decides.
    Disputed,
    /// An administrator decided, and neither of the two can say otherwise.
    Decided,
}

impl NoShowReport {
    /// Whether the expert can contradict.
    fn is_open(self, now: Timestamp) -> bool {
        matches!(self, Self::Open { until } if now < until)
    }
}

/// How a session that was due to take place ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It took place.
    Completed,
    /// One of the two did not come.
    NoShow {
        /// Who.
        missed_by: Party,
    },
}

impl Outcome {
    /// What it makes of a session, in words.
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NoShow { .. } => "marked as a no-show",
        }
    }

    /// The status that says so.
    pub fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::NoShow { missed_by } => Status::NoShow { missed_by },
        }
    }

    /// What the world is told.
    pub fn event(self) -> Event {
        match self {
            Self::Completed => Event::Completed,
            Self::NoShow { .. } => Event::NoShow,
        }
    }
}

impl Appointment {
    /// When a session that nobody spoke of counts as having taken place.
    pub fn completes_at(&self) -> Timestamp {
        self.end.plus(REPORT_HOURS * HOUR)
    }

    /// One of the two, or the platform, says how it ended.
    ///
    /// The expert says that it took place once it is over, or a little after the start that the client did not come. The client
    /// can only say that the expert did not come, from a little after the start until the next day. Who is said not to have
    /// come may contradict: then the platform decides, which it may in any case and at any time.
    ///
    /// # Errors
    /// When its status does not allow it, or it is too early or too late to say so.
    pub fn ended(&self, outcome: Outcome, by: Party, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let absent = Status::NoShow { missed_by: Party::Expert };
        // Where nothing was paid there is nothing to contradict for.
        let contestable = !self.price.is_zero();
        let (status, no_show_report) = match (&self.status, by) {
            (Status::Confirmed, _) => {
                self.check_time(outcome, by, now)?;
                let until = now.plus(OBJECTION_HOURS * HOUR);
                let reported = by == Party::Client && contestable;
                (outcome.status(), reported.then_some(NoShowReport::Open { until }))
            }
            (said, Party::Platform) if said.has_ended() => (outcome.status(), Some(NoShowReport::Decided)),
            (_, Party::Client | Party::Expert) if self.no_show_report == Some(NoShowReport::Decided) => {
                return Err(self.status_refusal(outcome.as_str()));
            }
            // The expert spoke first, and the client contradicts.
            (said, Party::Client) if said.has_ended() && *said != absent && contestable => {
                self.check_time(outcome, by, now)?;
                (said.clone(), Some(NoShowReport::Disputed))
            }
            // The client says so, and the expert agrees or contradicts.
            (_, Party::Expert) if self.no_show_report.is_some() && outcome.status() == absent => {
                (absent, None)
            }
            (_, Party::Expert) if self.no_show_report.is_some_and(|review| review.is_open(now)) => {
                (absent, Some(NoShowReport::Disputed))
            }
            _ => return Err(self.status_refusal(outcome.as_str())),
        };
        Ok(Self { no_show_report, ..self.with_status(status) })
    }

    /// Whether somebody who says this says nothing new.
    pub fn is_told(&self, outcome: Outcome, by: Party) -> bool {
        let absent = outcome.status() == Status::NoShow { missed_by: Party::Expert };
        match (self.no_show_report, by) {
            (None, _) => self.status == outcome.status(),
            (Some(NoShowReport::Decided), by) => by == Party::Platform && self.status == outcome.status(),
            (Some(NoShowReport::Open { .. }), _) => by == Party::Client && absent,
            (Some(NoShowReport::Disputed), Party::Client) => absent,
            (Some(NoShowReport::Disputed), Party::Expert) => !absent,
            (Some(NoShowReport::Disputed), Party::Platform) => false,
        }
    }

    /// Nobody contradicted the client in time.
    pub fn report_accepted(&self) -> Self {
        Self { no_show_report: None, ..self.with_status(self.status.clone()) }
    }

    fn check_time(&self, outcome: Outcome, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        let late = self.start.plus(LATE_MINUTES * MINUTE).min(self.end);
        let wanted = outcome.as_str();
        match (by, outcome) {
            (Party::Client, _) => {
                let until = self.completes_at();
                if (late..=until).contains(&now) {
                    Ok(())
                } else {
                    Err(ChangeRefusal::NotNow { wanted, from: late, until })
                }
            }
            (_, Outcome::Completed) => self.check_from(self.end, wanted, now),
            // Who did not come themselves can say so at once.
            (Party::Expert, Outcome::NoShow { missed_by: Party::Expert }) => {
                self.check_from(self.start, wanted, now)
            }
            (_, Outcome::NoShow { .. }) => self.check_from(late, wanted, now),
        }
    }

    fn check_from(&self, from: Timestamp, wanted: &'static str, now: Timestamp) -> Result<(), ChangeRefusal> {
        if now < from { Err(ChangeRefusal::TooEarly { from, wanted }) } else { Ok(()) }
    }
}
