//! Profiles, rules, session types, payment accounts and fees of experts.

use domain::availability::AvailabilityRules;
use domain::expert::{Expert, ExpertFee, PaymentAccount};
use domain::payment::Gateway;
use domain::session_type::SessionType;
use domain::{ExpertId, SessionTypeId};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::{Consistency, Expect, Query};
use crate::transaction::document;
use crate::{CommitError, ReadError, Store, Transaction};

/// Availability rules with their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedRules {
    /// Grows by one with each change; the ETag.
    pub version: u64,
    /// The rules.
    pub rules: AvailabilityRules,
}

impl Transaction {
    /// Writes a profile over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_expert(&mut self, expert: &Expert) -> Result<(), CommitError> {
        self.put_document(keys::profile(expert.id), Expect::read(expert.version - 1), expert, [])
    }

    /// Writes rules over the version before them.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub fn put_rules(&mut self, expert: ExpertId, rules: &VersionedRules) -> Result<(), CommitError> {
        self.put_document(keys::rules(expert), Expect::read(rules.version - 1), rules, [])
    }

    /// Writes a session type over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_session_type(&mut self, expert: ExpertId, kind: &SessionType) -> Result<(), CommitError> {
        self.put_document(keys::session_type(expert, kind.id), Expect::read(kind.version - 1), kind, [])
    }

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

/// Whose an account is.
#[derive(Serialize, Deserialize)]
struct AccountOwner {
    expert: ExpertId,
}

impl Store {
    /// An expert's profile.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn expert(&self, id: ExpertId) -> Result<Option<Expert>, ReadError> {
        self.table.get(&keys::profile(id), Consistency::Strong).await?.map(document).transpose()
    }

    /// An expert's availability rules.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn rules(&self, id: ExpertId) -> Result<Option<VersionedRules>, ReadError> {
        self.table.get(&keys::rules(id), Consistency::Strong).await?.map(document).transpose()
    }

    /// One session type.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn session_type(
        &self,
        expert: ExpertId,
        id: SessionTypeId,
    ) -> Result<Option<SessionType>, ReadError> {
        self.table.get(&keys::session_type(expert, id), Consistency::Strong).await?.map(document).transpose()
    }

    /// All session types of an expert, oldest first; their number is capped when they are made.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn session_types(&self, expert: ExpertId) -> Result<Vec<SessionType>, ReadError> {
        let query = Query {
            index: None,
            pk: keys::calendar(expert),
            from: keys::SESSION_TYPES.to_owned(),
            to: format!("{}~", keys::SESSION_TYPES),
            backwards: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        self.table.query(&query).await?.into_iter().map(document).collect()
    }

    /// What a gateway last said of an expert's account.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn payment_account(
        &self,
        expert: ExpertId,
        gateway: Gateway,
    ) -> Result<Option<PaymentAccount>, ReadError> {
        let key = keys::payment_account(expert, gateway);
        self.table.get(&key, Consistency::Strong).await?.map(document).transpose()
    }

    /// Whose an account at a gateway is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn account_owner(
        &self,
        gateway: Gateway,
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
