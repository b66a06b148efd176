//! How a session ends: who may report what and when, and how a disagreement is resolved.

use super::{Appointment, ChangeRefusal, Status};
use crate::Timestamp;
use crate::kernel::time::{HOUR, MINUTE};
use crate::scheduling::party::Party;

/// A no-show can be reported from this many minutes after the start.
pub const LATE_MINUTES: i64 = 10;
/// A client can report a no-show until this many hours after the end. A session without a report then counts as
/// completed.
pub const REPORT_HOURS: i64 = 24;
/// An expert can dispute a client's report for this many hours.
pub const OBJECTION_HOURS: i64 = 24;

/// A no-show report that is not resolved yet, or that an administrator decided. While it is unresolved, nothing is
/// refunded because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShowReport {
    /// The client has reported that the expert did not attend. The expert can dispute it.
    Open {
        /// The end of the period for a dispute. After it, the report counts as accepted.
        until: Timestamp,
    },
    /// One party says that the expert did not attend, and the other says that they did. An administrator decides.
    Disputed,
    /// An administrator has decided. Neither party can change the outcome.
    Decided,
}

impl NoShowReport {
    /// Returns whether the expert can still dispute the report.
    fn is_open(self, now: Timestamp) -> bool {
        matches!(self, Self::Open { until } if now < until)
    }
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The session took place.
    Completed,
    /// One of the parties did not attend.
    NoShow {
        /// The party that did not attend.
        missed_by: Party,
    },
}

impl Outcome {
    /// Returns the outcome as a participle for error messages.
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NoShow { .. } => "marked as a no-show",
        }
    }

    /// Returns the status that represents the outcome.
    pub fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::NoShow { missed_by } => Status::NoShow { missed_by },
        }
    }
}

impl Appointment {
    /// Returns when a confirmed session without a report counts as completed.
    pub fn completes_at(&self) -> Timestamp {
        self.end.plus(REPORT_HOURS * HOUR)
    }

    /// Records how the session ended, as reported by a party.
    ///
    /// The expert can report a completed session from its end, and a no-show of the client from [`LATE_MINUTES`]
    /// after the start. The client can only report a no-show of the expert, from [`LATE_MINUTES`] after the start
    /// until [`REPORT_HOURS`] after the end. The accused party can dispute a report; then the platform decides. The
    /// platform can also decide in any other case.
    ///
    /// # Errors
    /// If the status does not allow the report, or if it is too early or too late for it.
    pub fn ended(&self, outcome: Outcome, by: Party, now: Timestamp) -> Result<Self, ChangeRefusal> {
        let absent = Status::NoShow { missed_by: Party::Expert };
        // A session without a price has no refund to dispute.
        let contestable = !self.price.is_zero();
        let (status, no_show_report) = match (&self.status, by) {
            (Status::Confirmed, _) => {
                self.check_time(outcome, by, now)?;
                let until = now.plus(OBJECTION_HOURS * HOUR);
                let reported = by == Party::Client && contestable;
                (outcome.status(), reported.then_some(NoShowReport::Open { until }))
            }
            (status, Party::Platform) if status.has_outcome() => {
                (outcome.status(), Some(NoShowReport::Decided))
            }
            (_, Party::Client | Party::Expert) if self.no_show_report == Some(NoShowReport::Decided) => {
                return Err(self.status_refusal(outcome.as_str()));
            }
            // The expert reported first, and the client disputes the report.
            (status, Party::Client) if status.has_outcome() && *status != absent && contestable => {
                self.check_time(outcome, by, now)?;
                ((*status).clone(), Some(NoShowReport::Disputed))
            }
            // The client reported a no-show of the expert, and the expert accepts or disputes it.
            (_, Party::Expert) if self.no_show_report.is_some() && outcome.status() == absent => {
                (absent, None)
            }
            (_, Party::Expert) if self.no_show_report.is_some_and(|report| report.is_open(now)) => {
                (absent, Some(NoShowReport::Disputed))
            }
            _ => return Err(self.status_refusal(outcome.as_str())),
        };
        Ok(Self { no_show_report, ..self.with_status(status) })
    }

    /// Returns whether the party has already reported this outcome, so that another report changes nothing.
    pub fn has_reported(&self, outcome: Outcome, by: Party) -> bool {
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

    /// Accepts the client's report, because the expert did not dispute it in time.
    pub fn accept_report(&self) -> Self {
        Self { no_show_report: None, ..self.with_status(self.status.clone()) }
    }

    fn check_time(&self, outcome: Outcome, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        let late = self.start.plus(LATE_MINUTES * MINUTE).min(self.end);
        let requested = outcome.as_str();
        match (by, outcome) {
            (Party::Client, _) => {
                let until = self.completes_at();
                if (late..=until).contains(&now) {
                    Ok(())
                } else {
                    Err(ChangeRefusal::OutsidePeriod { requested, from: late, until })
                }
            }
            (_, Outcome::Completed) => self.check_from(self.end, requested, now),
            // From the start of the session, the expert can report that they did not attend.
            (Party::Expert, Outcome::NoShow { missed_by: Party::Expert }) => {
                self.check_from(self.start, requested, now)
            }
            (_, Outcome::NoShow { .. }) => self.check_from(late, requested, now),
        }
    }

    fn check_from(
        &self,
        from: Timestamp,
        requested: &'static str,
        now: Timestamp,
    ) -> Result<(), ChangeRefusal> {
        if now < from { Err(ChangeRefusal::TooEarly { from, requested }) } else { Ok(()) }
    }
}
