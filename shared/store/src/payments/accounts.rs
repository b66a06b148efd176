//! Rows of experts' accounts at payment gateways, of their own commission rates, and of what they owe.

use domain::ExpertId;
use domain::payments::account::{ExpertTerms, PaymentAccount};
use domain::payments::debt::Debt;
use domain::payments::gateway::GatewayKind;
use domain::payments::payout::TrackRecord;

use super::keys;
use super::rows::{AccountOwnerRow, DebtRow, ExpertTermsRow, PaymentAccountRow, TrackRecordRow};
use crate::row::{read_list, read_row};
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

impl Transaction {
    /// Writes an account, on condition that the stored version is the one before, and a row that leads from the account to its
    /// expert.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_payment_account(
        &mut self,
        expert: ExpertId,
        account: &PaymentAccount,
    ) -> Result<(), CommitError> {
        let key = keys::payment_account(expert, account.gateway);
        self.put_row::<PaymentAccountRow, _>(
            key,
            Condition::unchanged_since(account.version - 1),
            account,
            [],
        )?;
        let owner = keys::account_owner(account.gateway, &account.account);
        self.put_row::<AccountOwnerRow, _>(owner, Condition::None, &AccountOwner { expert }, [])
    }

    /// Writes the platform's terms for an expert, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_expert_terms(&mut self, expert: ExpertId, terms: &ExpertTerms) -> Result<(), CommitError> {
        self.put_row::<ExpertTermsRow, _>(
            keys::expert_terms(expert),
            Condition::unchanged_since(terms.version - 1),
            terms,
            [],
        )
    }

    /// Writes an expert's track record, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_track_record(&mut self, expert: ExpertId, record: &TrackRecord) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(record.version - 1);
        self.put_row::<TrackRecordRow, _>(keys::track_record(expert), condition, record, [])
    }

    /// Writes what an expert owes, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_debt(&mut self, expert: ExpertId, debt: &Debt) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(debt.version - 1);
        self.put_row::<DebtRow, _>(keys::debt(expert), condition, debt, [])
    }
}

/// The expert who owns an account.
pub(crate) struct AccountOwner {
    /// The expert.
    pub(super) expert: ExpertId,
}

impl Store {
    /// An expert's account at a gateway, as it was when it was last read from the gateway.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn payment_account(
        &self,
        expert: ExpertId,
        gateway: GatewayKind,
    ) -> Result<Option<PaymentAccount>, ReadError> {
        let key = keys::payment_account(expert, gateway);
        self.table.get(&key, Consistency::Strong).await?.map(read_row::<PaymentAccountRow, _>).transpose()
    }

    /// The accounts of an expert at all gateways. The latest changes may be missing. An account that this release cannot read is left
    /// out, because no new payment can use it.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn payment_accounts(&self, expert: ExpertId) -> Result<Vec<PaymentAccount>, ReadError> {
        let keys = GatewayKind::ALL.map(|gateway| keys::payment_account(expert, gateway));
        let (accounts, _) =
            read_list::<PaymentAccountRow, _>(self.table.get_many(&keys, Consistency::Eventual).await?);
        Ok(accounts)
    }

    /// The expert who owns an account at a gateway; `None` for an account that the platform does not know.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn account_owner(
        &self,
        gateway: GatewayKind,
        account: &str,
    ) -> Result<Option<ExpertId>, ReadError> {
        let row = self.table.get(&keys::account_owner(gateway, account), Consistency::Strong).await?;
        Ok(row.map(read_row::<AccountOwnerRow, _>).transpose()?.map(|owner| owner.expert))
    }

    /// An expert's own commission rate; `None` if one was never set.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn expert_terms(&self, expert: ExpertId) -> Result<Option<ExpertTerms>, ReadError> {
        self.table
            .get(&keys::expert_terms(expert), Consistency::Strong)
            .await?
            .map(read_row::<ExpertTermsRow, _>)
            .transpose()
    }

    /// The first sessions that an expert completed without a dispute.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn track_record(&self, expert: ExpertId) -> Result<TrackRecord, ReadError> {
        let row = self.table.get(&keys::track_record(expert), Consistency::Strong).await?;
        Ok(row.map(read_row::<TrackRecordRow, _>).transpose()?.unwrap_or_default())
    }

    /// What an expert owes the platform. A debt that is written needs a strongly consistent read.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn debt(&self, expert: ExpertId, consistency: Consistency) -> Result<Debt, ReadError> {
        let row = self.table.get(&keys::debt(expert), consistency).await?;
        Ok(row.map(read_row::<DebtRow, _>).transpose()?.unwrap_or_default())
    }
}
