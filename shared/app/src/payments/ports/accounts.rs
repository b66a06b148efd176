//! Experts' accounts at payment gateways, and their payouts.

use async_trait::async_trait;
use domain::payments::ledger::Movement;
use domain::{ExpertId, Timestamp};

use super::GatewayError;

/// Opens and reads the accounts of experts.
#[async_trait]
pub trait ConnectedAccounts: Send + Sync {
    /// Creates an account for an expert. Idempotent: every call for the same expert returns the same account.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, GatewayError>;

    /// Reads the current state of an account.
    async fn read_account(&self, account: &str) -> Result<AccountState, GatewayError>;

    /// Creates a page on which the expert identifies themselves to the gateway. It can be opened once, for a short time.
    ///
    /// The gateway sends the expert to `return_url` when they leave the page, and to `refresh_url` if the page has expired.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, GatewayError>;
}

/// Reports the payouts of experts' accounts.
#[async_trait]
pub trait Payouts: Send + Sync {
    /// The latest payouts of an account to its owner's bank, and those that were returned, oldest first.
    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, GatewayError>;
}

/// An expert's account at a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The account's id at the gateway.
    pub id: String,
    /// Whether clients can pay to the account.
    pub charges_enabled: bool,
    /// Whether the gateway pays the balance out to the expert's bank.
    pub payouts_enabled: bool,
    /// What the gateway still requires from the expert.
    pub requirements_due: Vec<String>,
    /// Why the account is disabled, if it is.
    pub disabled_reason: Option<String>,
}

/// A page on which an expert onboards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingPage {
    /// The address of the page.
    pub url: String,
    /// When the page expires.
    pub expires_at: Timestamp,
}
