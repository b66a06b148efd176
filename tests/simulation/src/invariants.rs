//! What must hold after every step.
//!
//! Rows are looked at whenever they changed. What must hold only once everything is worked off is in [`crate::rest`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::DAY;
use domain::payments::ledger::{Movement, MovementKind};
use domain::payments::payment::{Escalation, Payment, PaymentState};
use domain::receipts::receipt::Receipt;
use domain::scheduling::appointment::{Appointment, NoShowReport, Status};
use domain::{AppointmentId, ExpertId, SessionTypeId, TimeSpan, Timestamp};
use futures_util::FutureExt;
use store::keys::Key;
use store::{Item, Job, Store};

use crate::core::{Core, Shared};
use crate::people::{Ask, Asked};

mod days;
pub mod policy;
mod terms;

/// What is known of an appointment.
#[derive(Debug, Clone)]
pub struct Known {
    /// As it stands.
    pub appointment: Appointment,
    /// Its payment.
    pub payment: Option<Payment>,
    /// Everything that the ledger says moved.
    pub movements: Vec<Movement>,
}

/// An appointment as it stood from an instant on, for those who are refused a slot.
#[derive(Debug, Clone)]
pub struct Stood {
    from: i64,
    expert: ExpertId,
    session_type: SessionTypeId,
    /// From its start to its end.
    pub session: TimeSpan,
    seats: u16,
    occupied: TimeSpan,
    /// How it stood.
    pub status: Status,
}

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub struct Invariants {
    /// Appointments by their ids.
    pub known: BTreeMap<AppointmentId, Known>,
    /// Appointments of each expert that take up, or took up, time.
    standing: BTreeMap<ExpertId, BTreeSet<AppointmentId>>,
    requests: BTreeMap<Key, (AppointmentId, Timestamp)>,
    /// Documents by issuer and year.
    pub receipts: BTreeMap<(ExpertId, u16), BTreeMap<u32, Receipt>>,
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match future.now_or_never() {
        Some(answer) => answer,
        None => panic!("the simulation's own reads never wait"),
    }
}

impl Invariants {
    /// Looks at what changed.
    pub fn check(&mut self, shared: &Shared, direct: &Store) {
        let changed = std::mem::take(&mut shared.lock().table.changed);
        let mut appointments = BTreeSet::new();
        let mut days: BTreeMap<ExpertId, BTreeSet<NaiveDate>> = BTreeMap::new();
        let mut wrong: Vec<String> = Vec::new();
        let mut made: Vec<AppointmentId> = Vec::new();
        let mut came: Vec<(AppointmentId, bool)> = Vec::new();
        for (key, before) in &changed {
            let kind = key.sk.strip_prefix(store::experts::keys::SESSION_TYPES);
            if let Some(id) = kind.and_then(|id| id.parse::<SessionTypeId>().ok()) {
                let expert = key.pk.strip_prefix("EXPERT#").and_then(|id| id.parse::<ExpertId>().ok());
                if let Some(expert) = expert
                    && let Ok(Some(kind)) = now(direct.session_type(expert, id))
                {
                    terms::remember(&mut shared.lock(), id, &kind.terms);
                }
            }
            if let Some(id) = key.pk.strip_prefix("APT#").and_then(|id| id.parse::<AppointmentId>().ok()) {
                appointments.insert(id);
                if let Some(job) = key.sk.strip_prefix("OUTBOX#") {
                    announced(&mut shared.lock(), key, job, &mut wrong);
                } else if key.sk == "A" && before.is_none() {
                    made.push(id);
                } else if key.sk.starts_with("DOC#") {
                    self.issued(shared, key, before.as_ref(), &mut wrong);
                } else if key.sk.starts_with("ENTRY#") && before.is_some() {
                    wrong.push(format!("the ledger entry {key} was changed"));
                }
            } else if let Some(expert) =
                key.pk.strip_prefix("EXPERT#").and_then(|id| id.parse::<ExpertId>().ok())
                && let Some(day) = key.sk.strip_prefix("D#").and_then(|day| day.get(..8))
                && let Ok(day) = NaiveDate::parse_from_str(day, "%Y%m%d")
            {
                days.entry(expert).or_default().insert(day);
            }
        }
        for (key, _) in &changed {
            if key.pk.starts_with("IDEM#") {
                self.requested(shared, key, &made, &mut wrong);
            }
        }
        for id in &appointments {
            let Ok(Some(record)) = now(direct.appointment_record(*id)) else {
                wrong.push(format!("{id} cannot be read"));
                continue;
            };
            let known = Known {
                appointment: record.appointment,
                payment: record.payment,
                movements: record.movements,
            };
            let before = self.known.get(id).map(|known| known.appointment.start);
            if before.is_none_or(|start| start != known.appointment.start) {
                came.push((*id, before.is_some()));
            }
            self.changed(shared, *id, known, appointments.len() > 1, &mut days, &mut wrong);
        }
        // Only once all of a transaction is known.
        for known in appointments.iter().filter_map(|id| self.known.get(id)) {
            if known.appointment.status.is_active() {
                self.stands_alone(&known.appointment, &mut wrong);
            }
        }
        for (id, moved) in came {
            if let Some(known) = self.known.get(&id) {
                self.has_room(&shared.lock(), &known.appointment, moved, &mut wrong);
            }
        }
        let today = shared.lock().instant();
        for (expert, days) in days {
            self.days_agree(direct, today, expert, &days, &mut wrong);
        }
        // A request's record and its appointment are one transaction.
        for id in made {
            if !self.requests.values().any(|(made, _)| *made == id) {
                wrong.push(format!("{id} was made without a record of its request"));
            }
        }
        let core = &mut *shared.lock();
        for what in wrong {
            core.wrong(what);
        }
    }

    fn changed(
        &mut self,
        shared: &Shared,
        id: AppointmentId,
        known: Known,
        with_others: bool,
        days: &mut BTreeMap<ExpertId, BTreeSet<NaiveDate>>,
        wrong: &mut Vec<String>,
    ) {
        let core = &mut *shared.lock();
        let appointment = &known.appointment;
        let before = self.known.get(&id);
        let moved = before.is_none_or(|before| before.appointment != *appointment);
        if moved {
            transition(core, before.map(|known| &known.appointment), &known, with_others, wrong);
            told(core, before.map(|known| &known.appointment), appointment, wrong);
            policy::check(core, before, &known, wrong);
            match before.map(|before| &before.appointment) {
                Some(before) => {
                    may_object(core, before, appointment, wrong);
                    may_move(core, before, appointment, wrong);
                }
                None => terms::as_offered(core, &known, wrong),
            }
            let stood = Stood {
                from: core.now,
                expert: appointment.expert,
                session_type: appointment.session_type,
                session: appointment.session(),
                seats: appointment.seats,
                occupied: appointment.occupied(),
                status: appointment.status.clone(),
            };
            core.stood.entry(id).or_default().push(stood);
            let spans = [Some(appointment.occupied()), before.map(|known| known.appointment.occupied())];
            for day in spans.into_iter().flatten().flat_map(TimeSpan::utc_days) {
                days.entry(appointment.expert).or_default().insert(day);
            }
            if before.is_none() {
                core.people.appointments.push((id, appointment.expert, appointment.client));
            }
        }
        let standing = self.standing.entry(appointment.expert).or_default();
        if appointment.status.is_active() || appointment.status.has_ended() {
            standing.insert(id);
        } else {
            standing.remove(&id);
        }
        if appointment.status.is_active() && core.table.get(&due_key(id)).is_none() {
            wrong.push(format!(
                "{id} is {} and nobody will ever look at it again",
                appointment.status.as_str()
            ));
        }
        payment_told(core, before, &known, wrong);
        ledger_is_true(core, id, &known.movements, wrong);
        self.known.insert(id, known);
    }

    /// A document is issued once, under the next number, and never changes.
    fn issued(&mut self, shared: &Shared, key: &Key, before: Option<&Arc<Item>>, wrong: &mut Vec<String>) {
        if before.is_some() {
            wrong.push(format!("the document {key} was changed"));
            return;
        }
        let item = shared.lock().table.get(key).map(|item| Item::clone(item));
        let Some(receipt) = item.and_then(|item| serde_dynamo::from_item::<_, Receipt>(item).ok()) else {
            wrong.push(format!("the document {key} cannot be read"));
            return;
        };
        let (year, sequence) = (receipt.number.year(), receipt.number.sequence());
        let series = self.receipts.entry((receipt.expert, year)).or_default();
        let last = series.keys().next_back().copied().unwrap_or(0);
        if sequence != last + 1 {
            wrong.push(format!("the document {key} has number {sequence} after {last}"));
        }
        series.insert(sequence, receipt);
    }

    /// An Idempotency-Key never makes two appointments.
    fn requested(&mut self, shared: &Shared, key: &Key, made: &[AppointmentId], wrong: &mut Vec<String>) {
        let core = &mut *shared.lock();
        let Some(item) = core.table.get(key) else { return };
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let Some(subject) = text("subject").and_then(|subject| subject.parse::<AppointmentId>().ok()) else {
            return;
        };
        let Some(ends) = text("ends_at").and_then(|ends| ends.parse::<Timestamp>().ok()) else { return };
        if let Some((before, until)) = self.requests.get(key)
            && *before != subject
            && made.contains(&subject)
            && core.instant() < *until
        {
            wrong.push(format!("one Idempotency-Key made {before} and {subject}"));
        }
        self.requests.insert(key.clone(), (subject, ends));
    }
}

fn due_key(id: AppointmentId) -> Key {
    let rows = store::keys::appointment_partition(id);
    store::operations::keys::outbox_entry(rows, &Job::Payment(id).to_string())
}

/// Each announcement that is owed is published before its row goes.
fn announced(core: &mut Core, key: &Key, job: &str, wrong: &mut Vec<String>) {
    let Some(event) = job.strip_prefix("announcement:") else { return };
    if core.table.get(key).is_some() {
        core.bus.owed.insert(event.to_owned());
    } else if !core.bus.published.contains_key(event) {
        wrong.push(format!("{event} was never published, and its row is gone"));
    }
}

/// What the world must be told of a change.
fn new_movements(before: Option<&Appointment>, now: &Appointment) -> Option<&'static str> {
    match before {
        Some(before) if before.status.as_str() == now.status.as_str() => {
            (before.start != now.start).then_some("appointment.rescheduled")
        }
        // Who decides against what was said before may say that it is contested.
        Some(before) if before.status.has_ended() => None,
        _ => match now.status {
            Status::Pending { .. } => None,
            Status::Confirmed => Some("appointment.confirmed"),
            Status::Completed => Some("appointment.completed"),
            Status::NoShow { .. } => Some("appointment.no_show"),
            Status::Cancelled { .. } => Some("appointment.cancelled"),
            Status::Expired => Some("appointment.expired"),
        },
    }
}

/// Whoever changes an appointment owes the world the news of it.
fn told(core: &Core, before: Option<&Appointment>, now: &Appointment, wrong: &mut Vec<String>) {
    if let Some(new_movements) = new_movements(before, now)
        && !core.bus.owed.contains(&format!("{}:{}:{new_movements}", now.id, now.version))
    {
        wrong.push(format!(
            "{} is {}, and nobody will be told of {new_movements}",
            now.id,
            now.status.as_str()
        ));
    }
}

/// Whoever is said not to have come has a day to contradict.
fn may_object(core: &Core, before: &Appointment, now: &Appointment, wrong: &mut Vec<String>) {
    if let Some(NoShowReport::Open { until }) = now.no_show_report
        && before.no_show_report != now.no_show_report
        && until < core.instant().plus(DAY - 60)
    {
        wrong.push(format!("{} can be contradicted only until {until}", now.id));
    }
}

/// Every move counts, and a client moves no more often, and no later, than was agreed.
fn may_move(core: &Core, before: &Appointment, now: &Appointment, wrong: &mut Vec<String>) {
    let moves = u16::from(before.start != now.start);
    if u64::from(now.reschedules) != u64::from(before.reschedules) + u64::from(moves) {
        wrong
            .push(format!("{} was moved {} times, and then {}", now.id, before.reschedules, now.reschedules));
    }
    if moves == 0 || core.people.moved_by_others.contains(&now.id) {
        return;
    }
    let until = before.start.plus(-60 * i64::from(before.rescheduling.until_minutes_before));
    // A write may be done late.
    let asked = core.instant().plus(-45);
    if asked > until || before.rescheduling.at_most.is_some_and(|most| before.reschedules >= most) {
        wrong.push(format!("{} was moved by its client, against {:?}", now.id, before.rescheduling));
    }
}

/// Whoever finds something about a payment that people must know owes the world the news of it.
fn payment_told(core: &Core, before: Option<&Known>, now: &Known, wrong: &mut Vec<String>) {
    let before = before.and_then(|known| known.payment.as_ref());
    let Some(payment) = &now.payment else { return };
    let begins = |of: fn(&Payment) -> bool| of(payment) && !before.is_some_and(of);
    let escalation = |payment: &Payment| {
        matches!(payment.escalation, Some(Escalation::RefundFailed { .. } | Escalation::Refused { .. }))
    };
    if let (true, Some(deadline)) =
        (begins(|payment| payment.action_deadline.is_some()), payment.action_deadline)
        && deadline > now.appointment.start.max(core.instant().plus(60))
    {
        wrong.push(format!("{} can be paid until {deadline}, into its session", payment.appointment));
    }
    for (begins, new_movements) in [
        (begins(|payment| payment.action_deadline.is_some()), "payment.action_required"),
        (begins(|payment| payment.state == PaymentState::Unpaid), "payment.unpaid"),
        (begins(|payment| payment.open_dispute), "payment.disputed"),
        (begins(|payment| payment.lost_dispute), "payment.dispute_lost"),
        (begins(escalation), "payment.escalated"),
    ] {
        let owed = format!("{}:{}:{new_movements}", payment.appointment, payment.version);
        if begins && !core.bus.owed.contains(&owed) {
            let id = payment.appointment;
            wrong.push(format!("{id} is {:?}, and nobody will be told of {new_movements}", payment.state));
        }
    }
}

/// Only such changes of status as there are, and a confirmation only on what was really secured.
fn transition(
    core: &Core,
    before: Option<&Appointment>,
    known: &Known,
    with_others: bool,
    wrong: &mut Vec<String>,
) {
    use Status::{Cancelled, Completed, Confirmed, Expired, NoShow, Pending};
    let now = &known.appointment;
    let id = now.id;
    let Some(before) = before else {
        let right = match now.status {
            Pending { .. } => !now.price.is_zero(),
            Confirmed => now.price.is_zero(),
            _ => false,
        };
        if !right || now.version != 1 {
            wrong.push(format!("{id} begins as {} in version {}", now.status.as_str(), now.version));
        }
        return;
    };
    let right = matches!(
        (&before.status, &now.status),
        (Pending { .. }, Confirmed | Expired | Cancelled { .. })
            | (Confirmed, Confirmed | Completed | NoShow { .. } | Cancelled { .. })
            | (Completed | NoShow { .. }, Completed | NoShow { .. })
    );
    if !right || now.version != before.version + 1 {
        wrong.push(format!(
            "{id} went from {} in version {} to {} in version {}",
            before.status.as_str(),
            before.version,
            now.status.as_str(),
            now.version
        ));
    }
    if let (Pending { .. }, Confirmed) = (&before.status, &now.status)
        && !core.gateway.secured.contains_key(&id)
    {
        wrong.push(format!("{id} is confirmed, and its client neither paid nor saved a card"));
    }
    if let (Pending { hold_expires_at }, Expired) = (&before.status, &now.status) {
        let secured = core.gateway.secured.get(&id).is_some_and(|at| at.plus(2) < *hold_expires_at);
        let hold_released = *hold_expires_at > core.instant().plus(2);
        // Nobody took it over, and it was not too late for the session.
        let needless = !with_others && core.instant().plus(2) < now.end;
        if secured && (hold_released || needless) {
            wrong.push(format!("{id} was paid in time and given up"));
        }
    }
}

/// The ledger says nothing that did not happen, and nothing twice.
fn ledger_is_true(core: &Core, id: AppointmentId, ledger: &[Movement], wrong: &mut Vec<String>) {
    let really = core.gateway.movements(id);
    for (place, one) in ledger.iter().enumerate() {
        if ledger[..place].iter().any(|before| before.is(one)) {
            wrong.push(format!("the ledger of {id} says twice: {:?} of {}", one.kind, one.object));
        }
        let by_hand = one.kind == MovementKind::ResolvedManually;
        if !by_hand && !really.contains(&one) {
            wrong.push(format!("the ledger of {id} says what did not happen: {one:?}"));
        }
    }
}

/// Somebody is refused a slot. That is right when somebody else had it at some moment of the request, and when that was a hold,
/// its time was not over yet: no hold outlives its time once someone wants the slot.
pub fn refused(core: &mut Core, asked: &Asked, refusal: &domain::scheduling::occupancy::Refusal, begun: i64) {
    use domain::scheduling::occupancy::Refusal::{DayFull, Seats, Taken, TooClose, WeekFull};
    let (expert, session_type, start, mover) = match &asked.ask {
        Ask::Book { expert, session_type, start, .. } => (*expert, *session_type, *start, None),
        Ask::Reschedule(id, start) => {
            let Some(state) = core.stood.get(id).and_then(|states| states.last()) else { return };
            (state.expert, state.session_type, *start, Some((*id, state.session.seconds())))
        }
        _ => return,
    };
    let Some(known) = core.people.expert(expert) else { return };
    let zone = known.rules.time_zone;
    let end = core.now;
    // A read of several days may see those from before a change that is not answered yet.
    let lag = 100 + core.weather.slow;
    // Clocks differ a little.
    let slack = 2_000 + 2 * core.weather.skew;
    let outlived = |state: &Stood| match state.status {
        Status::Pending { hold_expires_at } => hold_expires_at.seconds() * 1_000 + slack < begun,
        _ => false,
    };
    // Whoever stood at some moment of the request.
    let stood = || {
        core.stood.iter().filter(|(id, _)| Some(**id) != mover.map(|mover| mover.0)).flat_map(
            |(_, states)| {
                states.iter().enumerate().filter_map(|(place, state)| {
                    let until = states.get(place + 1).map_or(i64::MAX, |next| next.from);
                    let stands = !matches!(state.status, Status::Cancelled { .. } | Status::Expired);
                    let meanwhile = state.from <= end && until.saturating_add(lag) >= begun;
                    (state.expert == expert && stands && meanwhile).then_some(state)
                })
            },
        )
    };
    let of_type = || stood().filter(|state| state.session_type == session_type);
    let starts = |of: &dyn Fn(Timestamp) -> bool| {
        let starts: BTreeSet<Timestamp> =
            of_type().map(|state| state.session.start()).filter(|at| of(*at)).collect();
        starts.len()
    };
    // A session that stands keeps the seats that it was made with.
    let all = core.terms.get(&session_type).map_or(&[][..], Vec::as_slice);
    let fewest = all.iter().map(|(_, terms)| u32::from(terms.capacity)).min().unwrap_or(0);
    let right = |terms: &SessionTypeTerms| match refusal {
        Taken | TooClose => {
            let minute = |minutes: u16| i64::from(minutes) * 60;
            let seconds = mover.map_or(minute(terms.length_minutes), |mover| mover.1);
            let wanted = TimeSpan::new(start, start.plus(seconds))
                .widened(minute(terms.buffer_before_minutes), minute(terms.buffer_after_minutes));
            stood().any(|state| state.occupied.overlaps(wanted) && !outlived(state))
        }
        Seats { wanted, .. } => {
            let taken = of_type().filter(|state| state.session.start() == start && !outlived(state));
            let taken: u32 = taken.map(|state| u32::from(state.seats)).sum();
            taken + u32::from(*wanted) > fewest
        }
        // A hold whose time is over counts for a cap until somebody gives it back: it may still be paid.
        DayFull { cap, .. } => {
            let day = zone.day(start);
            terms.daily_cap == Some(*cap) && starts(&|at| zone.day(at) == day) >= usize::from(*cap)
        }
        WeekFull { cap, .. } => {
            let week = |at| chrono::Datelike::iso_week(&zone.day(at));
            terms.weekly_cap == Some(*cap) && starts(&|at| week(at) == week(start)) >= usize::from(*cap)
        }
        _ => true,
    };
    let right = terms::offered(core, session_type, begun - lag).any(right);
    if !right {
        core.wrong(format!("{start} of {expert} was refused as {refusal:?}, and nobody held it"));
    }
}
