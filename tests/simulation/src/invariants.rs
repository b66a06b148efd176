//! The invariants that must hold after every step.
//!
//! Only changed rows are checked. The invariants that hold once all jobs have run are in [`crate::quiescence`].

use std::collections::{BTreeMap, BTreeSet};

use app::messaging::jobs::MessagingJob;
use app::operations::jobs::Job;
use app::scheduling::jobs::SchedulingJob;
use chrono::NaiveDate;
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::{Movement, MovementKind};
use domain::payments::payment::{Escalation, Payment, PaymentState};
use domain::receipts::receipt::Receipt;
use domain::scheduling::appointment::{Appointment, NoShowReport, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ExpertId, Money, NotificationId, PersonId, SessionTypeId, TimeSpan, Timestamp};
use futures_util::FutureExt;
use store::keys::Key;
use store::{JobName, RowVersion, Store};

use crate::actors::{Command, Submission};
use crate::core::{Core, Shared};

mod days;
mod declines;
mod limits;
mod payouts;
pub mod policy;
mod proposals;
mod refund_costs;
mod terms;

pub use terms::{check_current_price, check_no_price, hourly_rate, price};

/// The stored state of an appointment.
#[derive(Debug, Clone)]
pub struct ObservedAppointment {
    /// The appointment.
    pub appointment: Appointment,
    /// Its payment.
    pub payment: Option<Payment>,
    /// Its movements in the ledger.
    pub movements: Vec<Movement>,
}

/// The state of an appointment from a point in time, to judge refusals.
#[derive(Debug, Clone)]
pub struct AppointmentState {
    from: i64,
    expert: ExpertId,
    session_type: SessionTypeId,
    price: Money,
    /// From the start to the end of the session.
    pub session: TimeSpan,
    seats: u16,
    occupied: TimeSpan,
    /// The status.
    pub status: Status,
    /// The proposal that is not closed, if there is one.
    pub proposed: Option<HeldProposal>,
}

/// The times that are held for a proposal.
#[derive(Debug, Clone)]
pub struct HeldProposal {
    /// Who proposed them.
    pub by: Party,
    /// Each session, and its occupied time.
    times: Vec<(TimeSpan, TimeSpan)>,
    /// When the proposal expires.
    pub expires_at: Timestamp,
}

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub struct Invariants {
    /// All appointments, by id.
    pub known: BTreeMap<AppointmentId, ObservedAppointment>,
    /// The appointments of each expert that take up time.
    occupying: BTreeMap<ExpertId, BTreeSet<AppointmentId>>,
    requests: BTreeMap<Key, (AppointmentId, Timestamp)>,
    /// Since when the money of an appointment must not go to the expert, because of a dispute.
    frozen_since: BTreeMap<AppointmentId, Timestamp>,
    /// What refunds have cost.
    costs: refund_costs::Costs,
    /// The receipts, by issuer and year.
    pub receipts: BTreeMap<(ExpertId, u16), BTreeMap<u32, Receipt>>,
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match future.now_or_never() {
        Some(answer) => answer,
        None => panic!("reads of the simulation itself never wait"),
    }
}

impl Invariants {
    /// Checks the rows that changed.
    pub fn check(&mut self, shared: &Shared, direct: &Store) {
        let changed = std::mem::take(&mut shared.lock().table.changed);
        let mut appointments = BTreeSet::new();
        let mut days: BTreeMap<ExpertId, BTreeSet<NaiveDate>> = BTreeMap::new();
        let mut violations: Vec<String> = Vec::new();
        let mut made: Vec<AppointmentId> = Vec::new();
        let mut came: Vec<(AppointmentId, bool)> = Vec::new();
        let mut recorded: BTreeSet<(AppointmentId, String)> = BTreeSet::new();
        for (key, before) in &changed {
            let id = key.sk.strip_prefix(store::experts::keys::SESSION_TYPES);
            if let Some(id) = id.and_then(|id| id.parse::<SessionTypeId>().ok()) {
                let expert = key.pk.strip_prefix("EXPERT#").and_then(|id| id.parse::<ExpertId>().ok());
                if let Some(expert) = expert
                    && let Ok(Some(session_type)) = now(direct.session_type(expert, id))
                {
                    terms::record(&mut shared.lock(), id, &session_type.terms);
                }
            }
            let expert = key.pk.strip_prefix("EXPERT#").and_then(|id| id.parse::<ExpertId>().ok());
            if let Some(expert) = expert.filter(|expert| *key == store::experts::keys::profile(*expert))
                && let Ok(Some(profile)) = now(direct.expert(expert))
            {
                terms::record_hourly_rate(&mut shared.lock(), expert, profile.profile.hourly_rate);
            }
            if let Some(id) = key.pk.strip_prefix("APT#").and_then(|id| id.parse::<AppointmentId>().ok()) {
                appointments.insert(id);
                if let Some(job) = key.sk.strip_prefix("OUTBOX#") {
                    check_event_job(&mut shared.lock(), key, job, &mut violations);
                    check_event_data(shared, direct, key, &mut violations);
                } else if key.sk == "A" && before.is_none() {
                    made.push(id);
                } else if key.sk.starts_with("DOC#") {
                    self.check_receipt(direct, id, key, before.is_some(), &mut violations);
                } else if let Some(entry) = key.sk.strip_prefix(store::scheduling::keys::HISTORY) {
                    recorded.extend(entry.split('#').nth(2).map(|version| (id, version.to_owned())));
                    if before.is_some() {
                        violations.push(format!("the history entry {key} was changed"));
                    }
                } else if key.sk.starts_with("ENTRY#") && before.is_some() {
                    violations.push(format!("the ledger entry {key} was changed"));
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
                self.check_request(shared, key, &made, &mut violations);
            }
        }
        for id in &appointments {
            let Ok(Some(record)) = now(direct.appointment_record(*id)) else {
                violations.push(format!("{id} cannot be read"));
                continue;
            };
            let known = ObservedAppointment {
                appointment: record.appointment,
                payment: record.payment,
                movements: record.movements,
            };
            let before = self.known.get(id).map(|known| &known.appointment);
            if before.is_none_or(|before| before.start != known.appointment.start) {
                came.push((*id, before.is_some()));
            }
            // The booking is the first version and needs no entry.
            let version = known.appointment.version;
            if before.is_some_and(|before| before.version != version)
                && !recorded.contains(&(*id, RowVersion::Appointment(version).to_string()))
            {
                violations.push(format!("version {version} of {id} is not in its history"));
            }
            self.changed(shared, *id, known, appointments.len() > 1, &mut days, &mut violations);
        }
        // Only after all rows of the transaction are known.
        for known in appointments.iter().filter_map(|id| self.known.get(id)) {
            if known.appointment.status.is_active() {
                self.check_overlap(&known.appointment, &mut violations);
                self.check_proposals(&shared.lock(), &known.appointment, &mut violations);
            }
        }
        for (id, moved) in came {
            if let Some(known) = self.known.get(&id) {
                self.check_capacity(&shared.lock(), &known.appointment, moved, &mut violations);
                self.check_overlap_of_client(&shared.lock(), id, &mut violations);
            }
        }
        let today = shared.lock().instant();
        for (expert, days) in days {
            self.check_days(direct, today, expert, &days, &mut violations);
        }
        // A transaction writes an appointment together with its idempotency record.
        for id in made {
            self.check_clients(&shared.lock(), id, &mut violations);
            self.check_limits(&shared.lock(), id, &mut violations);
            self.check_refund_pause(&shared.lock(), id, &mut violations);
            if !self.requests.values().any(|(made, _)| *made == id) {
                violations.push(format!("{id} was created without an idempotency record"));
            }
        }
        let core = &mut *shared.lock();
        for what in violations {
            core.violation(what);
        }
    }

    /// A new client leaves an expert within the mentorship capacity.
    fn check_clients(&self, core: &Core, id: AppointmentId, violations: &mut Vec<String>) {
        let Some(made) = self.known.get(&id).map(|known| &known.appointment) else { return };
        let Some(capacity) = core.actors.expert(made.expert).and_then(|expert| expert.capacity) else {
            return;
        };
        // Clocks differ.
        let now = core.instant().plus(2 + 2 * core.faults.max_clock_skew / 1_000);
        let active = |one: &&Appointment| match one.status {
            // An expired hold can still be paid.
            Status::Pending { .. } | Status::Confirmed => now < one.end,
            _ => false,
        };
        let others = self.occupying.get(&made.expert).into_iter().flatten().filter(|other| **other != id);
        let others = others.filter_map(|other| self.known.get(other)).map(|known| &known.appointment);
        let clients: BTreeSet<_> = others.filter(active).map(|one| one.client).collect();
        if clients.len() >= usize::from(capacity) && !clients.contains(&made.client) {
            violations
                .push(format!("{id} is of a new client, although {} has {capacity} clients", made.expert));
        }
    }

    fn changed(
        &mut self,
        shared: &Shared,
        id: AppointmentId,
        known: ObservedAppointment,
        with_others: bool,
        days: &mut BTreeMap<ExpertId, BTreeSet<NaiveDate>>,
        violations: &mut Vec<String>,
    ) {
        let core = &mut *shared.lock();
        let appointment = &known.appointment;
        let before = self.known.get(&id);
        let moved = before.is_none_or(|before| before.appointment != *appointment);
        refund_costs::check(&mut self.costs, core, before, &known, violations);
        if moved {
            check_transition(core, before.map(|known| &known.appointment), &known, with_others, violations);
            check_event(core, before.map(|known| &known.appointment), appointment, violations);
            policy::check(core, before, &known, violations);
            match before.map(|before| &before.appointment) {
                Some(before) => {
                    check_objection_period(core, before, appointment, violations);
                    check_reschedule(core, before, appointment, violations);
                    check_refund_job(core, before, &known, violations);
                    proposals::check(core, before, appointment, violations);
                }
                None => {
                    terms::check_terms(core, &known, violations);
                    core.agreed.insert(id, appointment.cancellation.clone());
                }
            }
            let history = AppointmentState {
                from: core.now,
                expert: appointment.expert,
                session_type: appointment.session_type,
                price: appointment.price,
                session: appointment.session_span(),
                seats: appointment.seats,
                occupied: appointment.occupied_span(),
                status: appointment.status.clone(),
                proposed: proposals::held(appointment),
            };
            core.history.entry(id).or_default().push(history);
            let held = before.map_or(Vec::new(), |known| known.appointment.held_spans());
            for day in appointment.held_spans().into_iter().chain(held).flat_map(TimeSpan::utc_dates) {
                days.entry(appointment.expert).or_default().insert(day);
            }
            if before.is_none() {
                core.actors.appointments.push((id, appointment.expert, appointment.client));
            }
        }
        let occupying = self.occupying.entry(appointment.expert).or_default();
        if appointment.status.is_active() || appointment.status.has_outcome() {
            occupying.insert(id);
        } else {
            occupying.remove(&id);
        }
        if appointment.status.is_active() && core.table.get(&due_key(id)).is_none() {
            violations.push(format!("{id} is {} and has no payment job", appointment.status.as_str()));
        }
        check_payment_version(before, &known, violations);
        check_payment_events(core, before, &known, violations);
        declines::check_declines(core, self.known.get(&id), &known, violations);
        check_ledger(core, id, &known.movements, violations);
        self.check_payouts(core, &known, violations);
        self.check_grants(core, &known, violations);
        self.known.insert(id, known);
    }

    /// A receipt is issued once, with the next number, and never changes.
    fn check_receipt(
        &mut self,
        direct: &Store,
        appointment: AppointmentId,
        key: &Key,
        is_known: bool,
        violations: &mut Vec<String>,
    ) {
        if is_known {
            violations.push(format!("the receipt {key} was changed"));
            return;
        }
        let receipts = now(direct.documents(appointment)).unwrap_or_default();
        let has_key =
            |receipt: &Receipt| store::receipts::keys::document(appointment, receipt.name()) == *key;
        let Some(receipt) = receipts.into_iter().find(has_key) else {
            violations.push(format!("the receipt {key} cannot be read"));
            return;
        };
        let (year, sequence) = (receipt.number.year(), receipt.number.sequence());
        let series = self.receipts.entry((receipt.expert, year)).or_default();
        let last = series.keys().next_back().copied().unwrap_or(0);
        if sequence != last + 1 {
            violations.push(format!("the receipt {key} has number {sequence} after {last}"));
        }
        series.insert(sequence, receipt);
    }

    /// An idempotency key creates at most one appointment.
    fn check_request(
        &mut self,
        shared: &Shared,
        key: &Key,
        made: &[AppointmentId],
        violations: &mut Vec<String>,
    ) {
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
            violations.push(format!("one idempotency key created {before} and {subject}"));
        }
        self.requests.insert(key.clone(), (subject, ends));
    }
}

fn due_key(id: AppointmentId) -> Key {
    let rows = store::keys::appointment_partition(id);
    store::operations::keys::outbox_entry(rows, JobName::new("payment", id).as_str())
}

/// The job that refunds a cancelled appointment is due at once, not only when the session would have ended.
fn check_refund_job(
    core: &Core,
    before: &Appointment,
    known: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    let id = before.id;
    let is_cancelled = matches!(known.appointment.status, Status::Cancelled { .. });
    if before.status != Status::Confirmed || !is_cancelled || known.payment.is_none() {
        return;
    }
    let due = core.table.get(&due_key(id)).and_then(|entry| {
        let (due, _) = entry.get("GSI1SK")?.as_s().ok()?.split_once('#')?;
        due.parse::<i64>().ok()
    });
    // A worker may have leased the entry.
    if due.is_none_or(|due| due > core.now.div_euclid(1_000) + HOUR) {
        violations.push(format!("{id} is cancelled, and its refund waits until {due:?}"));
    }
}

/// An event is published before its job is deleted.
fn check_event_job(core: &mut Core, key: &Key, job: &str, violations: &mut Vec<String>) {
    let Some(event) = job.strip_prefix("event:") else { return };
    if core.table.get(key).is_some() {
        core.bus.expected.insert(event.to_owned());
    } else if !core.bus.published.contains_key(event) {
        violations.push(format!("{event} was never published, and its job was deleted"));
    }
}

/// An event that is enqueued reports the appointment as it is after the change.
fn check_event_data(shared: &Shared, direct: &Store, key: &Key, violations: &mut Vec<String>) {
    let payload = shared.lock().table.get(key).and_then(|item| item.get("payload")?.as_s().ok().cloned());
    let event = match payload.map(|payload| serde_json::from_str(&payload)) {
        Some(Ok(Job::Scheduling(SchedulingJob::PublishEvent(event)))) => event,
        Some(Ok(Job::Messaging(MessagingJob::Notify { event, by }))) => {
            shared.lock().bus.to_notify.insert(key.sk.clone(), (*event, by));
            return;
        }
        _ => return,
    };
    let reported = event.data.appointment();
    let Ok(Some(appointment)) = now(direct.appointment(reported.appointment_id)) else { return };
    // Member by member, because the conversion in the product may be wrong.
    let status = serde_json::to_value(reported.status).unwrap_or_default();
    let is_right = (reported.start, reported.end) == (appointment.start, appointment.end)
        && (reported.expert_id, reported.client_id) == (appointment.expert, appointment.client)
        && reported.session_type_id == appointment.session_type
        && status == appointment.status.as_str();
    if appointment.version == reported.version && !is_right {
        violations.push(format!("{} does not report {appointment:?}: {reported:?}", event.id()));
    }
}

/// The event that a change requires.
fn event_for(before: Option<&Appointment>, now: &Appointment) -> Option<&'static str> {
    match before {
        Some(before) if before.status.as_str() == now.status.as_str() => proposals::event_for(before, now),
        // A decision that reverses an earlier report may mark it as disputed.
        Some(before) if before.status.has_outcome() => None,
        _ => match now.status {
            Status::Pending { .. } | Status::Unknown => None,
            Status::Confirmed => Some("appointment.confirmed"),
            Status::Completed => Some("appointment.completed"),
            Status::NoShow { .. } => Some("appointment.no_show"),
            Status::Cancelled { .. } => Some("appointment.cancelled"),
            Status::Expired => Some("appointment.expired"),
        },
    }
}

/// A change of an appointment enqueues its event.
fn check_event(core: &Core, before: Option<&Appointment>, now: &Appointment, violations: &mut Vec<String>) {
    if let Some(event_for) = event_for(before, now)
        && !core.bus.expected.contains(&format!("{}:{}:{event_for}", now.id, now.version))
    {
        violations.push(format!("{} is {}, and lacks the event {event_for}", now.id, now.status.as_str()));
    }
}

/// When a party was last notified of the outcome that was reported or decided.
fn notified_at(core: &Core, appointment: &Appointment, party: Party) -> Option<Timestamp> {
    let bits = match party {
        Party::Client => appointment.client.bits(),
        Party::Expert | Party::Platform => appointment.expert.bits(),
    };
    let person = PersonId::from_bits(bits);
    let event = match appointment.status {
        Status::NoShow { .. } => "appointment.no_show",
        _ => "appointment.completed",
    };
    let key = store::messaging::keys::notification(person, appointment.id, event);
    let id: NotificationId = core.table.get(&key)?.get("id")?.as_s().ok()?.parse().ok()?;
    let milliseconds = i64::try_from(id.bits() >> 80).ok()?;
    Some(Timestamp::from_seconds(milliseconds / 1_000))
}

/// Every penalty is announced in time: the report that a party did not attend and the decision of an administrator take effect only
/// if whoever can object was notified and had a day to do so.
fn check_objection_period(
    core: &Core,
    before: &Appointment,
    now: &Appointment,
    violations: &mut Vec<String>,
) {
    let id = now.id;
    let until = match before.no_show_report {
        Some(NoShowReport::Reported | NoShowReport::Announced { until: None, .. }) => Some(Timestamp::MAX),
        Some(NoShowReport::Open { until } | NoShowReport::Announced { until: Some(until), .. }) => {
            Some(until)
        }
        _ => None,
    };
    match (until, now.no_show_report) {
        (_, Some(NoShowReport::Open { until } | NoShowReport::Announced { until: Some(until), .. }))
            if before.no_show_report != now.no_show_report =>
        {
            let parties = match now.status {
                Status::NoShow { missed_by }
                    if matches!(now.no_show_report, Some(NoShowReport::Open { .. })) =>
                {
                    vec![missed_by]
                }
                _ => vec![Party::Client, Party::Expert],
            };
            for party in parties {
                let notified_at = notified_at(core, now, party);
                if notified_at.is_none_or(|at| until < at.plus(DAY)) {
                    violations.push(format!(
                        "{id} can be disputed only until {until}, and {party:?} was notified at {notified_at:?}"
                    ));
                }
            }
        }
        // Both sides can agree that they did not attend.
        (Some(_), None) if now.status == (Status::NoShow { missed_by: Party::Expert }) => {}
        (Some(_), None)
            if now.status == (Status::NoShow { missed_by: Party::Client })
                && core.actors.admitted.contains(&id) => {}
        // Clocks differ.
        (Some(until), None | Some(NoShowReport::Decided))
            if core.instant().plus(2 + 2 * core.faults.max_clock_skew / 1_000) < until =>
        {
            violations.push(format!("{id} was decided before its parties could object until {until}"));
        }
        (None, Some(NoShowReport::Decided))
            if !matches!(before.no_show_report, Some(NoShowReport::Appealed | NoShowReport::Decided))
                && !now.price.is_zero() =>
        {
            violations.push(format!("{id} was decided at once, and its parties could not object"));
        }
        (None, None)
            if now.status == (Status::NoShow { missed_by: Party::Client })
                && before.status == Status::Confirmed
                && !now.price.is_zero() =>
        {
            if !core.actors.admitted.contains(&id) {
                violations.push(format!("{id} is a no-show of its client, who could not object"));
            } else if policy::no_show_refund(now) > 0 {
                violations.push(format!("{id} refunds a part because its client reported their own absence"));
            }
        }
        _ => {}
    }
}

/// Reschedules are counted, and a client reschedules only as often and as late as the policy allows.
fn check_reschedule(core: &Core, before: &Appointment, now: &Appointment, violations: &mut Vec<String>) {
    let moves = u16::from(before.start != now.start);
    if u64::from(now.reschedules) != u64::from(before.reschedules) + u64::from(moves) {
        violations.push(format!(
            "{} was rescheduled {} times, and now counts {}",
            now.id, before.reschedules, now.reschedules
        ));
    }
    let accepted = proposals::accepted(before, now);
    let by_client = moves == 1 && accepted.is_none_or(|proposal| proposal.by == Party::Client);
    if now.moves_by_client() != before.moves_by_client() + u16::from(by_client) {
        violations.push(format!("{} counts {} moves by its client", now.id, now.moves_by_client()));
    }
    if moves == 0 || accepted.is_some() {
        return;
    }
    if !core.actors.moved_by_clients.contains(&now.id) {
        violations.push(format!("{} was moved at once, and not by its client", now.id));
    }
    let until = before.start.plus(-60 * i64::from(before.rescheduling.until_minutes_before));
    // The write may take effect after a delay.
    let asked = core.instant().plus(-45);
    if asked > until || before.moves_by_client() >= before.rescheduling.most_moves() {
        violations.push(format!(
            "{} was rescheduled by its client against its policy {:?}",
            now.id, before.rescheduling
        ));
    }
}

/// A payment changes only from the version that was read, so that no change is lost.
fn check_payment_version(
    before: Option<&ObservedAppointment>,
    now: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    let before = before.and_then(|known| known.payment.as_ref());
    if let (Some(before), Some(payment)) = (before, &now.payment)
        && payment != before
        && payment.version != before.version + 1
    {
        violations.push(format!(
            "the payment of {} went from version {} to {}",
            payment.appointment, before.version, payment.version
        ));
    }
}

/// A change of a payment that people must know of enqueues its event.
fn check_payment_events(
    core: &Core,
    before: Option<&ObservedAppointment>,
    now: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    // One that is confirmed with the news of a lost dispute is cancelled right after that.
    let was_confirmed = before.is_some_and(|known| known.appointment.status == Status::Confirmed);
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
        violations.push(format!(
            "{} can be paid until {deadline}, after the start of its session",
            payment.appointment
        ));
    }
    if begins(|payment| payment.lost_dispute)
        && was_confirmed
        && now.appointment.status == Status::Confirmed
        && core.instant().plus(60) < now.appointment.start
    {
        violations.push(format!("{} is confirmed although its dispute is lost", payment.appointment));
    }
    for (begins, event_for) in [
        (begins(|payment| payment.action_deadline.is_some()), "payment.action_required"),
        (begins(|payment| payment.state == PaymentState::Unpaid), "payment.unpaid"),
        (begins(|payment| payment.open_dispute), "payment.disputed"),
        (begins(|payment| payment.lost_dispute), "payment.dispute_lost"),
        (begins(escalation), "payment.escalated"),
    ] {
        let owed = format!("{}:{}:{event_for}", payment.appointment, payment.version);
        if begins && !core.bus.expected.contains(&owed) {
            let id = payment.appointment;
            violations.push(format!("{id} is {:?}, and lacks the event {event_for}", payment.state));
        }
    }
}

/// Status changes follow the allowed transitions, and only a secured payment confirms.
fn check_transition(
    core: &Core,
    before: Option<&Appointment>,
    known: &ObservedAppointment,
    with_others: bool,
    violations: &mut Vec<String>,
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
            violations.push(format!("{id} is created as {} in version {}", now.status.as_str(), now.version));
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
        violations.push(format!(
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
        violations.push(format!("{id} is confirmed, but its client neither paid nor saved a card"));
    }
    if let (Pending { hold_expires_at }, Expired) = (&before.status, &now.status) {
        let secured = core.gateway.secured.get(&id).is_some_and(|at| at.plus(2) < *hold_expires_at);
        let hold_released = *hold_expires_at > core.instant().plus(2);
        // No other client took the slot, and nobody could be reported as absent yet.
        let needless = !with_others && core.instant().plus(2) < now.no_shows_from();
        let is_declined = known.payment.as_ref().is_some_and(|payment| payment.too_many_declines);
        if secured && !is_declined && (hold_released || needless) {
            violations.push(format!("{id} was paid in time and expired"));
        }
    }
}

/// The ledger contains only movements that happened, and each once.
fn check_ledger(core: &Core, id: AppointmentId, ledger: &[Movement], violations: &mut Vec<String>) {
    let really = core.gateway.movements(id);
    for (place, one) in ledger.iter().enumerate() {
        if ledger[..place].iter().any(|before| before.is_same_event(one)) {
            violations.push(format!("the ledger of {id} has a duplicate: {:?} of {}", one.kind, one.object));
        }
        if one.kind.is_at_gateway() && !really.contains(&one) {
            violations.push(format!("the ledger of {id} has a movement that did not happen: {one:?}"));
        }
    }
}

/// Checks a refused slot. A refusal is correct if another appointment occupied the slot at some time during the request. An
/// expired hold does not count.
pub fn check_refusal(
    core: &mut Core,
    asked: &Submission,
    refusal: &domain::scheduling::occupancy::Refusal,
    begun: i64,
) {
    use domain::scheduling::occupancy::Refusal::{DayFull, DayMinutesFull, Seats, Taken, TooClose, WeekFull};
    let mut duration = None;
    let (expert, session_type, wanted, mover) = match &asked.command {
        Command::Book { expert, session_type, start, duration: selected, .. } => {
            duration = *selected;
            (*expert, *session_type, vec![*start], None)
        }
        Command::Reschedule(id, start) => {
            let Some(state) = core.history.get(id).and_then(|states| states.last()) else { return };
            (state.expert, state.session_type, vec![*start], Some((*id, state.session.seconds())))
        }
        // One of the starts was refused.
        Command::Propose(id, starts) => {
            let Some(state) = core.history.get(id).and_then(|states| states.last()) else { return };
            (state.expert, state.session_type, starts.clone(), Some((*id, state.session.seconds())))
        }
        _ => return,
    };
    // A proposal leaves its appointment where it is, which can be a group session that counts for a cap.
    let excluded = mover.map(|(id, _)| id).filter(|_| !matches!(asked.command, Command::Propose(..)));
    let Some(known) = core.actors.expert(expert) else { return };
    let zone = known.rules.time_zone;
    let end = core.now;
    // A read of several rows may return the state before a transaction that has not been answered yet.
    let lag = 100 + core.faults.max_latency;
    // Clocks differ.
    let slack = 2_000 + 2 * core.faults.max_clock_skew;
    let outlived = |state: &AppointmentState| match state.status {
        Status::Pending { hold_expires_at } => hold_expires_at.seconds() * 1_000 + slack < begun,
        _ => false,
    };
    // The appointments that occupied time during the request.
    let occupants = || {
        let others = core.history.iter().filter(|(id, _)| Some(**id) != excluded);
        let states = others.flat_map(|(_, states)| {
            states.iter().enumerate().filter(|(place, state)| {
                let until = states.get(place + 1).map_or(i64::MAX, |next| next.from);
                let stands = !matches!(state.status, Status::Cancelled { .. } | Status::Expired);
                let meanwhile = state.from <= end && until.saturating_add(lag) >= begun;
                state.expert == expert && stands && meanwhile
            })
        });
        states.flat_map(|(_, state)| std::iter::once(state.clone()).chain(proposals::as_holds(state)))
    };
    let of_type = || occupants().filter(|state| state.session_type == session_type);
    let starts = |of: &dyn Fn(Timestamp) -> bool| {
        let starts: BTreeSet<Timestamp> =
            of_type().map(|state| state.session.start()).filter(|at| of(*at)).collect();
        starts.len()
    };
    // The starts of a proposal are held at the same time, so each counts for the caps of the others.
    let own = |of: &dyn Fn(Timestamp) -> bool| wanted.iter().filter(|at| of(**at)).count().saturating_sub(1);
    // A group session keeps the capacity it was created with.
    let all = core.terms.get(&session_type).map_or(&[][..], Vec::as_slice);
    let fewest = all.iter().map(|(_, terms)| u32::from(terms.capacity)).min().unwrap_or(0);
    // The length of the session in seconds; without a selection, that of the only duration.
    let length = |terms: &SessionTypeTerms| match mover {
        Some((_, seconds)) => seconds,
        None => {
            let only = terms.durations.first().map(|only| only.minutes);
            i64::from(duration.or(only).unwrap_or(0)) * 60
        }
    };
    let right = |terms: &SessionTypeTerms, start: Timestamp| match refusal {
        Taken | TooClose => {
            let minute = |minutes: u16| i64::from(minutes) * 60;
            let occupied = |start: Timestamp| {
                TimeSpan::new(start, start.plus(length(terms)))
                    .expanded(minute(terms.buffer_before_minutes), minute(terms.buffer_after_minutes))
            };
            // The starts of a proposal are held at the same time.
            let others = wanted.iter().filter(|other| **other != start);
            others.into_iter().any(|other| occupied(*other).overlaps(occupied(start)))
                || occupants().any(|state| state.occupied.overlaps(occupied(start)) && !outlived(&state))
        }
        Seats { wanted, .. } => {
            let taken = of_type().filter(|state| state.session.start() == start && !outlived(state));
            let taken: u32 = taken.map(|state| u32::from(state.seats)).sum();
            taken + u32::from(*wanted) > fewest
        }
        // An expired hold counts for a cap until it is released, because it may still be paid.
        DayFull { cap, .. } => {
            let day = zone.scheduling_date(start);
            terms.daily_cap == Some(*cap)
                && starts(&|at| zone.scheduling_date(at) == day) + own(&|at| zone.scheduling_date(at) == day)
                    >= usize::from(*cap)
        }
        DayMinutesFull { cap, .. } => {
            let day = zone.scheduling_date(start);
            let lengths: BTreeMap<Timestamp, i64> = of_type()
                .filter(|state| zone.scheduling_date(state.session.start()) == day)
                .map(|state| (state.session.start(), state.session.seconds()))
                .collect();
            let own = i64::try_from(own(&|at| zone.scheduling_date(at) == day)).unwrap_or(0);
            terms.daily_minutes_cap == Some(*cap)
                && lengths.values().sum::<i64>() + (1 + own) * length(terms) > i64::from(*cap) * 60
        }
        WeekFull { cap, .. } => {
            let week = |at| chrono::Datelike::iso_week(&zone.scheduling_date(at));
            let is_of_week = |at| week(at) == week(start);
            terms.weekly_cap == Some(*cap) && starts(&is_of_week) + own(&is_of_week) >= usize::from(*cap)
        }
        _ => true,
    };
    let right = terms::offered(core, session_type, begun - lag)
        .any(|terms| wanted.iter().any(|start| right(terms, *start)));
    if !right {
        core.violation(format!("{wanted:?} of {expert} was refused as {refusal:?}, although it was free"));
    }
}
