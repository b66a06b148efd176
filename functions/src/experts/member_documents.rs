//! JSON documents of members and invitations.

use domain::experts::members;
use domain::kernel::text::ShortText;
use domain::{ExpertId, InvitationId, PersonId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a member may do for an expert.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Manages the profile, the availability, the session types and the appointments.
    Assistant,
    /// Does what an assistant does, and also sees and manages the expert's money: earnings, ledger, billing details, receipts,
    /// refunds and charges.
    Manager,
}

impl From<MemberRole> for members::MemberRole {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Assistant => Self::Assistant,
            MemberRole::Manager => Self::Manager,
        }
    }
}

impl From<members::MemberRole> for MemberRole {
    fn from(role: members::MemberRole) -> Self {
        match role {
            members::MemberRole::Assistant => Self::Assistant,
            members::MemberRole::Manager => Self::Manager,
        }
    }
}

/// The role of a member, and the expert's name for the member.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberTerms {
    /// What the member may do.
    pub role: MemberRole,
    /// Your name for the person, for your own list. It is shown to you only.
    pub name: ShortText,
}

/// A person who acts for an expert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MemberDocument {
    /// The id of the person.
    pub person_id: PersonId,
    /// What the person may do.
    pub role: MemberRole,
    /// Your name for the person.
    pub name: ShortText,
    /// When the person accepted the invitation.
    pub since: Timestamp,
    /// The version, to send in `If-Match` when you change the role.
    pub version: u64,
}

impl From<members::Member> for MemberDocument {
    fn from(member: members::Member) -> Self {
        let members::Member { person, version, role, name, since, .. } = member;
        Self { person_id: person, role: role.into(), name, since, version }
    }
}

/// An invitation that was not accepted yet.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvitationDocument {
    /// The id of the invitation.
    pub id: InvitationId,
    /// The expert who invites.
    pub expert_id: ExpertId,
    /// The role that the member will have.
    pub role: MemberRole,
    /// Your name for the invited person.
    pub name: ShortText,
    /// When the invitation was created.
    pub created_at: Timestamp,
    /// When it can no longer be accepted.
    pub expires_at: Timestamp,
}

impl From<members::Invitation> for InvitationDocument {
    fn from(invitation: members::Invitation) -> Self {
        let members::Invitation { id, expert, role, name, created_at, expires_at, .. } = invitation;
        Self { id, expert_id: expert, role: role.into(), name, created_at, expires_at }
    }
}

/// Your membership: an expert for whom you act.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MembershipDocument {
    /// The expert for whom you act.
    pub expert_id: ExpertId,
    /// Your id, by which the expert knows you.
    pub person_id: PersonId,
    /// What you may do.
    pub role: MemberRole,
    /// When you accepted the invitation.
    pub since: Timestamp,
}

impl From<members::Member> for MembershipDocument {
    fn from(member: members::Member) -> Self {
        let members::Member { expert, person, role, since, .. } = member;
        Self { expert_id: expert, person_id: person, role: role.into(), since }
    }
}
