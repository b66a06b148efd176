//! The jobs of the area `messaging`.

use domain::scheduling::party::ActingAs;
use domain::{AppointmentId, PersonId};
use serde::{Deserialize, Serialize};
use store::{FailureDomain, JobName};

use super::consequences;
use super::notify::notify;
use crate::events::{DomainEvent, PartyName};
use crate::jobs::{AreaJob, NextRun};
use crate::{App, AppError};

/// A job about notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessagingJob {
    /// Notify the people whom an event concerns.
    Notify {
        /// The event.
        event: Box<DomainEvent>,
        /// Who caused it. They are not notified.
        by: CausedBy,
    },
    /// Warn a person who cancelled a session late or missed it, and suspend them if it happened too often.
    ApplyConsequences {
        /// The person.
        person: PersonId,
        /// Their side in the appointment.
        side: PartyName,
        /// The appointment that they cancelled late or missed.
        appointment: AppointmentId,
    },
}

/// Who caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CausedBy {
    /// The expert of the appointment.
    Expert,
    /// A member of the expert.
    Member(PersonId),
    /// The client of the appointment.
    Client,
    /// An administrator.
    Administrator(PersonId),
    /// The platform, automatically.
    Platform,
}

impl From<ActingAs> for CausedBy {
    fn from(acting: ActingAs) -> Self {
        match acting {
            ActingAs::Expert => Self::Expert,
            ActingAs::Member { id, .. } => Self::Member(id),
            ActingAs::Client => Self::Client,
            ActingAs::Administrator { id } => Self::Administrator(id),
            ActingAs::Platform => Self::Platform,
        }
    }
}

impl AreaJob for MessagingJob {
    fn name(&self) -> JobName {
        match self {
            Self::Notify { event, .. } => {
                let data = &event.data;
                JobName::new("notify", data.appointment().appointment_id)
                    .with(data.row_version().number())
                    .with(event.kind())
            }
            Self::ApplyConsequences { side, appointment, .. } => {
                let side = if *side == PartyName::Client { "client" } else { "expert" };
                JobName::new("consequences", *appointment).with(side)
            }
        }
    }

    fn failure_domain(&self) -> FailureDomain {
        match self {
            Self::Notify { .. } | Self::ApplyConsequences { .. } => FailureDomain::General,
        }
    }

    async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::Notify { event, by } => {
                notify(app, event, *by).await?;
                Ok(NextRun::WhenEnqueued)
            }
            Self::ApplyConsequences { person, side, appointment } => {
                consequences::apply(app, *person, (*side).into(), *appointment).await?;
                Ok(NextRun::WhenEnqueued)
            }
        }
    }
}
