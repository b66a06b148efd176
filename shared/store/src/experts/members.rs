//! Rows of the members and invitations of experts.

use domain::experts::members::{Invitation, Member, MemberRole};
use domain::kernel::text::ShortText;
use domain::{ExpertId, InvitationId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{EXPIRES_AT, GSI2, expert_partition};
use crate::row::{SCHEMA, Stored, Text};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{document, number, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// The stored form of a [`Member`].
#[derive(Serialize, Deserialize)]
struct MemberRow {
    expert: ExpertId,
    person: PersonId,
    version: u64,
    role: String,
    name: Text,
    since: Timestamp,
    invitation: InvitationId,
}

/// The stored form of an [`Invitation`]. The attribute `expires_at` is the TTL of the row.
#[derive(Serialize, Deserialize)]
struct InvitationRow {
    id: InvitationId,
    expert: ExpertId,
    version: u64,
    role: String,
    name: Text,
    created_at: Timestamp,
    valid_until: Timestamp,
    digest: String,
}

fn role_name(role: MemberRole) -> &'static str {
    match role {
        MemberRole::Assistant => "assistant",
        MemberRole::Manager => "manager",
    }
}

/// The role with this name. A role that this version of the code does not know gives no rights.
fn role(name: &str) -> Option<MemberRole> {
    [MemberRole::Assistant, MemberRole::Manager].into_iter().find(|role| role_name(*role) == name)
}

/// The name in a row, even if the rules for new names are stricter now.
fn read_name(name: Text) -> Result<ShortText, ReadError> {
    name.read().map_err(|error| ReadError::Corrupt { key: keys::MEMBERS.to_owned(), reason: error.0 })
}

/// The member in a row; `None` if this version of the code does not know the role.
fn member(item: Item) -> Result<Option<Member>, ReadError> {
    let MemberRow { expert, person, version, role: name_of_role, name, since, invitation } = document(item)?;
    let name = read_name(name)?;
    Ok(role(&name_of_role).map(|role| Member { expert, person, version, role, name, since, invitation }))
}

/// The invitation in a row; `None` if this version of the code does not know the role.
fn invitation(item: Item) -> Result<Option<Invitation>, ReadError> {
    let InvitationRow { id, expert, version, role: name_of_role, name, created_at, valid_until, digest } =
        document(item)?;
    let name = read_name(name)?;
    Ok(role(&name_of_role).map(|role| Invitation {
        id,
        expert,
        version,
        role,
        name,
        created_at,
        expires_at: valid_until,
        digest,
    }))
}

/// The version of an expert's team. It increases with each new member and each new invitation, so that concurrent transactions
/// cannot exceed a limit together.
#[derive(Serialize, Deserialize)]
struct TeamRow {
    version: u64,
}

/// An expert's members and invitations.
#[derive(Debug, Clone)]
pub struct Team {
    /// The version, for [`Transaction::put_team`].
    pub version: u64,
    /// The members, ordered by id.
    pub members: Vec<Member>,
    /// The invitations, ordered by creation time. Some may have expired.
    pub invitations: Vec<Invitation>,
}

/// A page of memberships.
#[derive(Debug, Clone)]
pub struct MembershipPage {
    /// The memberships, ordered by the id of the expert.
    pub memberships: Vec<Member>,
    /// The expert after whom the next page begins; `None` on the last page.
    pub next: Option<ExpertId>,
}

impl Transaction {
    /// Writes a member, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_member(&mut self, member: &Member) -> Result<(), CommitError> {
        let Member { expert, person, version, role, name, since, invitation } = member.clone();
        let row = MemberRow {
            expert,
            person,
            version,
            role: role_name(role).to_owned(),
            name: Text::of(&name),
            since,
            invitation,
        };
        let more = [
            (SCHEMA, number(1)),
            (GSI2.pk, text(keys::memberships(person))),
            (GSI2.sk, text(expert.to_string())),
        ];
        self.put_document(keys::member(expert, person), Condition::unchanged_since(version - 1), &row, more)
    }

    /// Deletes a member, on condition that the row has not changed since it was read.
    pub fn delete_member(&mut self, member: &Member) {
        self.delete(keys::member(member.expert, member.person), Condition::Version(member.version));
    }

    /// Writes an invitation, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_invitation(&mut self, invitation: &Invitation) -> Result<(), CommitError> {
        let Invitation { id, expert, version, role, name, created_at, expires_at, digest } =
            invitation.clone();
        let row = InvitationRow {
            id,
            expert,
            version,
            role: role_name(role).to_owned(),
            name: Text::of(&name),
            created_at,
            valid_until: expires_at,
            digest,
        };
        self.put_document(
            keys::invitation(expert, id),
            Condition::unchanged_since(version - 1),
            &row,
            [(SCHEMA, number(1)), (EXPIRES_AT, number(expires_at.seconds()))],
        )
    }

    /// Deletes an invitation, on condition that the row has not changed since it was read.
    pub fn delete_invitation(&mut self, invitation: &Invitation) {
        let key = keys::invitation(invitation.expert, invitation.id);
        self.delete(key, Condition::Version(invitation.version));
    }

    /// Increases the version of a team, on condition that the stored version is the one that was read.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_team(&mut self, expert: ExpertId, read: &Team) -> Result<(), CommitError> {
        let row = TeamRow { version: read.version + 1 };
        self.put_document(
            keys::team(expert),
            Condition::unchanged_since(read.version),
            &row,
            [(SCHEMA, number(1))],
        )
    }
}

impl Store {
    /// A member of an expert, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn member(&self, expert: ExpertId, person: PersonId) -> Result<Option<Member>, ReadError> {
        let item = self.table.get(&keys::member(expert, person), Consistency::Strong).await?;
        Ok(item.map(member).transpose()?.flatten())
    }

    /// An invitation of an expert.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn invitation(
        &self,
        expert: ExpertId,
        id: InvitationId,
    ) -> Result<Option<Invitation>, ReadError> {
        let item = self.table.get(&keys::invitation(expert, id), Consistency::Strong).await?;
        Ok(item.map(invitation).transpose()?.flatten())
    }

    /// An expert's members and invitations. The use cases that create them limit their number.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn team(&self, expert: ExpertId) -> Result<Team, ReadError> {
        // The version comes first: if a member joins between these reads, a transaction with this version fails.
        let row: Option<TeamRow> =
            self.table.get(&keys::team(expert), Consistency::Strong).await?.map(document).transpose()?;
        let rows = |prefix: &str| Query {
            index: None,
            pk: expert_partition(expert),
            from: prefix.to_owned(),
            to: format!("{prefix}~"),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        let members = self.table.query(&rows(keys::MEMBERS)).await?.into_iter().map(member);
        let members = members.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let invitations = self.table.query(&rows(keys::INVITATIONS)).await?.into_iter().map(invitation);
        let invitations = invitations.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Team { version: row.map_or(0, |row| row.version), members, invitations })
    }

    /// The memberships of a person, ordered by expert. `after` is the last expert of the previous page. The page may be a moment
    /// behind; [`Store::member`] is not.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn memberships(
        &self,
        person: PersonId,
        after: Option<ExpertId>,
        limit: u16,
    ) -> Result<MembershipPage, ReadError> {
        let query = Query {
            index: Some(GSI2),
            pk: keys::memberships(person),
            from: after.map_or("0".to_owned(), |after| format!("{after} ")),
            to: "~".to_owned(),
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let more = items.len() > usize::from(limit);
        items.truncate(limit.into());
        let last = items.last().and_then(|item| item.get(GSI2.sk)?.as_s().ok()?.parse().ok());
        let memberships = items.into_iter().map(member).filter_map(Result::transpose);
        Ok(MembershipPage {
            memberships: memberships.collect::<Result<_, _>>()?,
            next: last.filter(|_| more),
        })
    }
}
