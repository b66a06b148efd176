//! Members of an expert: people who act for the expert, such as an assistant or an agency.

use crate::kernel::text::ShortText;
use crate::kernel::time::DAY;
use crate::{ExpertId, InvitationId, PersonId, Timestamp};

/// What a member may do for an expert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberRole {
    /// Manages the profile, the availability, the session types and the appointments, but not prices.
    Assistant,
    /// Does what an assistant does, and also sees and manages the expert's money: prices, earnings, ledger, billing details,
    /// receipts, refunds and charges.
    Manager,
    /// A newer version of the code has given a role that this version does not know. It gives no rights, but the person is a
    /// member: they are not impartial.
    Unknown,
}

/// A right to act for an expert. The expert has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To manage the profile, the availability, the session types and the appointments, but not what clients are charged. What
    /// follows from a policy happens: a cancellation before the start, or the report that the client did not attend, refunds what the
    /// cancellation policy says.
    Schedule,
    /// To set what clients are charged and refunded, to see earnings, ledger and receipts, and to change billing details.
    Money,
    /// To manage members and payment accounts, which only the expert may: a member could otherwise extend their own rights, or
    /// direct the expert's money to another account.
    Account,
}

impl MemberRole {
    /// Whether a member with this role has a right.
    pub fn has(self, right: Right) -> bool {
        match (self, right) {
            (Self::Assistant | Self::Manager, Right::Schedule) | (Self::Manager, Right::Money) => true,
            (Self::Assistant, Right::Money) | (Self::Unknown, _) | (_, Right::Account) => false,
        }
    }
}

/// How long an invitation can be accepted, in seconds.
pub const INVITATION_VALIDITY: i64 = 7 * DAY;
/// How long after the end of a membership a person is impartial again in matters of the expert, in seconds.
pub const IMPARTIAL_AFTER: i64 = 180 * DAY;
/// The maximum number of members of an expert, and the maximum number of open invitations.
pub const MAX_MEMBERS: usize = 50;

/// A person who acts for an expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The expert for whom the person acts.
    pub expert: ExpertId,
    /// The person.
    pub person: PersonId,
    /// Increases by one with each change.
    pub version: u64,
    /// What the person may do for the expert.
    pub role: MemberRole,
    /// The name that the expert gave to the person.
    pub name: ShortText,
    /// When the person accepted the invitation.
    pub since: Timestamp,
    /// The invitation that the person accepted.
    pub invitation: InvitationId,
}

impl Member {
    /// The end of the membership.
    pub fn left(&self, now: Timestamp) -> FormerMember {
        FormerMember { expert: self.expert, person: self.person, left_at: now }
    }
}

/// A person whose membership of an expert has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerMember {
    /// The expert for whom the person acted.
    pub expert: ExpertId,
    /// The person.
    pub person: PersonId,
    /// When the membership ended.
    pub left_at: Timestamp,
}

impl FormerMember {
    /// Whether the person may decide matters of the expert as an administrator.
    pub fn is_impartial(&self, now: Timestamp) -> bool {
        self.left_at.plus(IMPARTIAL_AFTER) <= now
    }
}

/// An invitation to become a member of an expert. Whoever has its secret can accept it, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The invitation's id.
    pub id: InvitationId,
    /// The expert who invites.
    pub expert: ExpertId,
    /// Increases by one with each new secret.
    pub version: u64,
    /// The role that the member will have.
    pub role: MemberRole,
    /// The name that the expert gave to the invited person.
    pub name: ShortText,
    /// When the expert created it.
    pub created_at: Timestamp,
    /// When it can no longer be accepted.
    pub expires_at: Timestamp,
    /// SHA-256 of the secret, in hexadecimal. The secret itself is not stored.
    pub digest: String,
}

impl Invitation {
    /// Whether it can be accepted at this time.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// The member that this invitation makes of a person.
    pub fn accepted_by(&self, person: PersonId, now: Timestamp) -> Member {
        Member {
            expert: self.expert,
            person,
            version: 1,
            role: self.role,
            name: self.name.clone(),
            since: now,
            invitation: self.id,
        }
    }
}
