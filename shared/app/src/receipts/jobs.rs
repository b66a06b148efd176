//! The jobs of the area `receipts`.

use domain::AppointmentId;
use serde::{Deserialize, Serialize};
use store::{FailureDomain, JobName};

use super::receipt;
use crate::jobs::{AreaJob, NextRun};
use crate::{App, AppError};

/// A job about receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptsJob {
    /// Issue the missing receipts, credit notes and corrections of an appointment.
    Issue {
        /// The appointment.
        appointment: AppointmentId,
    },
}

impl AreaJob for ReceiptsJob {
    fn name(&self) -> JobName {
        match self {
            Self::Issue { appointment } => JobName::new("receipts", *appointment),
        }
    }

    fn failure_domain(&self) -> FailureDomain {
        match self {
            // The gateway calculates the taxes that a receipt shows.
            Self::Issue { .. } => FailureDomain::Payments,
        }
    }

    async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::Issue { appointment } => {
                receipt::issue_missing(app, *appointment).await?;
                Ok(NextRun::WhenEnqueued)
            }
        }
    }
}
