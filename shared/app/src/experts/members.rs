//! Members of experts: invitations, roles, and for whom a person acts.

use aws_lc_rs::{constant_time, digest};
use domain::experts::members::{INVITATION_VALIDITY, Invitation, MAX_MEMBERS, Member, MemberRole, Right};
use domain::kernel::text::ShortText;
use domain::{ExpertId, InvitationId, PersonId};
use store::{MembershipPage, Team, Transaction};

use crate::experts::profiles::read as read_expert;
use crate::idempotency::{IdempotentRequest, RequestStatus, release};
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::ports::Secret;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// The maximum number of memberships of one page.
pub const MAX_PAGE: u16 = 100;

/// An invitation with its secret, which is shown only once.
#[derive(Debug)]
pub struct NewInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// What the invited person sends to accept it.
    pub secret: Secret,
}

/// A new secret of 128 random bits.
fn new_secret(app: &App) -> Secret {
    Secret::new(format!("{:032x}", app.random.bits()))
}

/// SHA-256 of a secret, in hexadecimal.
fn digest_of(secret: &str) -> String {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Invites a person to act for an expert. The expert gives the id of the invitation and its secret to that person.
///
/// Only a digest of the secret is stored, so a repeated request returns the same invitation with a new secret, which replaces the
/// previous one.
///
/// # Errors
/// - [`AppError::Forbidden`] if the actor is not the expert, or is suspended
/// - [`AppError::KeyReused`], [`AppError::StillRunning`]: see [`IdempotentRequest`]
/// - [`AppError::NotFound`] if the expert has no profile, or a repeated request finds that the invitation was accepted or
///   withdrawn
/// - [`AppError::TooMany`] if the expert has 50 open invitations
pub async fn invite(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    request: &IdempotentRequest,
    role: MemberRole,
    name: ShortText,
) -> Result<NewInvitation, AppError> {
    let (invitation, secret, record) = app
        .transact("invite_member", || async {
            actor.require_right(app, expert, Right::Account, Scope::Write).await?;
            let person = actor.require_active_person(app).await?;
            let now = app.now();
            let secret = new_secret(app);
            let digest = digest_of(secret.reveal());
            let expired = match request.status(app, person, now).await? {
                RequestStatus::Completed(_) => return Err(AppError::NotFound("invitation")),
                RequestStatus::Interrupted(record) => {
                    let id = record.subject.parse().map_err(|_| AppError::NotFound("invitation"))?;
                    let invitation = find(app, expert, id).await?;
                    let invitation = Invitation { version: invitation.version + 1, digest, ..invitation };
                    let mut transaction = Transaction::new();
                    transaction.put_invitation(&invitation)?;
                    return Ok(Decision::Commit(transaction, (invitation, secret, None)));
                }
                RequestStatus::New(expired) => expired,
            };
            read_expert(app, expert).await?;
            let team = app.store.team(expert).await?;
            let open = team.invitations.iter().filter(|invitation| invitation.is_open(now)).count();
            if open + team.unreadable_invitations >= MAX_MEMBERS {
                return Err(AppError::TooMany(
                    "an expert can have at most 50 open invitations; withdraw one first",
                ));
            }
            let id = app.new_invitation_id();
            let expires_at = now.plus(INVITATION_VALIDITY);
            let name = name.clone();
            let invitation =
                Invitation { id, expert, version: 1, role, name, created_at: now, expires_at, digest };
            let record = request.record(person, id, now);
            let mut transaction = Transaction::new();
            transaction.put_invitation(&invitation)?;
            transaction.put_team(expert, &team)?;
            transaction.put_idempotency_record(&record, expired.as_ref())?;
            Ok(Decision::Commit(transaction, (invitation, secret, Some(record))))
        })
        .await?;
    if let Some(record) = record {
        // The response is not stored, because it contains the secret.
        release(app, record).await;
    }
    Ok(NewInvitation { invitation, secret })
}

/// An invitation that can be accepted now.
async fn find(app: &App, expert: ExpertId, id: InvitationId) -> Result<Invitation, AppError> {
    let invitation = app.store.invitation(expert, id).await?;
    // Nobody knows which rights an unknown role gives.
    let can_be_accepted =
        |invitation: &Invitation| invitation.is_open(app.now()) && invitation.role != MemberRole::Unknown;
    invitation.filter(can_be_accepted).ok_or(AppError::NotFound("invitation"))
}

/// Accepts an invitation: the person becomes a member of the expert. An invitation can be accepted once; if the same person accepts
/// it again, nothing changes.
///
/// # Errors
/// - [`AppError::NotFound`] if there is no such invitation with this secret, or it was accepted, withdrawn or has expired
/// - [`AppError::Forbidden`] if the person is the expert, or is suspended
/// - [`AppError::Exists`] if the person is a member of the expert already
/// - [`AppError::TooMany`] if the expert has 50 members
pub async fn accept(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: InvitationId,
    secret: &Secret,
) -> Result<Member, AppError> {
    app.transact("accept_invitation", || async {
        let person = actor.require_active_person(app).await?;
        let digest = digest_of(secret.reveal());
        let now = app.now();
        let member = app.store.member(expert, person.id()).await?;
        if let Some(member) = member.as_ref().filter(|member| member.invitation == id) {
            return Ok(Decision::Unchanged(member.clone()));
        }
        let invitation = find(app, expert, id).await?;
        if constant_time::verify_slices_are_equal(invitation.digest.as_bytes(), digest.as_bytes()).is_err() {
            return Err(AppError::NotFound("invitation"));
        }
        if person.expert_id() == expert {
            return Err(AppError::Forbidden("you cannot become a member of yourself"));
        }
        if member.is_some() {
            return Err(AppError::Exists("membership"));
        }
        let team = app.store.team(expert).await?;
        if team.members.len() + team.unreadable_members >= MAX_MEMBERS {
            return Err(AppError::TooMany(
                "an expert can have at most 50 members; the expert must remove one first",
            ));
        }
        let member = invitation.accepted_by(person.id(), now);
        let mut transaction = Transaction::new();
        transaction.put_member(&member)?;
        transaction.put_team(expert, &team)?;
        transaction.delete_invitation(&invitation);
        Ok(Decision::Commit(transaction, member))
    })
    .await
}

/// The members of an expert, and the invitations that have not expired.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert.
pub async fn list(app: &App, actor: &Actor, expert: ExpertId) -> Result<Team, AppError> {
    actor.require_right(app, expert, Right::Account, Scope::Read).await?;
    let mut team = app.store.team(expert).await?;
    let now = app.now();
    team.invitations.retain(|invitation| invitation.is_open(now));
    Ok(team)
}

/// An invitation that has not expired and was not accepted.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert, [`AppError::NotFound`] if there is no such invitation.
pub async fn invitation(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: InvitationId,
) -> Result<Invitation, AppError> {
    actor.require_right(app, expert, Right::Account, Scope::Read).await?;
    let invitation = app.store.invitation(expert, id).await?;
    invitation.filter(|invitation| invitation.is_open(app.now())).ok_or(AppError::NotFound("invitation"))
}

/// Changes the role and the name of a member. `if_match` is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert or is suspended, [`AppError::NotFound`] if the person is not a member,
/// [`AppError::VersionMismatch`] if the member has another version.
pub async fn replace(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    person: PersonId,
    if_match: IfMatch,
    role: MemberRole,
    name: ShortText,
) -> Result<Member, AppError> {
    app.transact("replace_member", || async {
        actor.require_right(app, expert, Right::Account, Scope::Write).await?;
        actor.require_active_person(app).await?;
        let current = app.store.member(expert, person).await?.ok_or(AppError::NotFound("member"))?;
        check_version(if_match, current.version)?;
        let member = Member { version: current.version + 1, role, name: name.clone(), ..current };
        let mut transaction = Transaction::new();
        transaction.put_member(&member)?;
        Ok(Decision::Commit(transaction, member))
    })
    .await
}

/// Removes a member. The expert can remove each member, and a member can remove themself. Their next request is refused.
/// `if_match` is the version of the membership that the actor has read.
///
/// # Errors
/// [`AppError::Forbidden`] for all others, [`AppError::NotFound`] if the person is not a member, [`AppError::VersionMismatch`] if
/// the membership has another version.
pub async fn remove(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    person: PersonId,
    if_match: IfMatch,
) -> Result<(), AppError> {
    app.transact("remove_member", || async {
        if actor.require_person(Scope::Write)?.id() != person {
            actor.require_right(app, expert, Right::Account, Scope::Write).await?;
        }
        let member = app.store.member(expert, person).await?.ok_or(AppError::NotFound("member"))?;
        check_version(if_match, member.version)?;
        let mut transaction = Transaction::new();
        transaction.delete_member(&member);
        transaction.put_former_member(&member.left(app.now()))?;
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// Withdraws an invitation, so that it can no longer be accepted.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert, [`AppError::NotFound`] if the invitation does not exist or was accepted.
pub async fn withdraw(app: &App, actor: &Actor, expert: ExpertId, id: InvitationId) -> Result<(), AppError> {
    app.transact("withdraw_invitation", || async {
        actor.require_right(app, expert, Right::Account, Scope::Write).await?;
        let invitation = app.store.invitation(expert, id).await?;
        let invitation = invitation.ok_or(AppError::NotFound("invitation"))?;
        let mut transaction = Transaction::new();
        transaction.delete_invitation(&invitation);
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// The experts for whom a person acts, ordered by id. `after` is the last expert of the previous page.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in.
pub async fn memberships(
    app: &App,
    actor: &Actor,
    after: Option<ExpertId>,
    limit: u16,
) -> Result<MembershipPage, AppError> {
    let person = actor.require_person(Scope::Read)?;
    Ok(app.store.memberships(person.id(), after, limit.clamp(1, MAX_PAGE)).await?)
}
