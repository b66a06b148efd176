//! Rows of the members and invitations of experts.

use domain::experts::members::{FormerMember, IMPARTIAL_AFTER, Invitation, Member};
use domain::{ExpertId, InvitationId, PersonId};

use super::keys;
use super::rows::{FormerMemberRow, InvitationRow, MemberRow, TeamRow};
use crate::keys::{EXPIRES_AT, GSI2, expert_partition};
use crate::row::{cut_page, read_list, read_row};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::{number, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// The version of an expert's team. It increases with each new member and each new invitation, so that concurrent transactions
/// cannot exceed a limit together.
pub(crate) struct TeamVersion {
    /// The version.
    pub(super) version: u64,
}

/// An expert's members and invitations, as far as this release can read them.
#[derive(Debug, Clone)]
pub struct Team {
    /// The version, for [`Transaction::put_team`].
    pub version: u64,
    /// The members, ordered by id.
    pub members: Vec<Member>,
    /// The invitations, ordered by creation time. Some may have expired.
    pub invitations: Vec<Invitation>,
    /// The number of members that this release cannot read.
    pub unreadable_members: usize,
    /// The number of invitations that this release cannot read.
    pub unreadable_invitations: usize,
}

/// A page of memberships.
#[derive(Debug, Clone)]
pub struct MembershipPage {
    /// The memberships, ordered by the id of the expert.
    pub memberships: Vec<Member>,
    /// Whether this release cannot read some memberships of the page.
    pub truncated: bool,
    /// The expert after whom the next page begins; `None` on the last page.
    pub next: Option<ExpertId>,
}

impl Transaction {
    /// Writes a member, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_member(&mut self, member: &Member) -> Result<(), CommitError> {
        let key = keys::member(member.expert, member.person);
        let condition = Condition::unchanged_since(member.version - 1);
        let index =
            [(GSI2.pk, text(keys::memberships(member.person))), (GSI2.sk, text(member.expert.to_string()))];
        self.put_row::<MemberRow, _>(key, condition, member, index)
    }

    /// Deletes a member, on condition that the row has not changed since it was read.
    pub fn delete_member(&mut self, member: &Member) {
        self.delete(keys::member(member.expert, member.person), Condition::Version(member.version));
    }

    /// Remembers that a person was a member, until they are impartial again. A later end of another membership replaces it.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_former_member(&mut self, former: &FormerMember) -> Result<(), CommitError> {
        let key = keys::former_member(former.expert, former.person);
        let ttl = [(EXPIRES_AT, number(former.left_at.plus(IMPARTIAL_AFTER).seconds()))];
        self.put_row::<FormerMemberRow, _>(key, Condition::None, former, ttl)
    }

    /// Writes an invitation, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_invitation(&mut self, invitation: &Invitation) -> Result<(), CommitError> {
        let key = keys::invitation(invitation.expert, invitation.id);
        let condition = Condition::unchanged_since(invitation.version - 1);
        let ttl = [(EXPIRES_AT, number(invitation.expires_at.seconds()))];
        self.put_row::<InvitationRow, _>(key, condition, invitation, ttl)
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
        let team = TeamVersion { version: read.version + 1 };
        self.put_row::<TeamRow, _>(keys::team(expert), Condition::unchanged_since(read.version), &team, [])
    }
}

/// The rows of an expert whose sort keys begin with this text.
fn all_rows(expert: ExpertId, prefix: &str) -> Query {
    Query {
        index: None,
        pk: expert_partition(expert),
        from: prefix.to_owned(),
        to: format!("{prefix}~"),
        descending: false,
        limit: None,
        consistency: Consistency::Strong,
    }
}

impl Store {
    /// A member of an expert, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn member(&self, expert: ExpertId, person: PersonId) -> Result<Option<Member>, ReadError> {
        let item = self.table_itself().get(&keys::member(expert, person), Consistency::Strong).await?;
        item.map(read_row::<MemberRow, _>).transpose()
    }

    /// The last end of a person's membership of an expert; `None` if there is none, or DynamoDB has deleted it because the person is
    /// impartial again.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn former_member(
        &self,
        expert: ExpertId,
        person: PersonId,
    ) -> Result<Option<FormerMember>, ReadError> {
        let item = self.table_itself().get(&keys::former_member(expert, person), Consistency::Strong).await?;
        item.map(read_row::<FormerMemberRow, _>).transpose()
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
        item.map(read_row::<InvitationRow, _>).transpose()
    }

    /// An expert's members, ordered by id, and the number of those that this release cannot read.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn members(&self, expert: ExpertId) -> Result<(Vec<Member>, usize), ReadError> {
        Ok(read_list::<MemberRow, _>(self.table.query(&all_rows(expert, keys::MEMBERS)).await?))
    }

    /// An expert's members and invitations. The use cases that create them limit their number.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row with the version cannot be parsed.
    pub async fn team(&self, expert: ExpertId) -> Result<Team, ReadError> {
        // The version comes first: if a member joins between these reads, a transaction with this version fails.
        let row = self.table.get(&keys::team(expert), Consistency::Strong).await?;
        let version = row.map(read_row::<TeamRow, _>).transpose()?.map_or(0, |team| team.version);
        let (members, unreadable_members) = self.members(expert).await?;
        let (invitations, unreadable_invitations) =
            read_list::<InvitationRow, _>(self.table.query(&all_rows(expert, keys::INVITATIONS)).await?);
        Ok(Team { version, members, invitations, unreadable_members, unreadable_invitations })
    }

    /// The memberships of a person, ordered by expert. `after` is the last expert of the previous page. The page may be a moment
    /// behind; [`Store::member`] is not.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
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
        let next = cut_page(&mut items, limit, GSI2.sk).and_then(|last| last.parse().ok());
        let (memberships, unreadable) = read_list::<MemberRow, _>(items);
        Ok(MembershipPage { memberships, truncated: unreadable > 0, next })
    }
}
