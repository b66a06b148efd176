//! The jobs of the area `messaging`.

use domain::PersonId;
use domain::scheduling::party::ActingAs;
use serde::{Deserialize, Serialize};
use store::{FailureDomain, JobName};

use super::notify::notify;
use crate::events::DomainEvent;
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
        }
    }

    fn failure_domain(&self) -> FailureDomain {
        match self {
            Self::Notify { .. } => FailureDomain::General,
        }
    }

    async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::Notify { event, by } => {
                notify(app, event, *by).await?;
                Ok(NextRun::WhenEnqueued)
            }
        }
    }
}
