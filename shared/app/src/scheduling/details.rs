//! What the client says about a session.

use domain::AppointmentId;
use domain::scheduling::details::SessionDetails;
use domain::scheduling::history::{Change, HistoryEntry};
use domain::scheduling::party::Party;
use store::{RowVersion, Transaction, VersionedDetails};

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// How often the details can be changed. Each change stays in the history.
const MAX_VERSIONS: u64 = 100;

/// Replaces what the client said about a session. `if_match` is the version that the person has read; 0 if there was none.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist or does not concern the person, [`AppError::Forbidden`] if the person
/// is its expert, [`AppError::Invalid`] if the list of guests is invalid, [`AppError::NewerRelease`] if this release cannot read the
/// stored details, [`AppError::TooMany`] if they were changed 100 times, [`AppError::VersionMismatch`] if they have another version, [`SchedulingError::Change`](crate::scheduling::error::SchedulingError::Change) if the session has begun or the
/// appointment is no longer active.
pub async fn replace(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    details: SessionDetails,
) -> Result<VersionedDetails, AppError> {
    app.transact("replace_details", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        if acting.party() == Party::Expert {
            return Err(AppError::Forbidden("only the client or an administrator can change the details"));
        }
        details.check()?;
        let stored = record.details.ok_or(AppError::NewerRelease(
            "a newer release has stored the details in a way that this one does not know; try again later",
        ))?;
        check_version(if_match, stored.version)?;
        let now = app.now();
        record.appointment.check_details_change(now)?;
        if details == stored.details {
            return Ok(Decision::Unchanged(stored));
        }
        if stored.version >= MAX_VERSIONS {
            return Err(AppError::TooMany("the details of an appointment can be changed at most 100 times"));
        }
        let details = VersionedDetails { version: stored.version + 1, details: details.clone() };
        let entry = HistoryEntry::new(now, acting, Change::DetailsChanged);
        let mut transaction = Transaction::new();
        transaction.check_appointment(&record.appointment);
        transaction.put_details(id, &details)?;
        let version = RowVersion::Details(details.version);
        transaction.put_history(id, record.appointment.version, version, &entry)?;
        Ok(Decision::Commit(transaction, details))
    })
    .await
}
