//! The job that lets a late cancellation, a no-show or a lost dispute have its consequences: a warning, and from a further number on
//! a suspension.

use std::collections::BTreeSet;

use domain::kernel::text::ShortText;
use domain::messaging::notification::{Content, Notification, ReliabilityWarning};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{COUNTED_FOR, Consequence, Incident, IncidentKind, counted_with};
use domain::{AppointmentId, PersonId};
use store::Transaction;

use crate::identity::suspension;
use crate::{App, AppError, Decision};

/// Warns a person who cancelled a session late, missed it or won a dispute about its payment, and suspends them, if their incidents
/// have reached these numbers.
///
/// The incidents are counted when the job runs. The warning is kept for each subject, and one transaction writes it with the
/// suspension. So the same incident never warns or suspends twice, however often the job runs and whatever administrators decide
/// in the meantime. Of the late cancellations and no-shows with one counterpart, one has consequences.
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
    let (incidents, _) = app.store.incidents(person, side, since).await?;
    for incident in incidents {
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
        // An incident that this release cannot read does not count here, so that it does not stop the consequences of the others.
        let (incidents, _) = app.store.incidents(person, side, now.plus(-COUNTED_FOR)).await?;
        let is_meant =
            |one: &&Incident| one.appointment == appointment && one.kind == kind && one.counts(now);
        // Without it, it was decided otherwise in the meantime, or it is too long ago.
        let Some(incident) = incidents.iter().find(is_meant).cloned() else {
            return Ok(Decision::Unchanged(()));
        };
        let counted = counted_with(&incidents, kind, now);
        // Otherwise, another booking of the same group session, or another session with the same counterpart, counts instead.
        let is_counted = counted.contains(&&incident);
        let count = counted.len();
        let limits = app.settings.reliability.limits(kind);
        let consequence = limits.consequence(count);
        let Some(warning_from) = limits.warning.filter(|_| is_counted && consequence != Consequence::None)
        else {
            return Ok(Decision::Unchanged(()));
        };
        // An incident that was reported later can be the earlier one with its counterpart. The other one had its consequences.
        let counterpart = incident.counterpart.filter(|_| kind != IncidentKind::LostDispute);
        let is_same = |other: &&Incident| {
            other.counts(now)
                && other.kind.is_counted_with(kind)
                && (other.subject() == incident.subject()
                    || counterpart.is_some() && other.counterpart == counterpart)
        };
        let subjects: BTreeSet<_> = incidents.iter().filter(is_same).map(Incident::subject).collect();
        for subject in subjects {
            if app.store.was_warned(person, side, subject).await? {
                return Ok(Decision::Unchanged(()));
            }
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
        transaction.put_warning(&notification, side, incident.subject(), now)?;
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
    let what = match (kind, side) {
        (IncidentKind::LostDispute, _) => "payments taken back by disputes as a client",
        (_, Party::Client) => "late cancellations and no-shows with different experts",
        (_, Party::Expert | Party::Platform) => "late cancellations and no-shows with different clients",
    };
    let text = format!("{number} {what} within 90 days");
    ShortText::try_from(text).map_err(|error| AppError::invalid("/reason", error.to_string()))
}
