//! How reliable people are as experts and as clients.

use domain::kernel::time::DAY;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{COUNTED_FOR, Consequence, Incident, once_per_subject};
use domain::{PersonId, Timestamp};

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError};

/// For how long incidents are listed, in seconds.
const LISTED_FOR: i64 = 365 * DAY;

/// What a person did as one side of their appointments.
#[derive(Debug, Clone)]
pub struct SideRecord {
    /// The incidents of the last 365 days, the latest first: at most 1,000 that have consequences, one for each session and disputed payment, and
    /// 1,000 others.
    pub incidents: Vec<Incident>,
    /// Whether some incidents are missing, because a newer release has written them.
    pub truncated: bool,
    /// Since when incidents have consequences.
    pub counted_since: Timestamp,
    /// What follows from the late cancellations, no-shows and lost disputes since then.
    pub consequence: Consequence,
}

/// The reliability of a person.
#[derive(Debug, Clone)]
pub struct Reliability {
    /// As an expert.
    pub as_expert: SideRecord,
    /// As a client.
    pub as_client: SideRecord,
}

/// The reliability of the signed-in person.
///
/// # Errors
/// [`AppError::SignInRequired`] if nobody is signed in.
pub async fn read_own(app: &App, actor: &Actor) -> Result<Reliability, AppError> {
    let person = actor.require_person(Scope::Read)?.id();
    of_person(app, person).await
}

/// The reliability of any person, for administrators.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not an administrator.
pub async fn read(app: &App, actor: &Actor, person: PersonId) -> Result<Reliability, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    of_person(app, person).await
}

async fn of_person(app: &App, person: PersonId) -> Result<Reliability, AppError> {
    let (as_expert, as_client) =
        tokio::try_join!(of_side(app, person, Party::Expert), of_side(app, person, Party::Client))?;
    Ok(Reliability { as_expert, as_client })
}

async fn of_side(app: &App, person: PersonId, side: Party) -> Result<SideRecord, AppError> {
    let now = app.now();
    let (incidents, unreadable) = app.store.incidents(person, side, now.plus(-LISTED_FOR)).await?;
    let consequence = app.settings.reliability.consequence(&incidents, now);
    let incidents = once_per_subject(incidents);
    Ok(SideRecord {
        incidents,
        truncated: unreadable > 0,
        counted_since: now.plus(-COUNTED_FOR),
        consequence,
    })
}
