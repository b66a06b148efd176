//! The JSON documents of the area.

use app::identity::person::Me;
use app::identity::signed_in::{Role as GrantedRole, SignedInPerson};
use domain::identity::{person, suspension};
use domain::kernel::language::Language;
use domain::kernel::phone::Phone;
use domain::kernel::text::{Email, ShortText};
use domain::{ClientId, ExpertId, PersonId, Timestamp, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experts::documents::Membership;
use crate::mirror::mirror;

/// A role that your access token grants.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// You can offer sessions.
    Expert,
    /// You can book sessions.
    Client,
    /// You run the platform.
    Admin,
}

mirror!(enum Role <= GrantedRole { Expert, Client, Admin });

/// The settings that you choose. A property that is null or absent is cleared.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonProfile {
    /// The language in which the platform addresses you.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The time zone in which the platform shows you times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
    /// The telephone number at which you can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

mirror!(struct PersonProfile <=> person::PersonProfile { language, time_zone, phone });

/// The signed-in person: roles, ids, memberships and settings.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Person {
    /// Your id as a person. Experts see it in their list of members.
    pub id: PersonId,
    /// Your id as an expert, if you have that role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_id: Option<ExpertId>,
    /// Your id as a client, if you have that role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The roles that your access token grants.
    pub roles: Vec<Role>,
    /// The first 25 experts for whom you act, ordered by expert.
    pub memberships: Vec<Membership>,
    /// Whether you act for more experts. `GET /v1/me/memberships` lists them, except those that cannot be shown at the moment.
    pub memberships_truncated: bool,
    /// Your e-mail address: the last one that the sign-in service has verified. You change it there; it appears here after the
    /// next sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Why you are suspended; absent if you are not. While you are, you cannot book sessions, change what you or others offer, or
    /// act for others. You can read, and cancel, attend and object in sessions of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspended>,
    /// The settings that you choose.
    #[serde(flatten)]
    pub profile: PersonProfile,
    /// The version, to send in `If-Match` with a change. It increases when your e-mail address or your settings change, and not
    /// when you sign in. It is 0 if you never had either.
    pub version: u64,
}

impl Person {
    /// The document of the signed-in person.
    pub fn of(signed_in: &SignedInPerson, me: Me) -> Self {
        let person::Person { id, etag, email, profile, .. } = me.person;
        let roles = GrantedRole::ALL.into_iter().filter(|role| signed_in.has(*role)).map(Role::from);
        Self {
            id,
            expert_id: signed_in.has(GrantedRole::Expert).then(|| signed_in.expert_id()),
            client_id: signed_in.has(GrantedRole::Client).then(|| signed_in.client_id()),
            roles: roles.collect(),
            memberships_truncated: me.memberships.next.is_some() || me.memberships.truncated,
            memberships: me.memberships.memberships.into_iter().map(Membership::from).collect(),
            email,
            suspension: me
                .suspension
                .current()
                .map(|change| Suspended { reason: change.reason.clone(), since: change.at }),
            profile: profile.into(),
            version: etag,
        }
    }
}

/// The suspension of a person, as they see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suspended {
    /// The reason.
    pub reason: ShortText,
    /// Since when.
    pub since: Timestamp,
}

/// Whether a person is suspended, and the history of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspensionHistory {
    /// The person.
    pub person_id: PersonId,
    /// Whether the person is suspended.
    pub suspended: bool,
    /// The last 50 changes, oldest first.
    #[schemars(length(max = 50))]
    pub changes: Vec<SuspensionChange>,
    /// The version, to send in `If-Match` with a change. It is 0 if the person was never suspended.
    pub version: u64,
}

/// A change: a person was suspended, or the suspension was lifted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspensionChange {
    /// Whether the person is suspended since then.
    pub suspended: bool,
    /// The reason.
    pub reason: ShortText,
    /// Who decided it.
    pub decided_by: DecidedBy,
    /// The administrator who decided it; absent if the platform did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// When it was changed.
    pub at: Timestamp,
}

/// Who suspended a person, or lifted the suspension.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// An administrator.
    Administrator,
    /// The platform, automatically, after too many late cancellations and no-shows, or lost disputes.
    Platform,
}

impl From<suspension::SuspensionChange> for SuspensionChange {
    fn from(change: suspension::SuspensionChange) -> Self {
        let suspension::SuspensionChange { suspended, reason, by, at } = change;
        let (decided_by, by) = match by {
            suspension::DecidedBy::Administrator(person) => (DecidedBy::Administrator, Some(person)),
            suspension::DecidedBy::Platform => (DecidedBy::Platform, None),
        };
        Self { suspended, reason, decided_by, by, at }
    }
}

impl From<suspension::Suspension> for SuspensionHistory {
    fn from(suspension: suspension::Suspension) -> Self {
        Self {
            person_id: suspension.person,
            suspended: suspension.current().is_some(),
            version: suspension.version,
            changes: suspension.changes.into_iter().map(SuspensionChange::from).collect(),
        }
    }
}
