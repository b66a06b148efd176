//! Reads appointments.

use domain::experts::members::Right;
use domain::payments::payment::Payment;
use domain::scheduling::party::Party;
use domain::{AppointmentId, TimeSpan};
use store::{AppointmentOwner, AppointmentPage, AppointmentRecord};

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError};

/// The maximum number of appointments on one page.
pub const MAX_PAGE: u16 = 100;

/// An appointment with its payment and movements, and the side of the person who reads it.
///
/// # Errors
/// [`AppError::NotFound`] if it does not exist, or the person has no side in it (see [`Actor`]).
pub async fn read(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
) -> Result<(AppointmentRecord, Party), AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    Ok((record, acting.party()))
}

/// Requires that a record contains the payment as it is stored now. A query can return the appointment as it is after a transaction, and
/// the payment as it was before it. Reads one row.
///
/// # Errors
/// A version conflict otherwise, so that the change reads and decides again.
pub(super) async fn require_current_payment(app: &App, record: &AppointmentRecord) -> Result<(), AppError> {
    let version = |payment: Option<&Payment>| payment.map_or(0, |payment| payment.version);
    let stored = app.store.payment(record.appointment.id).await?;
    if version(stored.as_ref()) == version(record.payment.as_ref()) {
        Ok(())
    } else {
        Err(AppError::version_conflict())
    }
}

/// The appointments of an expert or a client that start within a span, ordered by start. There are none for a person without the
/// role of an expert or a client.
///
/// # Errors
/// [`AppError::Forbidden`] if the person may not act for the expert or is not the client.
pub async fn list(
    app: &App,
    actor: &Actor,
    owner: AppointmentOwner,
    starts: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<AppointmentPage, AppError> {
    let person = actor.require_person(Scope::Read)?;
    let has_role = match owner {
        AppointmentOwner::Expert(expert) if expert == person.expert_id() => person.has(Role::Expert),
        AppointmentOwner::Expert(expert) => {
            actor.require_right(app, expert, Right::Schedule, Scope::Read).await?;
            true
        }
        AppointmentOwner::Client(client) if client == person.client_id() => person.has(Role::Client),
        AppointmentOwner::Client(_) => {
            return Err(AppError::Forbidden("these are the appointments of another client"));
        }
    };
    if !has_role {
        return Ok(AppointmentPage { appointments: Vec::new(), unreadable: 0, next: None });
    }
    Ok(app.store.appointments(owner, starts, after, limit.clamp(1, MAX_PAGE)).await?)
}
