//! An appointment is on terms that were offered when it was asked for, and within what they allow beside the others.

use domain::experts::session_type::SessionTypeTerms;

use super::*;
use crate::core::Core;

/// So long after it read the terms a request, or a write of it that is done late, can still act, in milliseconds.
const REQUEST: i64 = 45_000;
/// For so long a slot is held while its client pays, in seconds.
const HOLD: i64 = 600;

/// Terms of a session type that stood at an instant or later.
pub(super) fn offered(core: &Core, id: SessionTypeId, since: i64) -> impl Iterator<Item = &SessionTypeTerms> {
    let all = core.terms.get(&id).map_or(&[][..], Vec::as_slice);
    let until = |place: usize| all.get(place + 1).map_or(i64::MAX, |(from, _)| *from);
    all.iter().enumerate().filter(move |(place, _)| until(*place) >= since).map(|(_, (_, terms))| terms)
}

/// Remembers how the terms of a session type stand now.
pub(super) fn remember(core: &mut Core, id: SessionTypeId, terms: &SessionTypeTerms) {
    let now = core.now;
    let all = core.terms.entry(id).or_default();
    if all.last().is_none_or(|(_, last)| last != terms) {
        all.push((now, terms.clone()));
    }
}

/// What is booked is what was offered.
pub(super) fn as_offered(core: &Core, known: &Known, wrong: &mut Vec<String>) {
    let Known { appointment, payment, .. } = known;
    let fits = |terms: &SessionTypeTerms| {
        let occupied = terms.occupied(appointment.start);
        let price = terms.price.amount() * u64::from(appointment.seats);
        let priced = match appointment.price.currency() == terms.price.currency() {
            true => appointment.price.amount() == price,
            false => {
                let (paid, now) = (appointment.price, core.instant());
                crate::rates::worth(now, price, paid.currency()).contains(&paid.amount())
                    && terms.presentment_currencies.contains(&appointment.price.currency())
            }
        };
        appointment.session() == terms.session(appointment.start)
            // Seats have the buffers of the session that stands.
            && (appointment.group || appointment.occupied() == occupied)
            && appointment.group == (terms.capacity > 1)
            && (1..=terms.capacity).contains(&appointment.seats)
            && priced
            && appointment.created_at.plus(60 * i64::from(terms.minimum_notice_minutes)) <= appointment.start
            && appointment.cancellation == terms.cancellation
            && appointment.rescheduling == terms.rescheduling
    };
    let id = appointment.id;
    if !offered(core, appointment.session_type, core.now - REQUEST).any(fits) {
        wrong.push(format!("{id} is on terms that nobody offered: {appointment:?}"));
    }
    if let Status::Pending { hold_expires_at } = appointment.status
        && hold_expires_at != appointment.created_at.plus(HOLD)
    {
        wrong.push(format!(
            "{id} is held until {hold_expires_at}, and was made at {}",
            appointment.created_at
        ));
    }
    let paid = payment.as_ref().map(|payment| (payment.amount, core.gateway.owner(&payment.destination)));
    let agreed = Some((appointment.price, Some(appointment.expert))).filter(|(price, _)| !price.is_zero());
    if paid != agreed {
        wrong.push(format!("{id} shall be paid {paid:?}, and {agreed:?} was agreed"));
    }
}

impl Invariants {
    /// Whoever takes a place finds one: neither seats nor caps are exceeded by somebody who comes.
    pub(super) fn has_room(&self, core: &Core, came: &Appointment, moved: bool, wrong: &mut Vec<String>) {
        let Some(zone) = core.people.expert(came.expert).map(|expert| expert.rules.time_zone) else { return };
        let of_type = || self.of_expert(came.expert).filter(|other| other.session_type == came.session_type);
        let offered = || offered(core, came.session_type, core.now - REQUEST);
        if came.group {
            let with = of_type().filter(|other| other.group && other.start == came.start);
            let taken: u32 = with.map(|other| u32::from(other.seats)).sum();
            // Who booked seats can move them, whatever is offered by then.
            let own = if moved { came.seats.max(2) } else { 0 };
            let most = offered().map(|terms| terms.capacity.max(own)).max().unwrap_or(0);
            if taken > u32::from(most) {
                wrong.push(format!("{} came to {taken} seats taken of {most}", came.id));
            }
        }
        let starts = |of: &dyn Fn(Timestamp) -> bool| {
            let starts: BTreeSet<Timestamp> =
                of_type().map(|other| other.start).filter(|at| of(*at)).collect();
            starts.len()
        };
        // Who joins a session makes none.
        if of_type().any(|other| other.id != came.id && other.start == came.start) {
            return;
        }
        let most = |cap: fn(&SessionTypeTerms) -> Option<u16>| {
            offered().map(|terms| cap(terms).map_or(usize::MAX, usize::from)).max().unwrap_or(0)
        };
        let day = zone.day(came.start);
        let on_day = starts(&|at| zone.day(at) == day);
        if on_day > most(|terms| terms.daily_cap) {
            wrong.push(format!("{} came to {on_day} sessions on {day}, more than its daily cap", came.id));
        }
        let week = |at| chrono::Datelike::iso_week(&zone.day(at));
        let in_week = starts(&|at| week(at) == week(came.start));
        if in_week > most(|terms| terms.weekly_cap) {
            let week = week(came.start);
            wrong.push(format!(
                "{} came to {in_week} sessions in {week:?}, more than its weekly cap",
                came.id
            ));
        }
    }
}
