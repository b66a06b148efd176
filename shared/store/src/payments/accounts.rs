//! Experts' accounts at payment gateways, and what the platform keeps of their prices.

use domain::ExpertId;
use domain::payments::account::{ExpertFee, PaymentAccount};
use domain::payments::gateway::GatewayKind;
use serde::{Deserialize, Serialize};

use super::keys;
use crate::table::{Consistency, Expect};
use crate::transaction::document;
use crate::{CommitError, ReadError, Store, Transaction};

impl Transaction {
    /// Writes what a gateway says of an account over the version before it, and whose it is.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_payment_account(
        &mut self,
        expert: ExpertId,
        account: &PaymentAccount,
    ) -> Result<(), CommitError> {
        let key = keys::payment_account(expert, account.gateway);
        self.put_document(key, Expect::read(account.version - 1), account, [])?;
        let owner = keys::account_owner(account.gateway, &account.account);
        self.put_document(owner, Expect::Anything, &AccountOwner { expert }, [])
    }

    /// Writes what the platform keeps of an expert's prices over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_fee(&mut self, expert: ExpertId, fee: &ExpertFee) -> Result<(), CommitError> {
        self.put_document(keys::fee(expert), Expect::read(fee.version - 1), fee, [])
    }
}

/// AppointmentsOf an account is.
#[derive(Serialize, Deserialize)]
struct AccountOwner {
    expert: ExpertId,
}

impl Store {
    /// What a gateway last said of an expert's account.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn payment_account(
        &self,
        expert: ExpertId,
        gateway: GatewayKind,
    ) -> Result<Option<PaymentAccount>, ReadError> {
        let key = keys::payment_account(expert, gateway);
        self.table.get(&key, Consistency::Strong).await?.map(document).transpose()
    }

    /// AppointmentsOf an account at a gateway is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn account_owner(
        &self,
        gateway: GatewayKind,
        account: &str,
    ) -> Result<Option<ExpertId>, ReadError> {
        let row = self.table.get(&keys::account_owner(gateway, account), Consistency::Strong).await?;
        Ok(row.map(document::<AccountOwner>).transpose()?.map(|owner| owner.expert))
    }

    /// What the platform keeps of an expert's prices, where that is not the usual rate.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn fee(&self, expert: ExpertId) -> Result<Option<ExpertFee>, ReadError> {
        self.table.get(&keys::fee(expert), Consistency::Strong).await?.map(document).transpose()
    }
}
