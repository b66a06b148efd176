//! Actors and authorization. Every public use case takes an [`Actor`] and checks its permissions with the methods below;
//! handlers and workers do not.

use domain::experts::members::{IMPARTIAL_AFTER, MemberRole, Right};
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::party::ActingAs;
use domain::{AppointmentId, ClientId, ExpertId, PersonId, TimeSpan, Timestamp};
use store::{AppointmentOwner, AppointmentRecord, ReadError};

use super::signed_in::{Role, Scope, SignedInPerson};
use crate::{App, AppError};

/// What a suspended person is told.
const SUSPENDED: &str = "you, or the expert for whom you act, are suspended: you can read, and cancel, attend and object in sessions of your own; GET /v1/me says why";
const NOT_IN_ROLE: &str = "your role as a member of this expert does not allow this";
const NOT_IMPARTIAL: &str =
    "another administrator must do this: you act for this expert, or did so within the last 180 days";

const CLIENT_OF_THEM: &str = "another administrator must do this: you have booked a session with this person, or had one within the last 180 days";

/// How many appointments are read at once.
const PAGE: u16 = 100;

/// Who runs a use case. Each transport builds it: HTTP from the access token, a worker as [`Actor::Platform`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who is not signed in.
    Anonymous,
    /// A person who is signed in.
    Person(SignedInPerson),
    /// The unverified sender of a webhook. The use case verifies the signature of the message before it uses the message.
    Provider,
    /// The platform itself: jobs and schedules.
    Platform,
}

impl Actor {
    /// The person who is signed in; `None` for all other actors.
    pub fn person(&self) -> Option<&SignedInPerson> {
        match self {
            Self::Person(person) => Some(person),
            Self::Anonymous | Self::Provider | Self::Platform => None,
        }
    }

    /// The person, if their access token has this scope.
    ///
    /// # Errors
    /// [`AppError::SignInRequired`] for an anonymous actor, [`AppError::Forbidden`] if the token lacks the scope or the actor is
    /// not a person.
    pub(crate) fn require_person(&self, scope: Scope) -> Result<&SignedInPerson, AppError> {
        match self {
            Self::Anonymous => Err(AppError::SignInRequired),
            Self::Person(person) if person.has_scope(scope) => Ok(person),
            Self::Person(_) => Err(AppError::Forbidden(match scope {
                Scope::Read => "the access token does not allow reading; sign in again",
                Scope::Write => "the access token allows reading only; sign in again to change something",
            })),
            Self::Provider | Self::Platform => Err(AppError::Forbidden("only a person can do this")),
        }
    }

    /// The person, if they have this role and their access token has this scope.
    ///
    /// # Errors
    /// As for [`require_person`](Self::require_person), and [`AppError::Forbidden`] without the role.
    pub(crate) fn require_role(&self, role: Role, scope: Scope) -> Result<&SignedInPerson, AppError> {
        let person = self.require_person(scope)?;
        if person.has(role) {
            return Ok(person);
        }
        Err(AppError::Forbidden(match role {
            Role::Expert => "only an expert can do this",
            Role::Client => "only a client can do this",
            Role::Admin => "only an administrator can do this",
        }))
    }

    /// The person, if they have this role, their access token allows writing, and they are not suspended.
    ///
    /// # Errors
    /// As for [`require_role`](Self::require_role), and [`AppError::Forbidden`] for a suspended person.
    pub(crate) async fn require_active(&self, app: &App, role: Role) -> Result<&SignedInPerson, AppError> {
        let person = self.require_role(role, Scope::Write)?;
        require_not_suspended(app, person.id()).await?;
        Ok(person)
    }

    /// The person, in any role, if their access token allows writing, and they are not suspended.
    ///
    /// # Errors
    /// As for [`require_person`](Self::require_person), and [`AppError::Forbidden`] for a suspended person.
    pub(crate) async fn require_active_person(&self, app: &App) -> Result<&SignedInPerson, AppError> {
        let person = self.require_person(Scope::Write)?;
        require_not_suspended(app, person.id()).await?;
        Ok(person)
    }

    /// Requires that the platform itself acts.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for all others.
    pub(crate) fn require_platform(&self) -> Result<(), AppError> {
        match self {
            Self::Platform => Ok(()),
            _ => Err(AppError::Forbidden("only a job or a schedule of the platform can do this")),
        }
    }

    /// Requires the sender of a webhook, whose signature the caller verifies next.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for all others.
    pub(crate) fn require_provider(&self) -> Result<(), AppError> {
        match self {
            Self::Provider => Ok(()),
            _ => Err(AppError::Forbidden("only a provider can do this, with a signed message")),
        }
    }

    /// Requires that the person may act for an expert with this right: as the expert, or as a member whose role has the right. To
    /// change what the expert offers or earns, neither of them may be suspended.
    ///
    /// # Errors
    /// As for [`require_person`](Self::require_person), and [`AppError::Forbidden`] for all others.
    pub(crate) async fn require_right(
        &self,
        app: &App,
        expert: ExpertId,
        right: Right,
        scope: Scope,
    ) -> Result<(), AppError> {
        let person = self.require_person(scope)?;
        let is_expert = person.expert_id() == expert;
        if !(is_expert && person.has(Role::Expert)) {
            let role = if is_expert { None } else { membership(app, person, expert).await? };
            match role {
                Some(role) if role.has(right) => {}
                Some(_) => return Err(AppError::Forbidden(NOT_IN_ROLE)),
                None => {
                    return Err(AppError::Forbidden(
                        "you are neither this expert nor a member of the expert",
                    ));
                }
            }
        }
        if scope == Scope::Write && right != Right::Account {
            require_not_suspended(app, person.id()).await?;
            if !is_expert {
                require_not_suspended(app, expert.person()).await?;
            }
        }
        Ok(())
    }

    /// The administrator, for decisions about an expert: one who is not suspended, is neither the expert nor a member of the expert,
    /// and was no member within the last 180 days.
    ///
    /// # Errors
    /// As for [`require_active`](Self::require_active), and [`AppError::Forbidden`] if the person is or was one of these.
    pub(crate) async fn require_impartial_admin(
        &self,
        app: &App,
        expert: ExpertId,
    ) -> Result<&SignedInPerson, AppError> {
        let person = self.require_active(app, Role::Admin).await?;
        if person.expert_id() == expert || membership(app, person, expert).await?.is_some() {
            return Err(AppError::Forbidden(NOT_IMPARTIAL));
        }
        require_no_former_member(app, person, expert).await?;
        Ok(person)
    }

    /// The administrator, for decisions about a person: one who is [impartial](Self::require_impartial_admin) about them as an expert,
    /// and has booked no session with them that is still to come, or was within the last 180 days. Sessions that the person has booked
    /// with the administrator do not count, because then everybody could choose who decides about them.
    ///
    /// # Errors
    /// As for [`require_impartial_admin`](Self::require_impartial_admin), and [`AppError::Forbidden`] if they have booked one.
    pub(crate) async fn require_impartial_admin_of_person(
        &self,
        app: &App,
        other: PersonId,
    ) -> Result<&SignedInPerson, AppError> {
        let person = self.require_impartial_admin(app, other.expert()).await?;
        require_no_client(app, person, other.expert()).await?;
        Ok(person)
    }

    /// An appointment, and as whom the person acts on it. See [`side_of`](Self::side_of).
    ///
    /// # Errors
    /// As for [`require_person`](Self::require_person), and [`AppError::NotFound`] for all who have no side: they must not learn that the
    /// appointment exists, not even if it cannot be read.
    pub(crate) async fn appointment(
        &self,
        app: &App,
        id: AppointmentId,
        scope: Scope,
    ) -> Result<(Appointment, ActingAs), AppError> {
        // Nobody learns whether the appointment exists before they have signed in.
        self.require_person(scope)?;
        let read = app.store.appointment(id).await;
        let appointment = self.found(app, id, scope, read).await?;
        let acting = self.acting_on(app, &appointment, scope).await?;
        Ok((appointment, acting))
    }

    /// An appointment with its payment and movements, and as whom the person acts on it. See [`side_of`](Self::side_of).
    ///
    /// # Errors
    /// As for [`appointment`](Self::appointment). If the person wants to change it, also [`ChangeRefusal::NewerRelease`] if its status
    /// is unknown.
    ///
    /// [`ChangeRefusal::NewerRelease`]: domain::scheduling::appointment::ChangeRefusal::NewerRelease
    pub(crate) async fn appointment_record(
        &self,
        app: &App,
        id: AppointmentId,
        scope: Scope,
    ) -> Result<(AppointmentRecord, ActingAs), AppError> {
        self.require_person(scope)?;
        let read = app.store.appointment_record(id).await;
        let record = self.found(app, id, scope, read).await?;
        let acting = self.acting_on(app, &record.appointment, scope).await?;
        if scope == Scope::Write {
            record.appointment.check_known()?;
        }
        Ok((record, acting))
    }

    /// What was read of an appointment. If a row cannot be read, only whoever has a side in the appointment learns it.
    async fn found<T>(
        &self,
        app: &App,
        id: AppointmentId,
        scope: Scope,
        read: Result<Option<T>, ReadError>,
    ) -> Result<T, AppError> {
        match read {
            Ok(found) => found.ok_or(AppError::NotFound("appointment")),
            Err(error @ (ReadError::NewerRelease { .. } | ReadError::Corrupt { .. })) => {
                tracing::error!(appointment = %id, "an appointment cannot be read");
                let side = match app.store.parties(id).await? {
                    Some((expert, client)) => self.side_of(app, expert, client, scope).await?,
                    None => None,
                };
                Err(side.map_or(AppError::NotFound("appointment"), |_| error.into()))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn acting_on(
        &self,
        app: &App,
        appointment: &Appointment,
        scope: Scope,
    ) -> Result<ActingAs, AppError> {
        let acting = self.side_of(app, appointment.expert, appointment.client, scope).await?;
        let acting = acting.ok_or(AppError::NotFound("appointment"))?;
        if scope == Scope::Write {
            tracing::info!(appointment = %appointment.id, ?acting, "acts on an appointment");
        }
        Ok(acting)
    }

    /// As whom the person acts in a matter between an expert and a client; `None` if they have no side in it.
    ///
    /// A person has one side. The expert acts as the expert, even if they are also the client. The client acts only as the client,
    /// even if they are also a member of the expert. A member acts for the expert, even if they are also an administrator; one
    /// whose role this release does not know has no side.
    /// An administrator who is none of these acts for the platform; one who was a member within the last 180 days can only read.
    /// A suspended person changes something only as the expert or the client.
    ///
    /// # Errors
    /// As for [`require_person`](Self::require_person), and [`AppError::Forbidden`] for a change by an administrator who was a member,
    /// and by a suspended member or administrator.
    pub(crate) async fn side_of(
        &self,
        app: &App,
        expert: ExpertId,
        client: ClientId,
        scope: Scope,
    ) -> Result<Option<ActingAs>, AppError> {
        let person = self.require_person(scope)?;
        let (is_expert, is_client) = (expert == person.expert_id(), client == person.client_id());
        if is_expert || is_client {
            return Ok(if person.has(Role::Expert) && is_expert {
                Some(ActingAs::Expert)
            } else if person.has(Role::Client) && is_client {
                Some(ActingAs::Client)
            } else {
                None
            });
        }
        let id = person.id();
        let acting = match membership(app, person, expert).await? {
            Some(role) => role.has(Right::Schedule).then_some(ActingAs::Member { id, role }),
            None if person.has(Role::Admin) => {
                if scope == Scope::Write {
                    require_no_former_member(app, person, expert).await?;
                }
                Some(ActingAs::Administrator { id })
            }
            None => None,
        };
        if acting.is_some() && scope == Scope::Write {
            require_not_suspended(app, id).await?;
        }
        Ok(acting)
    }
}

/// Requires that a person who acts on an appointment has a right of the side for which they act. Only members can lack one.
///
/// # Errors
/// [`AppError::Forbidden`] without the right.
pub(crate) fn require_right_of(acting: ActingAs, right: Right) -> Result<(), AppError> {
    if acting.has(right) { Ok(()) } else { Err(AppError::Forbidden(NOT_IN_ROLE)) }
}

/// Requires that a person is not suspended. Reads one row.
async fn require_not_suspended(app: &App, person: PersonId) -> Result<(), AppError> {
    match app.store.suspension(person).await?.current() {
        Some(_) => Err(AppError::Forbidden(SUSPENDED)),
        None => Ok(()),
    }
}

/// The role of a person as a member of an expert; `None` if they are not a member. Reads one row.
async fn membership(
    app: &App,
    person: &SignedInPerson,
    expert: ExpertId,
) -> Result<Option<MemberRole>, AppError> {
    Ok(app.store.member(expert, person.id()).await?.map(|member| member.role))
}

/// Requires that a person has booked no session with an expert that is still to come, or was within the last 180 days. A hold that
/// expired does not count, nor does one that was cancelled more than 180 days ago, nor an appointment that this release cannot read.
/// Reads the person's appointments of that time.
async fn require_no_client(app: &App, person: &SignedInPerson, expert: ExpertId) -> Result<(), AppError> {
    let since = app.now().plus(-IMPARTIAL_AFTER);
    let starts = TimeSpan::new(since, Timestamp::MAX);
    let booked = AppointmentOwner::Client(person.client_id());
    let mut after = None;
    loop {
        let page = app.store.appointments(booked, starts, after.as_deref(), PAGE).await?;
        let counts = |one: &Appointment| match one.status {
            Status::Expired => false,
            Status::Cancelled { cancelled_at, .. } => cancelled_at >= since,
            _ => true,
        };
        if page.appointments.iter().any(|one| one.expert == expert && counts(one)) {
            return Err(AppError::Forbidden(CLIENT_OF_THEM));
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Requires that a person was no member of an expert within the last 180 days. Reads one row.
async fn require_no_former_member(
    app: &App,
    person: &SignedInPerson,
    expert: ExpertId,
) -> Result<(), AppError> {
    match app.store.former_member(expert, person.id()).await? {
        Some(former) if !former.is_impartial(app.now()) => Err(AppError::Forbidden(NOT_IMPARTIAL)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
