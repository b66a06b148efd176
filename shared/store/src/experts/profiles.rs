//! Profiles, rules, session types, payment accounts and fees of experts.

use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::Expert;
use domain::experts::session_type::SessionType;
use domain::{ExpertId, SessionTypeId};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::expert_partition;
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
            pk: expert_partition(expert),
            from: keys::SESSION_TYPES.to_owned(),
            to: format!("{}~", keys::SESSION_TYPES),
            backwards: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        self.table.query(&query).await?.into_iter().map(document).collect()
    }
}
