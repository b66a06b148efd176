//! Quiescence: without further faults, time passes, actors make the open decisions, and all jobs run.
//!
//! Then each party must have the correct amount, and the ledger, the appointments and the gateway must agree.

use std::collections::{BTreeMap, BTreeSet};

use app::AppError;
use app::identity::signed_in::SignedInPerson;
use app::messaging::jobs::CausedBy;
use app::scheduling::error::SchedulingError;
use domain::identity::suspension::DecidedBy;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances, Movement, MovementKind, Totals};
use domain::payments::payment::{Escalation, PaymentState};
use domain::payments::payout::PayoutTiming;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::appointment::{NoShowReport, Outcome};
use domain::scheduling::booking_limits::{BookingLimits, LimitReached};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{Incident, IncidentKind, SessionOccurrence};
use domain::scheduling::slots::EmptyReason;
use domain::{ExpertId, Money, PersonId, TimeSpan, Timestamp};
use futures_util::FutureExt;
use store::Item;
use store::table::Consistency;

use crate::actors::{Command, Reply, Resolution, Submission, allows_overlap, submit};
use crate::core::Core;
use crate::fault_profile::FaultProfile;
use crate::gateway;
use crate::invariants::policy::part_of;
use crate::invariants::{self, ObservedAppointment};
use crate::simulation::Simulation;

/// The number of steps after which a simulation counts as never quiescent.
const MAX_STEPS: u64 = 400_000;
/// The number of rounds of decisions after which a simulation counts as never quiescent.
const MAX_ROUNDS: usize = 60;

/// Runs a simulation until it is quiescent and checks the invariants of that state.
pub fn reach_quiescence(simulation: &mut Simulation) {
    {
        let core = &mut *simulation.shared.lock();
        core.log(|| "no faults from here on".to_owned());
        core.faults = FaultProfile::none();
        core.injected_fault = None;
        core.actors.to_retry.clear();
        core.gateway.clear_refusals();
        core.gateway.accounts_are_covered = true;
        // No webhook is sent for this.
        for account in core.gateway.accounts.values_mut() {
            account.charges_enabled = true;
        }
        gateway::decide_disputes(core);
        gateway::complete_pending_debits(core);
    }
    if !simulation.is_valid() {
        return;
    }
    for _ in 0..MAX_ROUNDS {
        if !run_until_idle(simulation) {
            return;
        }
        if !decide(simulation) && !reconcile(simulation) {
            // Accounts are read once a day.
            simulation.shared.lock().schedule_in((DAY + HOUR) * 1_000, |_| {});
            if run_until_idle(simulation) {
                check(simulation);
            }
            return;
        }
    }
    simulation
        .shared
        .lock()
        .violation("it never becomes quiescent: there is always a decision to make".to_owned());
}

/// Processes events until none is left. Returns `false` after a violation.
fn run_until_idle(simulation: &mut Simulation) -> bool {
    simulation.start();
    for _ in 0..MAX_STEPS {
        if !simulation.is_valid() {
            return false;
        }
        if !simulation.step() {
            return true;
        }
    }
    let core = &mut *simulation.shared.lock();
    core.violation("it never becomes quiescent: there is always another event".to_owned());
    false
}

/// Lets banks and the administrator make the open decisions. Returns whether there were any.
fn decide(simulation: &mut Simulation) -> bool {
    let wanted: Vec<(domain::AppointmentId, Command)> = simulation
        .invariants
        .known
        .values()
        .filter_map(|known| {
            let id = known.appointment.id;
            let payment = known.payment.as_ref()?;
            match payment.escalation? {
                Escalation::NoShowDisputed => {
                    let price = known.appointment.price.amount();
                    let final_charge =
                        payment.final_charge.map_or(price, |final_charge| final_charge.amount());
                    // A refunded amount cannot be charged again.
                    let outcome = match final_charge < price {
                        true => Outcome::NoShow { missed_by: Party::Expert },
                        false => Outcome::Completed,
                    };
                    Some((id, Command::EndSession(id, outcome, None)))
                }
                Escalation::DisputeLost { .. } => {
                    Some((id, Command::ResolveEscalation(id, Resolution::ResolvedManually)))
                }
                Escalation::RefundFailed { .. } | Escalation::Refused { .. } | Escalation::Unknown => {
                    Some((id, Command::ResolveEscalation(id, Resolution::TryAgain)))
                }
            }
        })
        .collect();
    let core = &mut *simulation.shared.lock();
    let decided = gateway::decide_disputes(core) | gateway::complete_pending_debits(core);
    let admin = core.actors.admin.clone();
    let any = decided || !wanted.is_empty();
    for (_, wanted) in wanted {
        submit(core, Submission { person: admin.clone(), command: wanted, attempts: 0 });
    }
    any
}

/// Compares the ledger with the books until all periods are compared. Returns whether there is anything left to do.
fn reconcile(simulation: &mut Simulation) -> bool {
    let calls = |simulation: &Simulation| simulation.shared.lock().table.capacity.writes;
    let mut lasting = 0;
    // A run compares at most one day, and never the last hour.
    simulation.advance(7_200);
    for _ in 0..500 {
        simulation.advance(60);
        let now = simulation.shared.lock().instant();
        let outcome = {
            let core = &mut *simulation.shared.lock();
            let admin = core.actors.admin.clone();
            submit(core, Submission { person: admin, command: Command::Reconcile, attempts: 0 })
        };
        let before = calls(simulation);
        simulation.start();
        if !run_until_idle(simulation) {
            return true;
        }
        let heard = outcome.lock().ok().and_then(|mut outcome| outcome.take().flatten());
        let Some(Ok(Reply { differences, .. })) = heard else {
            simulation.shared.lock().violation("the reconciler failed without a fault".to_owned());
            return true;
        };
        let compared = simulation.compared();
        let caught_up = compared.is_some_and(|until| until.plus(2 * 3_600) >= now);
        let quiet = calls(simulation) - before < 6;
        if !caught_up || !quiet {
            lasting = if caught_up { lasting + 1 } else { lasting };
            if lasting > 60 {
                simulation.shared.lock().violation("the reconciler never becomes quiescent".to_owned());
                return true;
            }
            continue;
        }
        if differences > 0 {
            simulation
                .shared
                .lock()
                .violation(format!("{differences} differences between ledger and books remain"));
            return true;
        }
        return needs_decision(simulation);
    }
    simulation.shared.lock().violation("the reconciler never catches up".to_owned());
    true
}

/// Sends a request and waits until no work is left.
fn submit_and_wait(
    simulation: &mut Simulation,
    person: &SignedInPerson,
    wanted: Command,
) -> Option<Result<Reply, AppError>> {
    let told = {
        let core = &mut *simulation.shared.lock();
        submit(core, Submission { person: person.clone(), command: wanted, attempts: 0 })
    };
    simulation.start();
    if !run_until_idle(simulation) {
        return None;
    }
    told.lock().ok().and_then(|mut told| told.take().flatten())
}

/// Checks that a listed slot can be booked and that an unlisted start is refused.
pub fn book_listed_slots(simulation: &mut Simulation) {
    let (experts, client) = {
        let core = simulation.shared.lock();
        let clients = &core.actors.clients;
        let client = clients.iter().find(|client| allows_overlap(client.client_id()));
        (core.actors.experts.clone(), client.or(clients.first()).cloned())
    };
    let Some(client) = client else { return };
    // The limits of the client and of refunds say nothing about the slots.
    simulation.limit_bookings(BookingLimits::unlimited());
    simulation.limit_refunds(RefundBudgets::unlimited());
    for (expert, session_type) in
        experts.iter().flat_map(|expert| expert.types.iter().map(move |(id, _)| (expert, *id)))
    {
        for last in [false, true] {
            let now = simulation.shared.lock().instant();
            // Far enough ahead that the slot does not pass in the meantime.
            let range = TimeSpan::new(now.plus(2 * HOUR), now.plus(7 * DAY));
            let id = expert.person.expert_id();
            // The first and the last duration.
            let Some(Ok(Some(offered))) = simulation.direct.session_type(id, session_type).now_or_never()
            else {
                return report(simulation, format!("{session_type} cannot be read"));
            };
            let durations = &offered.terms.durations;
            let duration = if last { durations.last() } else { durations.first() };
            let hourly_rate = invariants::hourly_rate(&simulation.shared.lock(), id);
            let price = duration.and_then(|one| invariants::price(&offered.terms, one, hourly_rate));
            let duration = duration.map(|duration| duration.minutes);
            let known = known_account(simulation, id);
            let can_be_paid = known.is_some_and(|account| account.charges_enabled);
            let listed = match submit_and_wait(
                simulation,
                &client,
                Command::ListSlots(id, session_type, duration, range),
            ) {
                Some(Ok(heard)) if heard.empty_reason == Some(EmptyReason::NoPrice) && price.is_none() => {
                    continue;
                }
                // The expert must complete the onboarding first.
                Some(Ok(heard))
                    if heard.empty_reason == Some(EmptyReason::PaymentsNotReady) && !can_be_paid =>
                {
                    continue;
                }
                Some(Ok(heard)) => heard.starts,
                // The session type was retired.
                Some(Err(AppError::NotFound(_))) => break,
                other => return report(simulation, format!("slots cannot be listed: {other:?}")),
            };
            let wanted = if last { listed.last() } else { listed.first() };
            let Some(start) = wanted.copied() else {
                return report(simulation, format!("{id} has no slot of {session_type} in a week"));
            };
            let between = start.plus(60);
            for (start, is_listed) in [(between, listed.contains(&between)), (start, true)] {
                let key = simulation.shared.lock().actors.key();
                let wanted =
                    Command::Book { expert: id, session_type, duration, start, seats: 1, pay_in: None, key };
                match (submit_and_wait(simulation, &client, wanted), is_listed) {
                    (Some(Ok(_)), true)
                    | (Some(Err(AppError::Scheduling(SchedulingError::Slot { .. }))), false) => {}
                    // The client is not one of those of an expert with a limited number.
                    (Some(Err(AppError::Scheduling(SchedulingError::AtCapacity))), _)
                        if expert.capacity.is_some() => {}
                    // A saved card of the client was declined.
                    (
                        Some(Err(AppError::Scheduling(SchedulingError::Limit {
                            reached: LimitReached::CardDeclined { .. },
                            ..
                        }))),
                        _,
                    ) => {}
                    (Some(Err(AppError::Scheduling(SchedulingError::Overlap { .. }))), _)
                        if !allows_overlap(client.client_id()) => {}
                    (answer, _) => {
                        let listed = if is_listed { "is listed" } else { "is not listed" };
                        return report(simulation, format!("{start} of {id} {listed}, and then {answer:?}"));
                    }
                }
            }
        }
    }
}

fn report(simulation: &Simulation, what: String) {
    let core = &mut *simulation.shared.lock();
    if core.violations.is_empty() {
        core.violation(what);
    }
}

fn needs_decision(simulation: &Simulation) -> bool {
    let escalations = simulation.invariants.known.values();
    let escalations = escalations
        .filter(|known| known.payment.as_ref().is_some_and(|payment| payment.escalation.is_some()));
    let core = simulation.shared.lock();
    let open = simulation.invariants.known.keys().any(|id| core.gateway.has_open_dispute(*id));
    escalations.count() > 0 || open
}

/// Checks the invariants of a quiescent state.
pub fn check(simulation: &mut Simulation) {
    let mut violations = Vec::new();
    let experts: Vec<ExpertId> = {
        let core = simulation.shared.lock();
        core.gateway.accounts.values().map(|account| account.expert).collect()
    };
    for expert in &experts {
        match simulation.direct.debt(*expert, Consistency::Strong).now_or_never() {
            Some(Ok(debt)) => simulation.invariants.check_debt(*expert, &debt, &mut violations),
            other => violations.push(format!("the debt of {expert} cannot be read: {other:?}")),
        }
    }
    let accounts: BTreeMap<ExpertId, PaymentAccount> =
        experts.into_iter().filter_map(|expert| Some((expert, known_account(simulation, expert)?))).collect();
    {
        let core = &*simulation.shared.lock();
        for known in simulation.invariants.known.values() {
            check_money(core, known, &mut violations);
            if !simulation.invariants.was_withheld(known.appointment.id) {
                check_fee_of_held_share(known, &mut violations);
            }
            check_receipts(known, simulation, &mut violations);
            if !known.appointment.proposed_times().is_empty() {
                violations.push(format!("{} still holds proposed times", known.appointment.id));
            }
        }
        let owed = core.table.all("APT#", "OUTBOX#").into_iter().chain(core.table.all("EXPERT#", "OUTBOX#"));
        // The daily job that reads payouts never ends.
        for (key, _) in owed.filter(|(key, _)| !key.sk.starts_with("OUTBOX#payouts:")) {
            violations.push(format!("{key} is still in the outbox"));
        }
        for event in &core.bus.expected {
            if !core.bus.published.contains_key(event) {
                violations.push(format!("{event} was enqueued, but not published"));
            }
        }
        if core.queue.messages > 0 {
            violations.push(format!("{} messages are in the queue", core.queue.messages));
        }
        check_notifications(core, &mut violations);
        check_accounts(simulation, core, &accounts, &mut violations);
    }
    check_consequences(simulation, &mut violations);
    let core = &mut *simulation.shared.lock();
    for what in violations {
        core.violation(what);
    }
}

/// Checks that both parties were notified of each change that concerns them, except of what they did themselves.
fn check_notifications(core: &Core, violations: &mut Vec<String>) {
    for (job, (event, by)) in &core.bus.to_notify {
        // Notifications are deleted after 180 days.
        if event.occurred_at < core.instant().plus(-170 * DAY) {
            continue;
        }
        let appointment = event.data.appointment();
        let id = appointment.appointment_id;
        let (expert, client) = (appointment.expert_id.bits(), appointment.client_id.bits());
        let told = match event.kind() {
            "appointment.expired" | "payment.action_required" => [false, true],
            "payment.disputed" | "payment.escalated" => [true, false],
            _ => [true, true],
        };
        for (person, own, told) in
            [(expert, *by == CausedBy::Expert, told[0]), (client, *by == CausedBy::Client, told[1])]
        {
            let key = store::messaging::keys::notification(PersonId::from_bits(person), id, event.kind());
            let version =
                core.table.get(&key).and_then(|item| item.get("version")?.as_n().ok()?.parse().ok());
            let (version, of_event) = (version.unwrap_or(0_u64), event.data.row_version().number());
            if told && !own && version < of_event {
                violations.push(format!("{key} is missing, because nobody was notified by {job}"));
            }
            if (own || !told) && version == of_event {
                violations.push(format!("{key} notifies a person whom {job} does not concern"));
            }
        }
    }
}

/// Incidents that are counted together.
struct Counted {
    what: &'static str,
    kinds: &'static [IncidentKind],
    /// Whether a warning is about them, given the end of its key.
    is_about: fn(&str) -> bool,
    /// The numbers from which on a person is warned and suspended.
    first: usize,
    suspension: usize,
}

/// Checks that everybody with too many late cancellations and no-shows, or lost disputes, was warned and, if that is a setting,
/// suspended, and nobody else. The reads of the store lock the state, so it must not be locked here.
fn check_consequences(simulation: &Simulation, violations: &mut Vec<String>) {
    let rules = &simulation.app.settings.reliability;
    let suspension = rules.suspension.map_or(usize::MAX, usize::from);
    let of_disputes = rules.suspension_for_disputes.map_or(usize::MAX, usize::from);
    let counted = [
        Counted {
            what: "late cancellations and no-shows",
            kinds: &[IncidentKind::LateCancellation, IncidentKind::NoShow],
            is_about: |subject| !subject.starts_with("payment#"),
            first: usize::from(rules.warning).min(suspension),
            suspension,
        },
        Counted {
            what: "lost disputes",
            kinds: &[IncidentKind::LostDispute],
            is_about: |subject| subject.starts_with("payment#"),
            first: rules.suspension_for_disputes.map_or(usize::MAX, |_| 1),
            suspension: of_disputes,
        },
    ];
    for known in simulation.invariants.known.values() {
        let Some(payment) = known.payment.as_ref().filter(|payment| payment.lost_dispute) else { continue };
        let client = PersonId::from_bits(known.appointment.client.bits());
        let since = Timestamp::from_seconds(0);
        let found = simulation.direct.incidents(client, Party::Client, since).now_or_never();
        let is_counted = found.is_some_and(|found| {
            found.is_ok_and(|(incidents, _)| {
                let of_payment = incidents.iter().filter(|one| one.appointment == payment.appointment);
                of_payment.filter(|one| one.kind == IncidentKind::LostDispute).count() == 1
            })
        });
        if !is_counted {
            violations.push(format!("the lost dispute of {} is not counted once", payment.appointment));
        }
    }
    let since = simulation.shared.lock().instant().plus(-90 * DAY);
    let people = |prefix: &str, sk: &str| -> BTreeSet<PersonId> {
        let rows = simulation.shared.lock().table.all(prefix, sk);
        rows.iter().filter_map(|(key, _)| key.pk.strip_prefix(prefix)?.parse().ok()).collect()
    };
    // The numbers of all warnings of a person as one side, by what they are about.
    let warnings = |person: PersonId, side: &str| -> BTreeMap<String, usize> {
        let prefix = format!("warning#{side}#");
        let rows = simulation.shared.lock().table.with_prefix(&format!("PERSON#{person}"), &prefix);
        let number = |item: &Item| item.get("incidents")?.as_n().ok()?.parse().ok();
        let found = rows.iter().filter_map(|(sk, item)| Some((sk.strip_prefix(&prefix)?, number(item)?)));
        found.map(|(subject, incidents)| (subject.to_owned(), incidents)).collect()
    };
    let suspended_by_platform = |person: PersonId| match simulation.direct.suspension(person).now_or_never() {
        Some(Ok(history)) => history.changes.iter().filter(|change| change.by == DecidedBy::Platform).count(),
        other => panic!("the suspension of {person} cannot be read: {other:?}"),
    };
    for (side, party) in [("expert", Party::Expert), ("client", Party::Client)] {
        for person in people(&format!("RELIABILITY#{side}#"), "consequence#") {
            let Some(Ok((incidents, _))) = simulation.direct.incidents(person, party, since).now_or_never()
            else {
                violations.push(format!("the incidents of {person} cannot be read"));
                continue;
            };
            let all_warnings = warnings(person, side);
            for Counted { what, kinds, is_about, first, suspension } in &counted {
                let subject = |one: &Incident| match one.group_session {
                    _ if one.kind == IncidentKind::LostDispute => format!("payment#{}", one.appointment),
                    Some(SessionOccurrence { session_type, start }) => {
                        format!("{session_type}#{:012}", start.seconds())
                    }
                    None => one.appointment.to_string(),
                };
                let mut incidents: Vec<&Incident> =
                    incidents.iter().filter(|one| kinds.contains(&one.kind)).collect();
                incidents.sort_by_key(|one| (one.at, one.appointment));
                let subjects: BTreeSet<String> = incidents.iter().map(|one| subject(one)).collect();
                // Each subject counts once, and of late cancellations and no-shows, each counterpart.
                let (mut counted_subjects, mut counterparts) = (BTreeSet::new(), BTreeSet::new());
                for one in incidents {
                    let known = simulation.invariants.known.get(&one.appointment);
                    let counterpart = known.map(|known| match party {
                        Party::Client => known.appointment.expert.bits(),
                        _ => known.appointment.client.bits(),
                    });
                    let counterpart = match one.kind {
                        IncidentKind::LostDispute => one.appointment.bits(),
                        _ => counterpart.unwrap_or(one.appointment.bits()),
                    };
                    if !counted_subjects.contains(&subject(one)) && !counterparts.contains(&counterpart) {
                        counted_subjects.insert(subject(one));
                        counterparts.insert(counterpart);
                    }
                }
                let count = counterparts.len();
                let mut warnings = all_warnings.iter().filter(|(subject, _)| is_about(subject));
                let has = format!("{person} has {count} {what} as {side} that count");
                if count >= *first && !subjects.iter().any(|one| all_warnings.contains_key(one)) {
                    violations.push(format!("{has}, and was not warned"));
                }
                if let Some((_, early)) = warnings.find(|(_, incidents)| **incidents < *first) {
                    violations.push(format!("{person} was warned after {early} {what}"));
                }
                if count >= *suspension && suspended_by_platform(person) == 0 {
                    violations.push(format!("{has}, and was not suspended"));
                }
            }
        }
    }
    for person in people("PERSON#", "SUSPENSION") {
        let times = suspended_by_platform(person);
        let reached = ["expert", "client"].map(|side| {
            let reaches = |(subject, number): &(String, usize)| {
                counted.iter().any(|one| (one.is_about)(subject) && *number >= one.suspension)
            };
            warnings(person, side).into_iter().filter(reaches).count()
        });
        let reached: usize = reached.iter().sum();
        if times > reached {
            violations.push(format!("{person} was suspended {times} times after {reached} incidents"));
        }
    }
}

/// The payment account that the platform stores for an expert.
fn known_account(simulation: &Simulation, expert: ExpertId) -> Option<PaymentAccount> {
    simulation.direct.payment_account(expert, GatewayKind::Stripe).now_or_never()?.ok()?
}

/// Checks that each account is stored with its current state, and that each payout is in the ledger once.
fn check_accounts(
    simulation: &Simulation,
    core: &Core,
    accounts: &BTreeMap<ExpertId, PaymentAccount>,
    violations: &mut Vec<String>,
) {
    for (name, account) in &core.gateway.accounts {
        let expert = account.expert;
        // An account whose creation was never recorded belongs to no expert and must stay empty.
        let Some(known) = accounts.get(&expert).filter(|known| known.account == *name) else {
            if account.balance != 0 || !account.payouts.is_empty() {
                violations.push(format!("{name} of {expert} has money, but is not stored"));
            }
            continue;
        };
        if known.charges_enabled != account.charges_enabled {
            violations.push(format!(
                "the stored account of {expert} is out of date: charges_enabled is {}",
                account.charges_enabled
            ));
        }
        let pk = store::payments::keys::ledger_of_expert(expert);
        let written = core.table.with_prefix(&pk, "PAYOUT#").len();
        if written != account.payouts.len() {
            violations.push(format!("{written} of {} payouts are recorded", account.payouts.len()));
        }
    }
    for (id, charge) in &core.actors.promised_charges {
        let Some(known) = simulation.invariants.known.get(id) else { continue };
        let target = known
            .payment
            .as_ref()
            .map_or(0, |payment| payment.amount_due(&known.appointment.status).amount());
        if target > *charge {
            violations.push(format!("{charge} was promised for {id}, and its client pays {target}"));
        }
    }
}

/// Sums movements by kind and object, to compare the ledger with the gateway.
fn by_object<'a>(
    movements: impl Iterator<Item = &'a Movement>,
) -> BTreeMap<(MovementKind, String), (u64, usize)> {
    let mut told = BTreeMap::new();
    for movement in movements {
        let one: &mut (u64, usize) = told.entry((movement.kind, movement.object.clone())).or_default();
        one.0 += movement.amount.amount();
        one.1 += 1;
    }
    told
}

/// Checks that an appointment has ended and that each party has the correct amount.
fn check_money(core: &Core, known: &ObservedAppointment, violations: &mut Vec<String>) {
    let ObservedAppointment { appointment, payment, movements } = known;
    let id = appointment.id;
    if appointment.status.is_active() {
        violations.push(format!("{id} stays {}", appointment.status.as_str()));
    }
    let Some(payment) = payment else { return };
    let mut fail = |what: String| {
        violations.push(format!("{id}, {} and {:?}: {what}", appointment.status.as_str(), payment.state));
    };
    let written = by_object(movements.iter().filter(|one| one.kind.is_at_gateway()));
    let really = by_object(core.gateway.movements(id).into_iter());
    if written != really {
        let missing: Vec<_> = really.iter().filter(|(key, one)| written.get(key) != Some(one)).collect();
        fail(format!("the ledger lacks {missing:?}"));
        return;
    }
    if payment.escalation.is_some() {
        fail(format!("{:?} was not resolved", payment.escalation));
    }
    let target = payment.amount_due(&appointment.status);
    if appointment.no_show_report.is_some_and(NoShowReport::is_unresolved) {
        fail("its outcome was not decided".to_owned());
    }
    let totals = Totals::of(movements);
    if totals.authorized > 0 {
        fail(format!("{} remains authorized", totals.authorized));
    }
    let secret_is_open = core.gateway.intents.values().any(|intent| {
        intent.appointment == id && intent.status == domain::payments::payment::IntentStatus::Open
    });
    // An intent that was never recorded cannot be paid, because no client has its secret.
    let told = core.actors.secrets.iter().any(|(of, secret)| {
        *of == id
            && core
                .gateway
                .intents
                .get(secret)
                .is_some_and(|intent| intent.status == domain::payments::payment::IntentStatus::Open)
    });
    if secret_is_open && told {
        fail("it has ended, and can still be paid".to_owned());
    }
    let balances = Balances::of(movements);
    let currency = payment.amount.currency();
    let of = |account| balances.get(account, currency);
    let paid = -of(Account::Client);
    let owed = i128::from(target.amount());
    let by_others = core.gateway.taken_outside.get(&id).copied().unwrap_or(0);
    if totals.captured == 0 {
        let nothing_due =
            owed == 0 || target.check_charge().is_err() || payment.state == PaymentState::Unpaid;
        if !nothing_due {
            fail(format!("{owed} is due, and nothing was paid"));
        }
        let asked_in_vain = payment.action_deadline.is_some() || core.gateway.was_refused(id);
        let chargeable = owed > 0 && target.check_charge().is_ok();
        if payment.state == PaymentState::Unpaid && chargeable && !asked_in_vain {
            fail(format!("{owed} is written off, although no payment was refused"));
        }
        return;
    }
    // An amount that was returned outside the platform is not refunded again.
    if !(owed - i128::from(by_others)..=owed).contains(&paid) {
        fail(format!(
            "the client paid {paid}, not {owed}, of which {by_others} was returned outside the platform"
        ));
    }
    if payment.resolved_with_expert {
        return;
    }
    // Whoever has paid the gateway's fee has what the client pays for the processing of their refund.
    let kept = of(Account::ProcessingCosts);
    let cost = payment.processing_cost.map_or(0, |cost| i128::from(cost.amount()));
    if kept != cost {
        fail(format!("the platform has kept {kept} for the processing of the refund, not {cost}"));
    }
    // The platform holds what the expert does not, because each movement goes from one account to another.
    let expert = of(Account::Expert);
    let processing_cost = payment.processing_cost.map_or(0, |cost| i128::from(cost.amount()));
    let final_charge = (paid.clamp(0, owed) - processing_cost).max(0);
    let kept_money = target.with_amount(u64::try_from(final_charge).unwrap_or(0)).unwrap_or(target);
    let points = u64::from(payment.fee_rate.basis_points());
    let fee = i128::from(part_of(kept_money.amount(), points, currency.charge_step()));
    // Only the gateway's fee refunds are rounded separately.
    let exact = totals.transferred > totals.captured
        || payment.payout_timing == PayoutTiming::AfterSession
        || payment.share_owed.is_some();
    let rounding = match exact || final_charge == 0 || final_charge == i128::from(totals.captured) {
        true => 0,
        false => i128::from(currency.charge_step()),
    };
    let withheld = payment.withheld.map_or(0, |withheld| i128::from(withheld.amount()));
    let share = final_charge - fee - withheld;
    // What they owe instead of returning it.
    let expert = expert - payment.share_owed.map_or(0, |owed| i128::from(owed.amount()));
    if (expert - share).abs() > rounding {
        fail(format!("of {final_charge} the expert has {expert}, not {share}"));
    }
}

/// Checks that the fee in the ledger is the one on what was paid out after the session. A change of one step by rounding moves
/// nothing.
fn check_fee_of_held_share(known: &ObservedAppointment, violations: &mut Vec<String>) {
    let ObservedAppointment { appointment, payment: Some(payment), movements } = known else { return };
    if payment.payout_timing == PayoutTiming::AtPayment || payment.resolved_with_expert {
        return;
    }
    let Totals { transferred, reversed, fee, fee_refunded, .. } = Totals::of(movements);
    let (kept, step) = (transferred.saturating_sub(reversed), payment.amount.currency().charge_step());
    let right = part_of(kept, u64::from(payment.fee_rate.basis_points()), step);
    let fee = fee.saturating_sub(fee_refunded);
    if fee.abs_diff(right) > step {
        violations.push(format!("the fee of {} is {fee} in the ledger, not {right}", appointment.id));
    }
}

/// Checks that each movement that requires a receipt has exactly one, with the same amount.
fn check_receipts(known: &ObservedAppointment, simulation: &Simulation, violations: &mut Vec<String>) {
    let id = known.appointment.id;
    let mut wanted: Vec<(&str, Money)> = known
        .movements
        .iter()
        .filter(|one| {
            use MovementKind::{Captured, ProcessingCost, Refund, RefundFailed, ResolvedManually};
            matches!(one.kind, Captured | Refund | RefundFailed | ResolvedManually | ProcessingCost)
        })
        .map(|one| (one.object.as_str(), one.amount))
        .collect();
    let all = simulation.invariants.receipts.values().flat_map(BTreeMap::values);
    let of = all.filter(|receipt| receipt.appointment == id);
    let mut check_receipt: Vec<(&str, Money)> =
        of.map(|receipt| (receipt.name().object, receipt.total)).collect();
    wanted.sort_unstable_by_key(|(object, money)| (*object, money.amount()));
    check_receipt.sort_unstable_by_key(|(object, money)| (*object, money.amount()));
    if wanted != check_receipt {
        violations.push(format!("{id} has the receipts {check_receipt:?}, not {wanted:?}"));
    }
}
