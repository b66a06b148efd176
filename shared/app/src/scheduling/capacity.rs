//! The limit of clients that an expert accompanies at the same time.
//!
//! The row [`Admissions`] lists these clients. Each booking and each reschedule writes it, so once counted it lists every active
//! client, up to [`MAX_LISTED`]. A cancellation
//! and an expired hold do not, so it may list too many. Only if it is full, and a client books who is not listed, the appointments
//! are counted, at most once a minute if no more than 100 clients have appointments. In the first minutes with a capacity, accepted
//! bookings count too. A count does not stop early, because it must find out whether this client is among them.
//!
//! An expired hold keeps its place until its payment job releases it, because it may have been paid in time.

use domain::experts::expert::{Expert, MAX_MENTORSHIP_CAPACITY};
use domain::kernel::time::{DAY, MINUTE};
use domain::scheduling::appointment::Appointment;
use domain::{ClientId, ExpertId, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{Admissions, Transaction};

use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// The maximum mentorship capacity.
const MAX_CAPACITY: usize = MAX_MENTORSHIP_CAPACITY as usize;
/// The maximum number of listed clients. One more than the maximum capacity, so that the list of a full expert is known to leave
/// nobody out.
const MAX_LISTED: usize = MAX_CAPACITY + 1;
/// How long a booking or a reschedule is recent, in seconds. All its rows are visible long before.
const RECENT_SECONDS: i64 = MINUTE;
/// For how long a count is not repeated for a refusal, in seconds.
const RECOUNT_SECONDS: i64 = MINUTE;
/// A booking that started before the capacity was set commits within this time, in seconds. No function runs that long.
const SETTLING_SECONDS: i64 = 5 * MINUTE;

/// Checks that a client may book an expert: they are one of the clients with appointments that have not ended, or the expert has
/// fewer of these than their mentorship capacity. Returns the next version of the list of clients, to which [`admit`] adds the
/// booking; `None` if the expert has no capacity.
///
/// It reads one row. It reads all appointments of the expert that have not ended if the list is full and its last count is older
/// than a minute, and for each booking in the first minutes with a capacity.
///
/// # Errors
/// [`SchedulingError::AtCapacity`] if the expert takes no further clients now.
pub(super) async fn check(
    app: &App,
    expert: &Expert,
    client: ClientId,
    now: Timestamp,
) -> Result<Option<Admissions>, AppError> {
    let Some(capacity) = expert.profile.mentorship_capacity else { return Ok(None) };
    let capacity = usize::from(capacity).min(MAX_CAPACITY);
    let is_refused =
        |listed: &Admissions| listed.clients.len() >= capacity && !listed.clients.contains_key(&client);
    let mut admissions = read(app, expert.id, now).await?;
    let is_complete = admissions.counted_at >= admissions.since.plus(SETTLING_SECONDS);
    // Before the first count, the list can be full of clients who rescheduled.
    let is_counted =
        admissions.since < admissions.counted_at && now < admissions.counted_at.plus(RECOUNT_SECONDS);
    // If some clients are left out of the list, this one may be among them.
    let is_final = is_counted && admissions.clients.len() < MAX_LISTED;
    if is_refused(&admissions) && is_final {
        return Err(SchedulingError::AtCapacity.into());
    }
    if !is_complete || is_refused(&admissions) {
        admissions = count(app, expert.id, admissions, now).await?;
        if is_refused(&admissions) {
            store_count(app, expert.id, admissions).await;
            return Err(SchedulingError::AtCapacity.into());
        }
    }
    Ok(Some(admissions))
}

/// Adds a booking to the list of clients that [`check`] returned.
///
/// # Errors
/// [`AppError::Commit`] if the list cannot be represented as a row.
pub(super) fn admit(
    transaction: &mut Transaction,
    admissions: Option<Admissions>,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(mut admissions) = admissions else { return Ok(()) };
    list(&mut admissions, appointment, now);
    Ok(transaction.put_admissions(appointment.expert, &admissions)?)
}

/// Adds the new time of an appointment to the list of clients, if the expert has a mentorship capacity.
pub(super) async fn reschedule(
    app: &App,
    transaction: &mut Transaction,
    expert: &Expert,
    moved: &Appointment,
    now: Timestamp,
) -> Result<(), AppError> {
    if expert.profile.mentorship_capacity.is_none() {
        return Ok(());
    }
    let mut admissions = read(app, expert.id, now).await?;
    list(&mut admissions, moved, now);
    Ok(transaction.put_admissions(expert.id, &admissions)?)
}

/// The next version of the list, without the clients whose appointments have ended.
async fn read(app: &App, expert: ExpertId, now: Timestamp) -> Result<Admissions, AppError> {
    let Some(mut admissions) = app.store.admissions(expert).await? else {
        return Ok(Admissions::uncounted(0, now));
    };
    admissions.version += 1;
    admissions.clients.retain(|_, end| now < *end);
    admissions.recent.retain(|_, at| now < at.plus(RECENT_SECONDS));
    Ok(admissions)
}

/// Replaces the list by the clients of all appointments that have not ended, however many. Clients who booked or rescheduled just
/// now stay.
async fn count(
    app: &App,
    expert: ExpertId,
    Admissions { version, since, clients, recent, .. }: Admissions,
    now: Timestamp,
) -> Result<Admissions, AppError> {
    // A session that has not ended began at most a day ago.
    let ahead = TimeSpan::new(now.plus(-DAY), Timestamp::MAX);
    let occupancy = app.store.occupancy(expert, ahead, Consistency::Strong).await?;
    let counted = app.store.clients_of(&occupancy.active_appointments(now)).await?;
    let mut admissions = Admissions { version, since, counted_at: now, clients: counted, recent };
    for (client, end) in clients {
        if admissions.recent.contains_key(&client) {
            extend(&mut admissions, client, end);
        }
    }
    Ok(admissions)
}

/// Stores a count that refused a booking, so that the next ones need not count again. If the list has changed in the meantime, the
/// next booking counts again.
async fn store_count(app: &App, expert: ExpertId, mut admissions: Admissions) {
    limit(&mut admissions);
    let mut transaction = Transaction::new();
    let stored = match transaction.put_admissions(expert, &admissions) {
        Ok(()) => app.commit(transaction).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = stored {
        tracing::info!(%error, "the count of clients was not stored");
    }
}

/// Lists the client of an appointment until it ends.
fn list(admissions: &mut Admissions, appointment: &Appointment, now: Timestamp) {
    extend(admissions, appointment.client, appointment.end);
    admissions.recent.insert(appointment.client, now);
    limit(admissions);
}

fn extend(admissions: &mut Admissions, client: ClientId, end: Timestamp) {
    let listed = admissions.clients.entry(client).or_insert(end);
    *listed = end.max(*listed);
}

/// Leaves out the clients whose appointments end first, if there are too many. When the next listed client has no more
/// appointments, those who were left out have none either.
fn limit(admissions: &mut Admissions) {
    let mut ends: Vec<(Timestamp, ClientId)> =
        admissions.clients.iter().map(|(client, end)| (*end, *client)).collect();
    if ends.len() > MAX_LISTED {
        ends.sort_unstable();
        for (_, client) in &ends[..ends.len() - MAX_LISTED] {
            admissions.clients.remove(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_whose_appointments_end_first_are_left_out() {
        let (client, at) = (|number| ClientId::from_bits(number), |second| Timestamp::from_seconds(second));
        let mut admissions = Admissions::uncounted(0, at(0));
        for number in 1..=102_u8 {
            extend(&mut admissions, client(number.into()), at(1_000 - i64::from(number)));
            limit(&mut admissions);
        }
        assert_eq!(admissions.clients.len(), MAX_LISTED);
        assert!(!admissions.clients.contains_key(&client(102)));
        extend(&mut admissions, client(102), at(1_000));
        limit(&mut admissions);
        assert_eq!(admissions.clients.get(&client(102)), Some(&at(1_000)));
        assert!(!admissions.clients.contains_key(&client(101)));
        // An earlier appointment shortens nobody's place.
        extend(&mut admissions, client(1), at(5));
        assert_eq!(admissions.clients.get(&client(1)), Some(&at(999)));
    }
}
