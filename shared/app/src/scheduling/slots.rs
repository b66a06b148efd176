//! Which starts can be booked.

use domain::experts::session_type::SessionTypeStatus;
use domain::kernel::time::DAY;
use domain::scheduling::occupancy::{Occupancy, Scratch};
use domain::scheduling::slots::Slot;
use domain::{ExpertId, SessionTypeId, TimeSpan};
use store::table::Consistency;

use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// Longest range of one request, in seconds.
pub const LONGEST_RANGE: i64 = 93 * DAY;

/// All slots of a session type that start within a range, in order.
///
/// Two requests to the table, at the same time, whatever the expert's history.
///
/// # Errors
/// [`AppError::Invalid`] when the range is empty or too long, [`AppError::NotFound`] when the expert does not offer the
/// session type, [`SchedulingError::NoHours`] when no hours are published.
pub async fn list(
    app: &App,
    expert: ExpertId,
    session_type: SessionTypeId,
    range: TimeSpan,
) -> Result<Vec<Slot>, AppError> {
    if range.is_empty() || range.seconds() > LONGEST_RANGE {
        let must = format!("must be after from, and at most {} days after it", LONGEST_RANGE / DAY);
        return Err(AppError::Invalid { field: "to".to_owned(), must });
    }
    let (offer, days) = tokio::join!(
        app.store.offer(expert, session_type, Consistency::Eventual),
        app.store.occupancy(expert, Occupancy::needed_to_list(range), Consistency::Eventual),
    );
    let Some(offer) = offer? else { return Err(missing(app, expert, session_type).await) };
    if offer.session_type.status == SessionTypeStatus::Retired {
        return Err(AppError::NotFound("session type"));
    }
    let now = app.now();
    let mut scratch = Scratch::default();
    let occupancy = days?.busy_times(&offer.session_type, now, &mut scratch);
    Ok(domain::scheduling::slots::slots(
        &offer.rules.rules,
        &offer.session_type.terms,
        &occupancy,
        range,
        now,
    ))
}

/// What is missing of an offer: the session type, or the hours.
pub(crate) async fn missing(app: &App, expert: ExpertId, session_type: SessionTypeId) -> AppError {
    match app.store.session_type(expert, session_type).await {
        Ok(None) => AppError::NotFound("session type"),
        Ok(Some(_)) => SchedulingError::NoHours.into(),
        Err(error) => error.into(),
    }
}
