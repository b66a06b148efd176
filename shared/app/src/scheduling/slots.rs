//! Lists the slots of a session type.

use domain::experts::availability::AvailabilityRules;
use domain::experts::duration::SessionDuration;
use domain::experts::session_type::{SessionTypeStatus, SessionTypeTerms};
use domain::kernel::time::DAY;
use domain::payments::account::usable_gateways;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::occupancy::{Occupancy, Refusal, Request, Scratch};
use domain::scheduling::slots::{BookablePeriod, EmptyReason, Slot, look_ahead, why_empty};
use domain::{ClientId, ExpertId, SessionTypeId, TimeSpan, Violations};
use store::Offer;
use store::table::Consistency;

use crate::experts::profiles::{check_public, read_public};
use crate::identity::Actor;
use crate::scheduling::client_bookings::session_spans;
use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// The longest range of one request, in seconds.
const MAX_RANGE: i64 = 93 * DAY;

/// The slots of a session type in a range, and the period in which it can be booked.
#[derive(Debug, Clone)]
pub struct SlotList {
    /// The slots, ordered by start.
    pub slots: Vec<Slot>,
    /// Why there are no slots; `None` if there are some.
    pub empty_reason: Option<EmptyReason>,
    /// The period that minimum notice and booking window allow now.
    pub period: BookablePeriod,
}

/// The slots of a session type that start within a range, ordered by start. An expert who is not live has none. Everybody may
/// read them, unless the expert's profile is not public.
///
/// It reads the table with two parallel requests, whatever the expert's history. A booking window of days with free time
/// may take a third request, for the days that the range does not touch.
///
/// # Errors
/// [`AppError::Invalid`] if the range is empty or longer than 93 days or the session type has no such duration,
/// [`AppError::NotFound`] if the expert's profile is not public, or the session type does not
/// exist or is not active, [`SchedulingError::NoHours`] if the expert has no availability rules.
pub async fn list(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    session_type: SessionTypeId,
    duration_minutes: Option<u16>,
    range: TimeSpan,
) -> Result<SlotList, AppError> {
    if range.is_empty() || range.seconds() > MAX_RANGE {
        let must = format!("must be after from, and at most {} days after it", MAX_RANGE / DAY);
        return Err(AppError::invalid("/to", must));
    }
    let needed = Occupancy::span_for_listing(range);
    let (offer, occupancy) = tokio::join!(
        app.store.offer(expert, session_type, Consistency::Eventual),
        app.store.occupancy(expert, needed, Consistency::Eventual),
    );
    let Some(Offer { expert: profile, rules, session_type: offered, accounts }) = offer? else {
        read_public(app, actor, expert).await?;
        return Err(missing_offer(app, expert, session_type).await);
    };
    check_public(&profile)?;
    if offered.status != SessionTypeStatus::Active {
        return Err(AppError::NotFound("session type"));
    }
    let duration = select_duration(&offered.terms, duration_minutes)?;
    let now = app.now();
    let session = offered.bookable_of_length(duration.minutes, rules.rules.time_zone, now);
    let (rules, terms) = (&rules.rules, &session.terms);
    let mut occupancy = occupancy?;
    if let Some(ahead) = look_ahead(rules, terms, now)
        && (ahead.start() < needed.start() || needed.end() < ahead.end())
    {
        occupancy = occupancy.union(app.store.occupancy(expert, ahead, Consistency::Eventual).await?);
    }
    let mut scratch = Scratch::default();
    let busy_times = occupancy.busy_times(&session, now, &mut scratch);
    let period = BookablePeriod::new(rules, terms, &busy_times, now);
    let cannot_be_booked = match offered.terms.price(duration, profile.profile.hourly_rate) {
        _ if !profile.is_bookable() => Some(EmptyReason::ExpertNotLive),
        Err(_) => Some(EmptyReason::NoPrice),
        Ok(price) if !price.is_zero() && usable_gateways(&accounts).is_empty() => {
            Some(EmptyReason::PaymentsNotReady)
        }
        Ok(_) => None,
    };
    if cannot_be_booked.is_some() {
        return Ok(SlotList { slots: Vec::new(), empty_reason: cannot_be_booked, period });
    }
    let slots = domain::scheduling::slots::slots(rules, terms, &busy_times, range, now);
    let empty_reason = slots.is_empty().then(|| why_empty(rules, terms, &busy_times, range, now));
    Ok(SlotList { slots, empty_reason, period })
}

/// The duration that the client selects. Selecting one is optional if the session type has only one.
///
/// # Errors
/// [`Violations`] if the session type has no such duration, or several and none is selected.
pub(crate) fn select_duration(
    terms: &SessionTypeTerms,
    duration_minutes: Option<u16>,
) -> Result<SessionDuration, Violations> {
    let selected = match (duration_minutes, terms.durations.as_slice()) {
        (Some(minutes), durations) => durations.iter().find(|duration| duration.minutes == minutes),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    selected.copied().ok_or_else(|| {
        let durations = terms.durations.iter().map(|duration| duration.minutes.to_string());
        let must =
            format!("must be a duration of the session type: {}", durations.collect::<Vec<_>>().join(", "));
        Violations::one("/duration_minutes", must)
    })
}

/// The error for a request whose slot cannot be held, with the next starts that the same request could hold.
///
/// `old` is the appointment that the request moves, if any. The starts overlap no other session of `client`; without one, they may.
pub(crate) async fn slot_refused(
    app: &App,
    expert: ExpertId,
    rules: &AvailabilityRules,
    old: Option<&Appointment>,
    client: Option<ClientId>,
    request: &Request,
    refusal: Refusal,
) -> AppError {
    let now = app.now();
    let range = Occupancy::range_of_alternatives(rules, request, &refusal, now);
    let needed = Occupancy::span_for_alternatives(rules, &request.session, range, now);
    let elsewhere = async {
        let Some(client) = client else { return Ok(Vec::new()) };
        session_spans(app, client, range.expanded(0, DAY), old.map(|old| old.id)).await
    };
    let occupancy = app.store.occupancy(expert, needed, Consistency::Strong);
    let alternatives = match tokio::join!(occupancy, elsewhere) {
        (Ok(occupancy), Ok(elsewhere)) => occupancy.alternatives(rules, old, request, range, &elsewhere, now),
        (Err(error), _) => return error.into(),
        (_, Err(error)) => return error,
    };
    SchedulingError::Slot { refusal, alternatives }.into()
}

/// The error for an offer that does not exist: it lacks the session type or the availability rules.
pub(crate) async fn missing_offer(app: &App, expert: ExpertId, session_type: SessionTypeId) -> AppError {
    match app.store.session_type(expert, session_type).await {
        Ok(None) => AppError::NotFound("session type"),
        Ok(Some(_)) => SchedulingError::NoHours.into(),
        Err(error) => error.into(),
    }
}
