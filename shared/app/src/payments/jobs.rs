//! The jobs of the area `payments`.

use domain::payments::gateway::GatewayKind;
use domain::{AppointmentId, ExpertId};
use serde::{Deserialize, Serialize};
use store::{FailureDomain, JobName};

use super::accounts;
use super::payouts::record_payouts;
use super::process::process_payment;
use crate::jobs::{AreaJob, NextRun};
use crate::{App, AppError};

/// A job about payments. All of them call a payment gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentsJob {
    /// Bring an appointment and its payment into line, with the next payment actions.
    Payment {
        /// The appointment.
        appointment: AppointmentId,
    },
    /// Read an expert's account from the gateway again.
    PaymentAccount {
        /// The expert.
        expert: ExpertId,
        /// The gateway.
        gateway: GatewayKind,
    },
    /// Record the payouts of an expert's account in the ledger.
    Payouts {
        /// The expert.
        expert: ExpertId,
        /// The gateway.
        gateway: GatewayKind,
    },
}

impl AreaJob for PaymentsJob {
    fn name(&self) -> JobName {
        match self {
            Self::Payment { appointment } => JobName::new("payment", *appointment),
            Self::PaymentAccount { expert, gateway } => {
                JobName::new("payment-account", *expert).with(gateway)
            }
            Self::Payouts { expert, gateway } => JobName::new("payouts", *expert).with(gateway),
        }
    }

    fn failure_domain(&self) -> FailureDomain {
        FailureDomain::Payments
    }

    async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::Payment { appointment } => process_payment(app, *appointment).await,
            Self::PaymentAccount { expert, gateway } => {
                accounts::refresh(app, *expert, *gateway).await?;
                Ok(NextRun::WhenEnqueued)
            }
            Self::Payouts { expert, gateway } => record_payouts(app, *expert, *gateway).await,
        }
    }
}
