//! Invariants of terms: an appointment matches terms that were offered at the time of the request, and stays within their
//! limits.

use domain::experts::duration::SessionDuration;
use domain::experts::policy::ReschedulePrice;
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::money::MAX_CHARGE;

use super::*;
use crate::core::Core;
use crate::population::smallest_price;

/// How long after reading the terms a request can still take effect, in milliseconds.
const REQUEST_TIME: i64 = 45_000;
/// The length of a hold, in seconds.
const HOLD_SECONDS: i64 = 600;

/// The values that applied at or after a time, of a list with the times from which they applied.
fn since<T>(all: &[(i64, T)], since: i64) -> impl Iterator<Item = &T> {
    let until = move |place: usize| all.get(place + 1).map_or(i64::MAX, |(from, _)| *from);
    all.iter().enumerate().filter(move |(place, _)| until(*place) >= since).map(|(_, (_, value))| value)
}

/// The terms of a session type at or after a time.
pub(super) fn offered(core: &Core, id: SessionTypeId, from: i64) -> impl Iterator<Item = &SessionTypeTerms> {
    since(core.terms.get(&id).map_or(&[][..], Vec::as_slice), from)
}

/// The hourly rates of an expert at or after a time.
fn hourly_rates(core: &Core, id: ExpertId, from: i64) -> impl Iterator<Item = Option<Money>> {
    since(core.hourly_rates.get(&id).map_or(&[][..], Vec::as_slice), from).copied()
}

/// The current hourly rate of an expert.
pub fn hourly_rate(core: &Core, id: ExpertId) -> Option<Money> {
    hourly_rates(core, id, core.now).last().flatten()
}

/// Records the current terms of a session type.
pub(super) fn record(core: &mut Core, id: SessionTypeId, terms: &SessionTypeTerms) {
    let now = core.now;
    let all = core.terms.entry(id).or_default();
    if all.last().is_none_or(|(_, last)| last != terms) {
        all.push((now, terms.clone()));
    }
}

/// Records the current hourly rate of an expert.
pub(super) fn record_hourly_rate(core: &mut Core, id: ExpertId, hourly_rate: Option<Money>) {
    let now = core.now;
    let all = core.hourly_rates.entry(id).or_default();
    if all.last().is_none_or(|(_, last)| *last != hourly_rate) {
        all.push((now, hourly_rate));
    }
}

/// The price of one seat of a duration, computed independently of the product's code; `None` if it has none.
pub fn price(
    terms: &SessionTypeTerms,
    duration: &SessionDuration,
    hourly_rate: Option<Money>,
) -> Option<Money> {
    let is_chargeable = |price: Money| {
        let Some(smallest) = smallest_price(price.currency()) else { return false };
        let all_seats = price.amount() * u64::from(terms.capacity);
        price.is_zero() || (smallest..=3_000 * smallest).contains(&price.amount()) && all_seats <= MAX_CHARGE
    };
    if duration.price.is_some() {
        return duration.price.filter(|price| is_chargeable(*price));
    }
    let rate = hourly_rate?;
    let mut fixed = terms.durations.iter().filter_map(|other| other.price);
    if fixed.any(|price| price.currency() != rate.currency()) {
        return None;
    }
    // The closest multiple of the step, the larger one of two.
    let step = rate.currency().charge_step();
    let price = (rate.amount() * u64::from(duration.minutes) + 30 * step) / (60 * step) * step;
    let price = Money::new(price, rate.currency()).ok()?;
    Some(price).filter(|price| is_chargeable(*price) && (rate.is_zero() || !price.is_zero()))
}

/// The duration of a session of this length.
fn duration_of(terms: &SessionTypeTerms, session: TimeSpan) -> Option<&SessionDuration> {
    terms.durations.iter().find(|duration| i64::from(duration.minutes) * 60 == session.seconds())
}

/// How long a strongly consistent read of several rows may return the state before a transaction, in milliseconds.
fn read_lag(core: &Core) -> i64 {
    100 + core.faults.max_latency
}

/// Checks that an appointment that a request created costs what its duration cost during the request, not before.
pub fn check_current_price(core: &mut Core, id: AppointmentId, begun: i64) {
    let Some(state) = core.history.get(&id).and_then(|states| states.first()) else { return };
    if state.from < begun {
        return;
    }
    let from = begun - read_lag(core);
    let fits = |terms: &SessionTypeTerms, hourly_rate: Option<Money>| {
        let one_seat = duration_of(terms, state.session).and_then(|one| price(terms, one, hourly_rate));
        // A converted price is checked when the appointment is stored.
        one_seat.is_some_and(|one_seat| {
            one_seat.currency() != state.price.currency()
                || one_seat.amount() * u64::from(state.seats) == state.price.amount()
        })
    };
    let rates = || hourly_rates(core, state.expert, from);
    if !offered(core, state.session_type, from).any(|terms| rates().any(|rate| fits(terms, rate))) {
        let what = format!("{id} costs {}, which was not the price any more", state.price);
        core.violation(what);
    }
}

/// Checks that a duration that was refused because it has no price had none during the request.
pub fn check_no_price(core: &mut Core, asked: &Submission, begun: i64) {
    let Command::Book { expert, session_type, duration, .. } = &asked.command else { return };
    let from = begun - read_lag(core);
    let is_selected = |one: &&SessionDuration| duration.is_none_or(|minutes| minutes == one.minutes);
    let has_none = |terms: &SessionTypeTerms, hourly_rate| {
        terms.durations.iter().find(is_selected).is_some_and(|one| price(terms, one, hourly_rate).is_none())
    };
    let rates = || hourly_rates(core, *expert, from);
    if !offered(core, *session_type, from).any(|terms| rates().any(|rate| has_none(terms, rate))) {
        core.violation(format!("{session_type} was refused as without a price, although it had one"));
    }
}

/// Checks that a move or a proposal changes the price only to the current one, if the policy says so and it is lower.
pub(super) fn check_price_of_move(
    core: &Core,
    before: &Appointment,
    moved: Money,
    violations: &mut Vec<String>,
) {
    let from = core.now - REQUEST_TIME;
    let after = |terms: &SessionTypeTerms, hourly_rate| {
        let current = duration_of(terms, before.session_span())
            .and_then(|duration| price(terms, duration, hourly_rate))
            .filter(|current| current.currency() == before.price.currency())
            .map(|current| current.amount() * u64::from(before.seats));
        match (before.rescheduling.price, current) {
            (ReschedulePrice::Current, Some(current)) => current.min(before.price.amount()),
            _ => before.price.amount(),
        }
    };
    let mut offered = offered(core, before.session_type, from);
    let is_right = offered.any(|terms| {
        hourly_rates(core, before.expert, from).any(|rate| after(terms, rate) == moved.amount())
    });
    let is_higher = moved.amount() > before.price.amount();
    if is_higher || !is_right {
        let (id, before) = (before.id, before.price);
        violations.push(format!("{id} was rescheduled at the price {moved} instead of {before}"));
    }
}

/// Checks that a new appointment matches offered terms.
pub(super) fn check_terms(core: &Core, known: &ObservedAppointment, violations: &mut Vec<String>) {
    let ObservedAppointment { appointment, payment, .. } = known;
    let priced = |terms: &SessionTypeTerms, one_seat: Money| {
        let price = one_seat.amount() * u64::from(appointment.seats);
        match appointment.price.currency() == one_seat.currency() {
            true => appointment.price.amount() == price,
            false => {
                let (paid, now) = (appointment.price, core.instant());
                crate::exchange_rates::worth(now, price, paid.currency()).contains(&paid.amount())
                    && terms.presentment_currencies.contains(&appointment.price.currency())
            }
        }
    };
    let fits = |terms: &SessionTypeTerms, hourly_rate: Option<Money>| {
        let session = appointment.session_span();
        let one_seat = duration_of(terms, session).and_then(|duration| price(terms, duration, hourly_rate));
        let minutes = |minutes: u16| i64::from(minutes) * 60;
        let occupied =
            session.expanded(minutes(terms.buffer_before_minutes), minutes(terms.buffer_after_minutes));
        let priced = one_seat.is_some_and(|one_seat| priced(terms, one_seat));
        // Seats have the buffers of the existing group session.
        (appointment.group || appointment.occupied_span() == occupied)
            && appointment.group == (terms.capacity > 1)
            && (1..=terms.capacity).contains(&appointment.seats)
            && priced
            && appointment.created_at.plus(60 * i64::from(terms.minimum_notice_minutes)) <= appointment.start
            && appointment.cancellation == terms.cancellation
            && appointment.rescheduling == terms.rescheduling
    };
    let id = appointment.id;
    let from = core.now - REQUEST_TIME;
    let rates = || hourly_rates(core, appointment.expert, from);
    if !offered(core, appointment.session_type, from).any(|terms| rates().any(|rate| fits(terms, rate))) {
        violations.push(format!("{id} has terms that were not offered: {appointment:?}"));
    }
    if let Status::Pending { hold_expires_at } = appointment.status
        && hold_expires_at != appointment.created_at.plus(HOLD_SECONDS).min(appointment.start)
    {
        violations.push(format!(
            "{id} is held until {hold_expires_at}, and was created at {}",
            appointment.created_at
        ));
    }
    let paid = payment.as_ref().map(|payment| (payment.amount, core.gateway.owner(&payment.destination)));
    let agreed = Some((appointment.price, Some(appointment.expert))).filter(|(price, _)| !price.is_zero());
    if paid != agreed {
        violations.push(format!("{id} has the payment {paid:?}, not {agreed:?}"));
    }
}

impl Invariants {
    /// Checks that a new appointment exceeds neither the seats nor the caps.
    pub(super) fn check_capacity(
        &self,
        core: &Core,
        came: &Appointment,
        moved: bool,
        violations: &mut Vec<String>,
    ) {
        let Some(zone) = core.actors.expert(came.expert).map(|expert| expert.rules.time_zone) else { return };
        let of_type = || self.of_expert(came.expert).filter(|other| other.session_type == came.session_type);
        // An accepted start was held since it was proposed.
        let accepted = came.moves.proposal.as_ref().filter(|_| moved);
        let from = accepted.map_or(core.now, |proposal| proposal.created_at.seconds() * 1_000);
        let offered = || offered(core, came.session_type, from - REQUEST_TIME);
        if came.group {
            let with = of_type().filter(|other| other.group && other.start == came.start);
            let taken: u32 = with.map(|other| u32::from(other.seats)).sum();
            // Booked seats can be moved even if the capacity was reduced.
            let own = if moved { came.seats.max(2) } else { 0 };
            let most = offered().map(|terms| terms.capacity.max(own)).max().unwrap_or(0);
            if taken > u32::from(most) {
                violations.push(format!("with {} there are {taken} seats taken of {most}", came.id));
            }
        }
        let starts = |of: &dyn Fn(Timestamp) -> bool| {
            let starts: BTreeSet<Timestamp> =
                of_type().map(|other| other.start).filter(|at| of(*at)).collect();
            starts.len()
        };
        // Joining a group session does not add a session.
        if of_type().any(|other| other.id != came.id && other.start == came.start) {
            return;
        }
        let most = |cap: fn(&SessionTypeTerms) -> Option<u16>| {
            offered().map(|terms| cap(terms).map_or(usize::MAX, usize::from)).max().unwrap_or(0)
        };
        let day = zone.scheduling_date(came.start);
        let on_day = starts(&|at| zone.scheduling_date(at) == day);
        if on_day > most(|terms| terms.daily_cap) {
            violations.push(format!(
                "with {} there are {on_day} sessions on {day}, more than the daily cap",
                came.id
            ));
        }
        // The minutes of each session that begins on this day.
        let minutes: BTreeMap<Timestamp, i64> = of_type()
            .filter(|other| zone.scheduling_date(other.start) == day)
            .map(|other| (other.start, other.session_span().seconds() / 60))
            .collect();
        let minutes: i64 = minutes.values().sum();
        if minutes
            > offered().map(|terms| terms.daily_minutes_cap.map_or(i64::MAX, i64::from)).max().unwrap_or(0)
        {
            violations.push(format!(
                "with {} there are {minutes} minutes on {day}, more than the daily minutes cap",
                came.id
            ));
        }
        let week = |at| chrono::Datelike::iso_week(&zone.scheduling_date(at));
        let in_week = starts(&|at| week(at) == week(came.start));
        if in_week > most(|terms| terms.weekly_cap) {
            let week = week(came.start);
            violations.push(format!(
                "with {} there are {in_week} sessions in {week:?}, more than the weekly cap",
                came.id
            ));
        }
    }
}
