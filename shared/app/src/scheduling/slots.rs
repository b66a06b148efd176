//! Lists the slots of a session type.

use domain::experts::session_type::SessionTypeStatus;
use domain::kernel::time::DAY;
use domain::scheduling::occupancy::{Occupancy, Scratch};
use domain::scheduling::slots::Slot;
use domain::{ExpertId, SessionTypeId, TimeSpan};
use store::table::Consistency;

use crate::identity::Actor;
use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// The longest range of one request, in seconds.
const MAX_RANGE: i64 = 93 * DAY;

/// The slots of a session type that start within a range, ordered by start. Everybody may read them.
///
/// It reads the table with two parallel requests, whatever the expert's history.
///
/// # Errors
/// [`AppError::Invalid`] if the range is empty or longer than 93 days, [`AppError::NotFound`] if the session type does not
/// exist or is retired, [`SchedulingError::NoHours`] if the expert has no availability rules.
pub async fn list(
    app: &App,
    _: &Actor,
    expert: ExpertId,
    session_type: SessionTypeId,
    range: TimeSpan,
) -> Result<Vec<Slot>, AppError> {
    if range.is_empty() || range.seconds() > MAX_RANGE {
        let must = format!("must be after from, and at most {} days after it", MAX_RANGE / DAY);
        return Err(AppError::invalid("/to", must));
    }
    let (offer, occupancy) = tokio::join!(
        app.store.offer(expert, session_type, Consistency::Eventual),
        app.store.occupancy(expert, Occupancy::span_for_listing(range), Consistency::Eventual),
    );
    let Some(offer) = offer? else { return Err(missing_offer(app, expert, session_type).await) };
    if offer.session_type.status == SessionTypeStatus::Retired {
        return Err(AppError::NotFound("session type"));
    }
    let now = app.now();
    let mut scratch = Scratch::default();
    let busy_times = occupancy?.busy_times(&offer.session_type, now, &mut scratch);
    Ok(domain::scheduling::slots::slots(
        &offer.rules.rules,
        &offer.session_type.terms,
        &busy_times,
        range,
        now,
    ))
}

/// The error for an offer that does not exist: it lacks the session type or the availability rules.
pub(crate) async fn missing_offer(app: &App, expert: ExpertId, session_type: SessionTypeId) -> AppError {
    match app.store.session_type(expert, session_type).await {
        Ok(None) => AppError::NotFound("session type"),
        Ok(Some(_)) => SchedulingError::NoHours.into(),
        Err(error) => error.into(),
    }
}
