//! Invariants of terms: an appointment matches terms that were offered at the time of the request, and stays within their
//! limits.

use domain::experts::session_type::SessionTypeTerms;

use super::*;
use crate::core::Core;

/// How long after reading the terms a request can still take effect, in milliseconds.
const REQUEST_TIME: i64 = 45_000;
/// The length of a hold, in seconds.
const HOLD_SECONDS: i64 = 600;

/// The terms of a session type at or after a time.
pub(super) fn offered(core: &Core, id: SessionTypeId, since: i64) -> impl Iterator<Item = &SessionTypeTerms> {
    let all = core.terms.get(&id).map_or(&[][..], Vec::as_slice);
    let until = |place: usize| all.get(place + 1).map_or(i64::MAX, |(from, _)| *from);
    all.iter().enumerate().filter(move |(place, _)| until(*place) >= since).map(|(_, (_, terms))| terms)
}

/// Records the current terms of a session type.
pub(super) fn record(core: &mut Core, id: SessionTypeId, terms: &SessionTypeTerms) {
    let now = core.now;
    let all = core.terms.entry(id).or_default();
    if all.last().is_none_or(|(_, last)| last != terms) {
        all.push((now, terms.clone()));
    }
}

/// Checks that a new appointment matches offered terms.
pub(super) fn check_terms(core: &Core, known: &ObservedAppointment, violations: &mut Vec<String>) {
    let ObservedAppointment { appointment, payment, .. } = known;
    let fits = |terms: &SessionTypeTerms| {
        let occupied = terms.occupied(appointment.start);
        let price = terms.price.amount() * u64::from(appointment.seats);
        let priced = match appointment.price.currency() == terms.price.currency() {
            true => appointment.price.amount() == price,
            false => {
                let (paid, now) = (appointment.price, core.instant());
                crate::exchange_rates::worth(now, price, paid.currency()).contains(&paid.amount())
                    && terms.presentment_currencies.contains(&appointment.price.currency())
            }
        };
        appointment.session_span() == terms.session(appointment.start)
            // Seats have the buffers of the existing group session.
            && (appointment.group || appointment.occupied_span() == occupied)
            && appointment.group == (terms.capacity > 1)
            && (1..=terms.capacity).contains(&appointment.seats)
            && priced
            && appointment.created_at.plus(60 * i64::from(terms.minimum_notice_minutes)) <= appointment.start
            && appointment.cancellation == terms.cancellation
            && appointment.rescheduling == terms.rescheduling
    };
    let id = appointment.id;
    if !offered(core, appointment.session_type, core.now - REQUEST_TIME).any(fits) {
        violations.push(format!("{id} has terms that were not offered: {appointment:?}"));
    }
    if let Status::Pending { hold_expires_at } = appointment.status
        && hold_expires_at != appointment.created_at.plus(HOLD_SECONDS)
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
        let offered = || offered(core, came.session_type, core.now - REQUEST_TIME);
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
