//! The limit of clients that an expert accompanies at the same time.

use domain::experts::expert::Expert;
use domain::kernel::time::{DAY, MINUTE};
use domain::{ClientId, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{Admissions, Transaction};

use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// How long the client of a booking is remembered, in seconds. All rows of the booking are visible long before.
const REMEMBERED: i64 = MINUTE;

/// Checks that a client may book an expert: they are one of the clients with appointments that have not ended, or the expert has
/// fewer of these than their mentorship capacity. Adds the condition to the transaction that nobody else books at the same time.
///
/// It reads all appointments of the expert that have not ended, but only if the expert has a capacity.
///
/// # Errors
/// [`SchedulingError::AtCapacity`] if the expert takes no further clients now.
pub(super) async fn admit(
    app: &App,
    transaction: &mut Transaction,
    expert: &Expert,
    client: ClientId,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(capacity) = expert.profile.mentorship_capacity.map(usize::from) else { return Ok(()) };
    let Admissions { version, mut recent } = app.store.admissions(expert.id).await?;
    recent.retain(|_, at| now < at.plus(REMEMBERED));
    // A session that has not ended began at most a day ago.
    let ahead = TimeSpan::new(now.plus(-DAY), Timestamp::MAX);
    let occupancy = app.store.occupancy(expert.id, ahead, Consistency::Strong).await?;
    let active = occupancy.active_appointments(now);
    // There are no more clients than appointments.
    if active.len() + recent.len() >= capacity {
        let mut clients = app.store.clients_of(&active).await?;
        clients.extend(recent.keys());
        if clients.len() >= capacity && !clients.contains(&client) {
            return Err(SchedulingError::AtCapacity.into());
        }
    }
    recent.insert(client, now);
    Ok(transaction.put_admissions(expert.id, &Admissions { version: version + 1, recent })?)
}
