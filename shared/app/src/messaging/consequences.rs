//! The job that lets a late cancellation, a no-show or a lost dispute have its consequences: a warning, and from a further number on
//! a suspension.

use domain::kernel::text::ShortText;
use domain::messaging::notification::{Content, Notification, ReliabilityWarning};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{
    COUNTED_FOR, Consequence, Incident, IncidentKind, number_with, once_per_subject,
};
use domain::{AppointmentId, PersonId};
use store::Transaction;

use crate::identity::suspension;
use crate::{App, AppError, Decision};

/// Warns a person who cancelled a session late, missed it or won a dispute about its payment, and suspends them, if their incidents
/// have reached these numbers.
///
/// The incidents are counted when the job runs. The warning is kept for each subject, and one transaction writes it with the
/// suspension. So the same incident never warns or suspends twice, however often the job runs and whatever administrators decide
/// in the meantime.
///
/// # Errors
/// If the table fails. What earlier incidents of the appointment have as their consequences may be written then.
pub(super) async fn apply(
    app: &App,
    person: PersonId,
    side: Party,
    appointment: AppointmentId,
) -> Result<(), AppError> {
    let since = app.now().plus(-COUNTED_FOR);
    for incident in app.store.incidents(person, side, since).await? {
        if incident.appointment == appointment && incident.kind.has_consequences() {
            apply_incident(app, person, incident.kind, appointment, side).await?;
        }
    }
    Ok(())
}

/// Does the same for one incident of the appointment.
async fn apply_incident(
    app: &App,
    person: PersonId,
    kind: IncidentKind,
    appointment: AppointmentId,
    side: Party,
) -> Result<(), AppError> {
    app.transact("apply_consequences", || async {
        let now = app.now();
        let incidents = app.store.incidents(person, side, now.plus(-COUNTED_FOR)).await?;
        let is_meant =
            |one: &&Incident| one.appointment == appointment && one.kind == kind && one.counts(now);
        // Without it, it was decided otherwise in the meantime, or it is too long ago.
        let Some(incident) = incidents.iter().find(is_meant).cloned() else {
            return Ok(Decision::Unchanged(()));
        };
        let subject = incident.subject();
        // Another booking of the same group session counted before.
        let is_repeated = incidents.iter().filter(|other| other.counts(now)).any(|other| {
            other.subject() == subject && (other.at, other.appointment) < (incident.at, incident.appointment)
        });
        let count = number_with(&once_per_subject(incidents), kind, now);
        let limits = app.settings.reliability.limits(kind);
        let consequence = limits.consequence(count);
        let Some(warning_from) = limits.warning.filter(|_| !is_repeated && consequence != Consequence::None)
        else {
            return Ok(Decision::Unchanged(()));
        };
        if app.store.was_warned(person, side, subject).await? {
            return Ok(Decision::Unchanged(()));
        }
        let warning = ReliabilityWarning {
            side,
            appointment,
            for_lost_disputes: kind == IncidentKind::LostDispute,
            incidents: u32::try_from(count).unwrap_or(u32::MAX),
            warning_from,
            suspension_from: limits.suspension,
        };
        let notification = Notification {
            id: app.new_notification_id(),
            person,
            at: incident.at,
            content: Content::Warning(warning),
        };
        let mut transaction = Transaction::new();
        transaction.put_warning(&notification, side, subject, now)?;
        if consequence == Consequence::Suspension {
            let reason = reason(kind, count, side)?;
            suspension::suspend_by_platform(app, &mut transaction, person, reason, now).await?;
        }
        tracing::info!(%person, ?side, count, ?consequence, "a person was warned");
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// Why the platform suspends a person, as they and administrators read it.
fn reason(kind: IncidentKind, number: usize, side: Party) -> Result<ShortText, AppError> {
    let side = if side == Party::Client { "a client" } else { "an expert" };
    let what = match kind {
        IncidentKind::LostDispute => "payments taken back by disputes",
        _ => "late cancellations and no-shows",
    };
    let text = format!("{number} {what} as {side} within 90 days");
    ShortText::try_from(text).map_err(|error| AppError::invalid("/reason", error.to_string()))
}
