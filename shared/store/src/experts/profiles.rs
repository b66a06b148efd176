//! Rows of profiles, availability rules and session types.

use std::collections::BTreeMap;

use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::Expert;
use domain::experts::session_type::SessionType;
use domain::{ClientId, ExpertId, SessionTypeId, Timestamp};

use super::keys;
use super::rows::{ActivationsRow, AdmissionsRow, ExpertRow, RulesRow, SessionTypeRow};
use crate::keys::{VERSION, expert_partition};
use crate::row::{read_list, read_row};
use crate::table::{Condition, Consistency, Item, Query};
use crate::{CommitError, ReadError, Store, Transaction};

/// Availability rules with their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedRules {
    /// Increases by one with each change. It is also the ETag.
    pub version: u64,
    /// The availability rules.
    pub rules: AvailabilityRules,
}

/// How often a session type of an expert became active. Each transaction that adds an active session type writes it, so
/// that two of them never both pass the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activations {
    /// Increases by one each time a session type is created or offered again; 0 before the first time.
    pub version: u64,
}

/// The clients of an expert with a mentorship capacity who have appointments that have not ended. Each booking and each reschedule
/// of such an expert writes it, so that two bookings never both take the last place.
///
/// A cancellation does not write it, so it may list too many clients. Once counted, it lists every active client, unless there are
/// too many for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admissions {
    /// Increases by one with each change.
    pub version: u64,
    /// When the expert began to have a capacity. Appointments of before are not listed until they are counted.
    pub since: Timestamp,
    /// When the appointments were last counted; `since` if they have not been counted yet.
    pub counted_at: Timestamp,
    /// The clients, and an instant at which all their appointments have ended. If there are too many for a row,
    /// those whose appointments end first are left out.
    pub clients: BTreeMap<ClientId, Timestamp>,
    /// The clients who booked or rescheduled last, and when. Other rows of these changes may not be visible yet.
    pub recent: BTreeMap<ClientId, Timestamp>,
}

impl Admissions {
    /// An empty list of an expert who has a capacity since `now`. `version` is that of the stored list; 0 if there is none.
    pub fn uncounted(version: u64, now: Timestamp) -> Self {
        let (clients, recent) = (BTreeMap::new(), BTreeMap::new());
        Self { version: version + 1, since: now, counted_at: now, clients, recent }
    }
}

impl Transaction {
    /// Writes the count of activations, on condition that the stored one is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_activations(
        &mut self,
        expert: ExpertId,
        activations: &Activations,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(activations.version - 1);
        self.put_row::<ActivationsRow, _>(keys::activations(expert), condition, activations, [])
    }

    /// Writes the clients of an expert, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_admissions(&mut self, expert: ExpertId, admissions: &Admissions) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(admissions.version - 1);
        self.put_row::<AdmissionsRow, _>(keys::admissions(expert), condition, admissions, [])
    }

    /// Replaces the list of clients by an empty one, for an expert who has a capacity since `now`. `stored` is the row that was
    /// read. What it contains does not matter, so this repairs a row that cannot be read. Nothing else may have written it since.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn reset_admissions(
        &mut self,
        expert: ExpertId,
        stored: Option<&Item>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let version = stored.and_then(|item| item.get(VERSION));
        let condition = match stored {
            None => Condition::Absent,
            Some(_) => Condition::Same(version.cloned()),
        };
        let version = version.and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or(0);
        let admissions = Admissions::uncounted(version, now);
        self.put_row::<AdmissionsRow, _>(keys::admissions(expert), condition, &admissions, [])
    }

    /// Writes a profile, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_expert(&mut self, expert: &Expert) -> Result<(), CommitError> {
        self.put_row::<ExpertRow, _>(
            keys::profile(expert.id),
            Condition::unchanged_since(expert.version - 1),
            expert,
            [],
        )
    }

    /// Writes availability rules, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_rules(&mut self, expert: ExpertId, rules: &VersionedRules) -> Result<(), CommitError> {
        self.put_row::<RulesRow, _>(
            keys::rules(expert),
            Condition::unchanged_since(rules.version - 1),
            rules,
            [],
        )
    }

    /// Writes a session type, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_session_type(
        &mut self,
        expert: ExpertId,
        session_type: &SessionType,
    ) -> Result<(), CommitError> {
        self.put_row::<SessionTypeRow, _>(
            keys::session_type(expert, session_type.id),
            Condition::unchanged_since(session_type.version - 1),
            session_type,
            [],
        )
    }
}

impl Store {
    /// The profile of an expert.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn expert(&self, id: ExpertId) -> Result<Option<Expert>, ReadError> {
        self.table
            .get(&keys::profile(id), Consistency::Strong)
            .await?
            .map(read_row::<ExpertRow, _>)
            .transpose()
    }

    /// The profile of an expert; also `None` if it cannot be parsed.
    ///
    /// # Errors
    /// [`ReadError::Table`] if the table cannot be read.
    pub async fn readable_expert(&self, id: ExpertId) -> Result<Option<Expert>, ReadError> {
        match self.expert(id).await {
            Err(ReadError::NewerRelease { .. } | ReadError::Corrupt { .. }) => Ok(None),
            read => read,
        }
    }

    /// The availability rules of an expert.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn rules(&self, id: ExpertId) -> Result<Option<VersionedRules>, ReadError> {
        self.table.get(&keys::rules(id), Consistency::Strong).await?.map(read_row::<RulesRow, _>).transpose()
    }

    /// A session type of an expert, even if it is retired.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn session_type(
        &self,
        expert: ExpertId,
        id: SessionTypeId,
    ) -> Result<Option<SessionType>, ReadError> {
        self.table
            .get(&keys::session_type(expert, id), Consistency::Strong)
            .await?
            .map(read_row::<SessionTypeRow, _>)
            .transpose()
    }

    /// How often a session type of an expert became active.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn activations(&self, expert: ExpertId) -> Result<Activations, ReadError> {
        let item = self.table.get(&keys::activations(expert), Consistency::Strong).await?;
        Ok(item.map(read_row::<ActivationsRow, _>).transpose()?.unwrap_or_default())
    }

    /// The clients of an expert with a mentorship capacity; `None` before the first booking. Read them before the appointments.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn admissions(&self, expert: ExpertId) -> Result<Option<Admissions>, ReadError> {
        let item = self.table.get(&keys::admissions(expert), Consistency::Strong).await?;
        item.map(read_row::<AdmissionsRow, _>).transpose()
    }

    /// The row of [`Self::admissions`], even if it cannot be read.
    ///
    /// # Errors
    /// [`ReadError`] if the table does not respond.
    pub async fn stored_admissions(&self, expert: ExpertId) -> Result<Option<Item>, ReadError> {
        Ok(self.table.get(&keys::admissions(expert), Consistency::Strong).await?)
    }

    /// The session types of an expert, the oldest first, and the number of those that this release cannot read. The use case that
    /// creates them limits their number.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn session_types(
        &self,
        expert: ExpertId,
        consistency: Consistency,
    ) -> Result<(Vec<SessionType>, usize), ReadError> {
        let query = Query {
            index: None,
            pk: expert_partition(expert),
            from: keys::SESSION_TYPES.to_owned(),
            to: format!("{}~", keys::SESSION_TYPES),
            descending: false,
            limit: None,
            consistency,
        };
        Ok(read_list::<SessionTypeRow, _>(self.table.query(&query).await?))
    }
}
