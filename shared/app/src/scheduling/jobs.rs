//! The jobs of the area `scheduling`.

use domain::AppointmentId;
use serde::{Deserialize, Serialize};
use store::{FailureDomain, JobName};

use crate::events::DomainEvent;
use crate::jobs::{AreaJob, NextRun};
use crate::scheduling::proposals;
use crate::{App, AppError};

/// A job about appointments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulingJob {
    /// Publish a domain event.
    PublishEvent(Box<DomainEvent>),
    /// Free the times of a proposal that has expired.
    ExpireProposal {
        /// The appointment with the proposal.
        appointment: AppointmentId,
    },
}

impl AreaJob for SchedulingJob {
    fn name(&self) -> JobName {
        match self {
            Self::PublishEvent(event) => {
                let data = &event.data;
                JobName::new("event", data.appointment().appointment_id)
                    .with(data.row_version().number())
                    .with(event.kind())
            }
            Self::ExpireProposal { appointment } => JobName::new("proposal", *appointment),
        }
    }

    fn failure_domain(&self) -> FailureDomain {
        match self {
            Self::PublishEvent(_) | Self::ExpireProposal { .. } => FailureDomain::General,
        }
    }

    async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::PublishEvent(event) => {
                let failed = |error| AppError::Port("the event bus", error);
                app.events.publish(event).await.map_err(failed)?;
                tracing::info!(event = event.id(), "published");
                Ok(NextRun::WhenEnqueued)
            }
            Self::ExpireProposal { appointment } => proposals::expire(app, *appointment).await,
        }
    }
}
