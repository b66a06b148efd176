//! No client holds or books more than the limits allow, and no two sessions of a client overlap without a request that says so.

use std::collections::BTreeSet;

use domain::kernel::time::{DAY, MINUTE};
use domain::payments::payment::{Payment, Plan, References};
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::booking_limits::PaymentProgress;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Timestamp};

use super::{Invariants, ObservedAppointment};
use crate::actors::allows_overlap;
use crate::core::Core;

/// How long a request can run, in milliseconds. What changed since then, a booking may not have seen.
const RUNNING: i64 = 15_000;

/// Seats of one group session are one claim.
fn claim(one: &Appointment) -> (domain::ExpertId, Option<AppointmentId>, Timestamp) {
    (one.expert, (!one.group).then_some(one.id), one.start)
}

impl Invariants {
    /// A new booking leaves its client within the limits. Clocks differ, so what ends or counts within the slack is not judged.
    pub(super) fn check_limits(&self, core: &Core, id: AppointmentId, violations: &mut Vec<String>) {
        let Some(made) = self.known.get(&id).map(|known| &known.appointment) else { return };
        let limits = &core.booking_limits;
        let slack = 2 + 2 * core.faults.max_clock_skew / 1_000;
        let later = core.instant().max(made.created_at).plus(slack);
        let is_free = made.price.is_zero();
        let own = || self.known.values().filter(|known| known.appointment.client == made.client);
        let counts = |one: &&Appointment| match one.status {
            Status::Pending { hold_expires_at } => !is_free && later < hold_expires_at,
            Status::Confirmed => is_free && one.price.is_zero() && later < one.end,
            _ => false,
        };
        let counted: Vec<&Appointment> = own().map(|known| &known.appointment).filter(counts).collect();
        let in_all: BTreeSet<_> = counted.iter().map(|one| claim(one)).collect();
        let with_expert = in_all.iter().filter(|(expert, ..)| *expert == made.expert).count();
        let (most_with_expert, most) = match is_free {
            true => (limits.free_appointments_per_expert, limits.free_appointments),
            false => (limits.open_holds_per_expert, limits.open_holds),
        };
        if with_expert > usize::from(most_with_expert) || in_all.len() > usize::from(most) {
            let (all, client) = (in_all.len(), made.client);
            violations.push(match is_free {
                true => {
                    format!("{client} has too many free appointments: {all}, {with_expert} with an expert")
                }
                false => format!("{client} has too many open holds: {all}, {with_expert} with an expert"),
            });
        }
        self.check_unpaid_appointments(core, made, violations);
        let day = |at: Timestamp| at.utc_date();
        let is_of_day = |one: &&ObservedAppointment| {
            let at = one.appointment.created_at;
            day(at.plus(-slack)) == day(made.created_at) && day(at.plus(slack)) == day(made.created_at)
        };
        let booked = own().filter(is_of_day).count();
        if booked > usize::from(limits.bookings_per_day) {
            violations.push(format!("{} has made {booked} bookings in a day", made.client));
        }
        // Clocks differ, so a booking at the edge of the 30 days is not judged.
        let counts = |known: &&ObservedAppointment| {
            let (one, from) = (&known.appointment, made.created_at.plus(slack - 30 * DAY));
            core.history
                .get(&one.id)
                .and_then(|states| states.first())
                .is_some_and(|first| matches!(first.status, Status::Pending { .. }) && from < one.created_at)
        };
        let priced = own().filter(counts).count();
        let with_expert =
            own().filter(counts).filter(|known| known.appointment.expert == made.expert).count();
        if !is_free
            && (priced > usize::from(limits.priced_bookings)
                || with_expert > usize::from(limits.priced_bookings_per_expert))
        {
            violations.push(format!(
                "{} has booked {priced} sessions with a price in 30 days, {with_expert} with an expert",
                made.client
            ));
        }
        if !is_free && self.is_paused(core, made, made.created_at.plus(slack)) {
            violations.push(format!("{id} is held although {} has a pause", made.client));
        }
    }

    /// A booking for which a card is saved leaves its client within the limit of sessions that are paid later.
    fn check_unpaid_appointments(&self, core: &Core, made: &Appointment, violations: &mut Vec<String>) {
        let limits = &core.booking_limits;
        let later = core.instant().plus(2 + 2 * core.faults.max_clock_skew / 1_000);
        let is_unpaid = |known: &&ObservedAppointment| {
            let saves_card = |payment: &Payment| {
                payment.plan == Plan::SaveCard
                    && matches!(payment.progress(), PaymentProgress::NotOpened | PaymentProgress::Unpaid)
            };
            known.appointment.status.is_active()
                && later < known.appointment.end
                && known.payment.as_ref().is_some_and(saves_card)
        };
        if !self.known.get(&made.id).is_some_and(|known| is_unpaid(&known)) {
            return;
        }
        let own = self.known.values().filter(|known| known.appointment.client == made.client);
        let unpaid: BTreeSet<_> = own.filter(is_unpaid).map(|known| claim(&known.appointment)).collect();
        let with_expert = unpaid.iter().filter(|(expert, ..)| *expert == made.expert).count();
        if unpaid.len() > usize::from(limits.unpaid_appointments)
            || with_expert > usize::from(limits.unpaid_appointments_per_expert)
        {
            let (all, client) = (unpaid.len(), made.client);
            violations.push(format!(
                "{client} has too many unpaid appointments: {all}, {with_expert} with an expert"
            ));
        }
    }

    /// Whether the client of an appointment has a pause because of earlier unpaid holds.
    fn is_paused(&self, core: &Core, made: &Appointment, at: Timestamp) -> bool {
        let earlier = self
            .known
            .values()
            .filter(|known| known.appointment.client == made.client && known.appointment.id != made.id);
        let unpaid = earlier.filter_map(|known| unpaid_at(core, known)).filter(|end| at < end.plus(DAY));
        let unpaid: Vec<Timestamp> = unpaid.collect();
        let too_many = unpaid.len().saturating_sub(core.booking_limits.unpaid_holds.into());
        let pause = match too_many {
            0 => return false,
            1..=8 => (10 * MINUTE) << (too_many - 1),
            _ => DAY,
        };
        unpaid.iter().max().is_some_and(|last| at < last.plus(pause.min(DAY)))
    }

    /// A booking, or a move by the client, overlaps no other session of the client.
    pub(super) fn check_overlap_of_client(
        &self,
        core: &Core,
        id: AppointmentId,
        violations: &mut Vec<String>,
    ) {
        let Some(new) = self.known.get(&id).map(|known| &known.appointment) else { return };
        let is_free_to = allows_overlap(new.client) || core.actors.moved_by_proposal.contains(&id);
        if is_free_to || !new.status.is_active() {
            return;
        }
        let later = core.instant().plus(2 + 2 * core.faults.max_clock_skew / 1_000);
        let takes_time = |one: &Appointment| match one.status {
            Status::Pending { hold_expires_at } => later < hold_expires_at,
            Status::Confirmed => true,
            _ => false,
        };
        let others = self.known.values().map(|known| &known.appointment);
        let others = others.filter(|one| {
            one.id != id
                && one.client == new.client
                && takes_time(one)
                && !core.actors.moved_by_proposal.contains(&one.id)
        });
        let same = |one: &Appointment| {
            one.group
                && new.group
                && (one.expert, one.session_type, one.start) == (new.expert, new.session_type, new.start)
        };
        for other in others.filter(|one| one.session_span().overlaps(new.session_span()) && !same(one)) {
            violations.push(format!("{id} overlaps {}, another session of its client", other.id));
        }
    }
}

/// When a hold certainly ended unpaid, so that every later booking knows; `None` if it did not, or it is not certain.
fn unpaid_at(core: &Core, known: &ObservedAppointment) -> Option<Timestamp> {
    let one = &known.appointment;
    let states = core.history.get(&one.id)?;
    let [first, last] = states.as_slice() else { return None };
    let Status::Pending { hold_expires_at } = first.status else { return None };
    if core.now < last.from + RUNNING {
        return None;
    }
    match &last.status {
        Status::Cancelled { cancelled_by: Party::Client, cancelled_at, .. } => {
            Some(hold_expires_at.min(*cancelled_at))
        }
        // A hold that was released at once could not be paid.
        Status::Expired
            if last.from > hold_expires_at.seconds() * 1_000
                && known
                    .payment
                    .as_ref()
                    .is_some_and(|payment| payment.references != References::default()) =>
        {
            Some(hold_expires_at)
        }
        _ => None,
    }
}
