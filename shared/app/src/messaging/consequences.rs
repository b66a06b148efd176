//! The job that lets a late cancellation or a no-show have its consequences: a warning, and from a further number on a suspension.

use domain::kernel::text::ShortText;
use domain::messaging::notification::{Content, Notification, ReliabilityWarning};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{COUNTED_FOR, Consequence, once_per_session};
use domain::{AppointmentId, PersonId};
use store::Transaction;

use crate::identity::suspension;
use crate::{App, AppError, Decision};

/// Warns a person who cancelled a session late or missed it, and suspends them, if their incidents have reached these numbers.
///
/// The incidents are counted when the job runs. The warning is kept for each session, and one transaction writes it with the
/// suspension. So the same incident never warns or suspends twice, however often the job runs and whatever administrators decide
/// in the meantime.
///
/// # Errors
/// If the table fails. Nothing has changed then.
pub(super) async fn apply(
    app: &App,
    person: PersonId,
    side: Party,
    appointment: AppointmentId,
) -> Result<(), AppError> {
    app.transact("apply_consequences", || async {
        let now = app.now();
        let incidents = app.store.incidents(person, side, now.plus(-COUNTED_FOR)).await?;
        // Without it, it was decided otherwise in the meantime, or it is too long ago.
        let found = incidents.iter().find(|one| one.appointment == appointment && one.counts(now)).cloned();
        let Some(incident) = found else { return Ok(Decision::Unchanged(())) };
        let session = incident.session();
        // Another booking of the same group session counted before.
        let is_repeated = incidents.iter().filter(|other| other.counts(now)).any(|other| {
            other.session() == session && (other.at, other.appointment) < (incident.at, incident.appointment)
        });
        let count = once_per_session(incidents).iter().filter(|one| one.counts(now)).count();
        let rules = &app.settings.reliability;
        let consequence = rules.consequence(count);
        if is_repeated
            || consequence == Consequence::None
            || app.store.was_warned(person, side, session).await?
        {
            return Ok(Decision::Unchanged(()));
        }
        let warning = ReliabilityWarning {
            side,
            appointment,
            incidents: u32::try_from(count).unwrap_or(u32::MAX),
            warning_from: rules.warning,
            suspension_from: rules.suspension,
        };
        let notification = Notification {
            id: app.new_notification_id(),
            person,
            at: incident.at,
            content: Content::Warning(warning),
        };
        let mut transaction = Transaction::new();
        transaction.put_warning(&notification, side, session, now)?;
        if consequence == Consequence::Suspension {
            let reason = reason(count, side)?;
            suspension::suspend_by_platform(app, &mut transaction, person, reason, now).await?;
        }
        tracing::info!(%person, ?side, count, ?consequence, "a person was warned");
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// Why the platform suspends a person, as they and administrators read it.
fn reason(incidents: usize, side: Party) -> Result<ShortText, AppError> {
    let side = if side == Party::Client { "a client" } else { "an expert" };
    let text = format!("{incidents} late cancellations and no-shows as {side} within 90 days");
    ShortText::try_from(text).map_err(|error| AppError::invalid("/reason", error.to_string()))
}
