//! How a session ends: who may report what and when, and how a disagreement is resolved.

use super::{Appointment, ChangeRefusal, Status};
use crate::kernel::time::{HOUR, MINUTE};
use crate::scheduling::cancellation::{Quote, no_show};
use crate::scheduling::party::Party;
use crate::{Money, Timestamp};

/// A no-show can be reported from this many minutes after the start.
pub const LATE_MINUTES: i64 = 10;
/// A client can report a no-show until this many hours after the end. A session without a report then counts as
/// completed.
pub const REPORT_HOURS: i64 = 24;
/// Whoever is said not to have attended can object for this many hours after they were notified.
pub const OBJECTION_HOURS: i64 = 24;

/// A no-show report that is not resolved yet, or that an administrator decided. While it is unresolved, it has no effect
/// on what the client pays.
///
/// Neither a report nor the decision of an administrator costs anybody anything before they were notified and could
/// object for [`OBJECTION_HOURS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShowReport {
    /// It is reported that a party did not attend, and that party is not notified yet. The period for objections has
    /// not begun.
    Reported,
    /// The party that did not attend according to the report is notified, and can object.
    Open {
        /// The end of the period for objections. After it, the report counts as accepted.
        until: Timestamp,
    },
    /// The parties disagree about whether one of them attended. An administrator decides.
    Disputed,
    /// An administrator has decided, and both parties can object once.
    Announced {
        /// When the decision takes effect; `None` until the parties are notified.
        until: Option<Timestamp>,
        /// What the client pays for a session that took place; `None` for what was decided before.
        charge: Option<Money>,
    },
    /// A party has objected to the decision of an administrator. The next decision takes effect at once.
    Appealed,
    /// The decision of an administrator is in effect. Neither party can change the outcome.
    Decided,
}

impl NoShowReport {
    /// Returns whether the party that did not attend according to the report can still object.
    fn is_open(self, now: Timestamp) -> bool {
        match self {
            Self::Reported => true,
            Self::Open { until } => now < until,
            Self::Disputed | Self::Announced { .. } | Self::Appealed | Self::Decided => false,
        }
    }

    /// Returns whether the report is not resolved yet, so that it has no effect on what the client pays.
    pub fn is_unresolved(self) -> bool {
        match self {
            Self::Reported | Self::Open { .. } | Self::Disputed | Self::Announced { .. } | Self::Appealed => {
                true
            }
            Self::Decided => false,
        }
    }

    /// Returns whether an administrator must decide.
    pub fn awaits_decision(self) -> bool {
        matches!(self, Self::Disputed | Self::Appealed)
    }

    /// Returns whether an administrator has decided, whether or not the decision is in effect.
    fn is_decided(self) -> bool {
        matches!(self, Self::Announced { .. } | Self::Appealed | Self::Decided)
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

    /// Returns from when a no-show can be reported: [`LATE_MINUTES`] after the start, or from the end of a shorter session.
    pub fn no_shows_from(&self) -> Timestamp {
        self.start.plus(LATE_MINUTES * MINUTE).min(self.end)
    }

    /// Records how the session ended, as reported by a party. `charge` is what the client pays for a session that took
    /// place, if that is less than the price.
    ///
    /// The expert can report a completed session from its end, and a no-show of the client from [`LATE_MINUTES`]
    /// after the start. The client can only report a no-show of the expert, from [`LATE_MINUTES`] after the start
    /// until [`REPORT_HOURS`] after the end, or their own. If a session has a price, the report that another party did not
    /// attend takes effect only after that party was notified and did not object; an objection lets the platform decide. The
    /// platform can also decide in any other case, but not as long as a party can object.
    ///
    /// A party can report its own absence from the start on, which takes effect at once. If the policy gives back a part of
    /// the price for a no-show, the client can only agree to a report of the expert: otherwise, they could get this part
    /// back for a session that took place.
    ///
    /// A decision of the platform, or a smaller charge that it reports, is announced: both parties are notified of it,
    /// and each of them can object. The decision after such an objection takes effect at once.
    ///
    /// # Errors
    /// If the status does not allow the report, or if it is too early or too late for it.
    pub fn ended(
        &self,
        outcome: Outcome,
        charge: Option<Money>,
        by: Party,
        now: Timestamp,
    ) -> Result<Self, ChangeRefusal> {
        self.check_known()?;
        let absent = Status::NoShow { missed_by: Party::Expert };
        let client_absent = Status::NoShow { missed_by: Party::Client };
        // A session without a price has no refund to dispute.
        let contestable = !self.price.is_zero();
        let others = matches!(outcome, Outcome::NoShow { missed_by } if missed_by != by);
        // Who reports their own absence agrees to what follows from it.
        let reported = (others && contestable).then_some(NoShowReport::Reported);
        // The whole price is no decision about the charge.
        let charge = charge.filter(|charge| *charge != self.price);
        let announced = Some(NoShowReport::Announced { until: None, charge });
        let (status, no_show_report) = match (&self.status, by) {
            (Status::Confirmed, _) => {
                self.check_time(outcome, by, now)?;
                if by == Party::Client
                    && outcome.status() == client_absent
                    && self.no_show_quote(Party::Client, None).final_charge != self.price
                {
                    return Err(ChangeRefusal::OwnAbsenceRefunds);
                }
                let costs_expert = by == Party::Platform && charge.is_some();
                (outcome.status(), if costs_expert { announced } else { reported })
            }
            (status, Party::Platform) if status.has_outcome() => match self.no_show_report {
                Some(NoShowReport::Open { until }) if now < until => {
                    return Err(ChangeRefusal::TooEarly { from: until, requested: outcome.as_str() });
                }
                Some(NoShowReport::Announced { until: Some(until), .. }) if now < until => {
                    return Err(ChangeRefusal::TooEarly { from: until, requested: outcome.as_str() });
                }
                // The period begins later.
                Some(NoShowReport::Reported | NoShowReport::Announced { until: None, .. }) => {
                    let from = now.plus(OBJECTION_HOURS * HOUR);
                    return Err(ChangeRefusal::TooEarly { from, requested: outcome.as_str() });
                }
                // Nobody was asked yet.
                None if reported.is_some() => (outcome.status(), reported),
                Some(NoShowReport::Appealed) => (outcome.status(), Some(NoShowReport::Decided)),
                _ if contestable => (outcome.status(), announced),
                _ => (outcome.status(), Some(NoShowReport::Decided)),
            },
            (_, Party::Client | Party::Expert)
                if self.no_show_report.is_some_and(NoShowReport::is_decided) =>
            {
                return Err(self.status_refusal(outcome.as_str()));
            }
            // The expert reported that the client did not attend, and the client agrees.
            (status, Party::Client) if outcome.status() == client_absent => {
                if *status != client_absent || self.no_show_report.is_none() {
                    return Err(self.status_refusal(outcome.as_str()));
                }
                (client_absent, None)
            }
            // The expert reported first, and the client disputes the report, but not one that has taken effect.
            (status, Party::Client)
                if status.has_outcome()
                    && *status != absent
                    && contestable
                    && (*status == Status::Completed || self.accused(now) == Some(by)) =>
            {
                if self.accused(now) != Some(by) {
                    self.check_time(outcome, by, now)?;
                }
                ((*status).clone(), Some(NoShowReport::Disputed))
            }
            // The client reported a no-show of the expert, and the expert accepts or disputes it.
            (_, Party::Expert) if self.no_show_report.is_some() && outcome.status() == absent => {
                (absent, None)
            }
            (_, Party::Expert) if self.accused(now) == Some(by) => (absent, Some(NoShowReport::Disputed)),
            _ => return Err(self.status_refusal(outcome.as_str())),
        };
        Ok(Self { no_show_report, ..self.with_status(status) })
    }

    /// Returns whether the party has already reported this outcome, whatever the charge, so that the same report changes nothing.
    pub fn has_reported(&self, outcome: Outcome, by: Party) -> bool {
        let absent = outcome.status() == Status::NoShow { missed_by: Party::Expert };
        match (self.no_show_report, by) {
            (None, _) => self.status == outcome.status(),
            (Some(NoShowReport::Announced { .. } | NoShowReport::Decided), by) => {
                by == Party::Platform && self.status == outcome.status()
            }
            (Some(NoShowReport::Appealed), _) => false,
            (Some(NoShowReport::Reported | NoShowReport::Open { .. }), by) => {
                self.status == outcome.status() && self.status != (Status::NoShow { missed_by: by })
            }
            (Some(NoShowReport::Disputed), Party::Client) => absent,
            (Some(NoShowReport::Disputed), Party::Expert) => !absent,
            (Some(NoShowReport::Disputed), Party::Platform) => false,
        }
    }

    /// Returns the party that did not attend according to a report, as long as it can object.
    fn accused(&self, now: Timestamp) -> Option<Party> {
        match (&self.status, self.no_show_report) {
            (Status::NoShow { missed_by }, Some(report)) if report.is_open(now) => Some(*missed_by),
            _ => None,
        }
    }

    /// Records that a party objects to the report that it did not attend, or to the decision of an administrator. The
    /// platform then decides.
    ///
    /// # Errors
    /// [`ChangeRefusal::ObjectionTooLate`] if the period for objections is over, [`ChangeRefusal::NothingToObject`] if no report says
    /// that this party did not attend and no decision was announced.
    pub fn objected(&self, by: Party, now: Timestamp) -> Result<Self, ChangeRefusal> {
        self.check_known()?;
        let report = match self.no_show_report {
            Some(NoShowReport::Announced { until, .. })
                if by != Party::Platform && until.is_none_or(|until| now < until) =>
            {
                NoShowReport::Appealed
            }
            _ if self.accused(now) == Some(by) => NoShowReport::Disputed,
            Some(NoShowReport::Open { until } | NoShowReport::Announced { until: Some(until), .. })
                if until <= now =>
            {
                return Err(ChangeRefusal::ObjectionTooLate { until });
            }
            _ => return Err(ChangeRefusal::NothingToObject),
        };
        Ok(Self { no_show_report: Some(report), ..self.with_status(self.status.clone()) })
    }

    /// Returns whether the party has already objected to the report that it did not attend, or whether a party has
    /// objected to the decision of an administrator.
    pub fn has_objected(&self, by: Party) -> bool {
        match self.no_show_report {
            Some(NoShowReport::Disputed) => self.status == (Status::NoShow { missed_by: by }),
            Some(NoShowReport::Appealed) => by != Party::Platform,
            _ => false,
        }
    }

    /// Returns the parties that are to be notified before the report or the decision can take effect, and whose period
    /// for objections has not begun.
    pub fn parties_to_notify(&self) -> &'static [Party] {
        match (self.no_show_report, &self.status) {
            (Some(NoShowReport::Reported), Status::NoShow { missed_by: Party::Client }) => &[Party::Client],
            (Some(NoShowReport::Reported), _) => &[Party::Expert],
            (Some(NoShowReport::Announced { until: None, .. }), _) => &[Party::Client, Party::Expert],
            _ => &[],
        }
    }

    /// Begins the period for objections, because the [parties](Self::parties_to_notify) are notified. `None` if it has
    /// begun, or there is nothing to object to.
    pub fn objection_period_begun(&self, until: Timestamp) -> Option<Self> {
        let report = match self.no_show_report? {
            NoShowReport::Reported => NoShowReport::Open { until },
            NoShowReport::Announced { until: None, charge } => {
                NoShowReport::Announced { until: Some(until), charge }
            }
            _ => return None,
        };
        Some(Self { no_show_report: Some(report), ..self.with_status(self.status.clone()) })
    }

    /// Returns what the client gets back and pays in the end if a party did not attend, given what was decided before.
    pub fn no_show_quote(&self, missed_by: Party, final_charge: Option<Money>) -> Quote {
        no_show(&self.cancellation, self.price, missed_by).after(final_charge)
    }

    /// Lets the report of a no-show or the decision of an administrator take effect, because nobody objected in time.
    /// Returns the appointment, and what the client pays in the end, given what was decided before.
    pub fn accept_report(&self, before: Money) -> (Self, Money) {
        let (report, charge) = match self.no_show_report {
            Some(NoShowReport::Announced { charge, .. }) => (Some(NoShowReport::Decided), charge),
            _ => (None, None),
        };
        let final_charge = match self.status {
            Status::NoShow { missed_by } => self.no_show_quote(missed_by, Some(before)).final_charge,
            _ => before.at_most(charge.unwrap_or(before)),
        };
        (Self { no_show_report: report, ..self.with_status(self.status.clone()) }, final_charge)
    }

    fn check_time(&self, outcome: Outcome, by: Party, now: Timestamp) -> Result<(), ChangeRefusal> {
        let late = self.no_shows_from();
        let requested = outcome.as_str();
        match (by, outcome) {
            (Party::Client, _) => {
                let own = outcome == Outcome::NoShow { missed_by: Party::Client };
                let (from, until) = (if own { self.start } else { late }, self.completes_at());
                if (from..=until).contains(&now) {
                    Ok(())
                } else {
                    Err(ChangeRefusal::OutsidePeriod { requested, from, until })
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
