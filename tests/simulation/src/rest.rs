//! Rest: nothing goes wrong any more, time passes, people decide what only people can, and everything owed is worked off.
//!
//! Then everybody has what is theirs, and the ledger, the appointments and the gateway say the same.

use std::collections::BTreeMap;

use app::AppError;
use app::identity::people::Person;
use app::payments::error::PaymentsError;
use app::scheduling::error::SchedulingError;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances, Movement, MovementKind, Totals};
use domain::payments::payment::{Escalation, PaymentState};
use domain::scheduling::appointment::{NoShowReport, Outcome};
use domain::scheduling::party::Party;
use domain::{ExpertId, Money, TimeSpan};
use store::Item;

use crate::core::Core;
use crate::gateway;
use crate::invariants::Known;
use crate::invariants::policy::part_of;
use crate::people::{Ask, Asked, Heard, How, ask};
use crate::simulation::Simulation;
use crate::weather::Weather;

/// More than this many steps are no rest.
const MOST_STEPS: u64 = 400_000;
/// More than so many rounds of decisions are none either.
const MOST_ROUNDS: usize = 60;

/// Brings a world to rest, and checks what must hold then.
pub fn come_to_rest(simulation: &mut Simulation) {
    {
        let core = &mut *simulation.shared.lock();
        core.say(|| "and then: nothing goes wrong any more".to_owned());
        core.weather = Weather::calm();
        core.mishap = None;
        core.people.unanswered.clear();
        core.gateway.refuse_nothing();
        // No message tells of it.
        for account in core.gateway.accounts.values_mut() {
            account.charges_enabled = true;
        }
        gateway::decide_disputes(core);
        gateway::settle_processing(core);
    }
    if !simulation.is_sound() {
        return;
    }
    for _ in 0..MOST_ROUNDS {
        if !process(simulation) {
            return;
        }
        if !decide(simulation) && !reconcile(simulation) {
            // Accounts are looked at once a day.
            simulation.shared.lock().later((DAY + HOUR) * 1_000, |_| {});
            if process(simulation) {
                check(simulation);
            }
            return;
        }
    }
    simulation
        .shared
        .lock()
        .wrong("it never comes to rest: somebody always has something to decide".to_owned());
}

/// Lets everything happen that will happen by itself.
fn process(simulation: &mut Simulation) -> bool {
    simulation.start();
    for _ in 0..MOST_STEPS {
        if !simulation.is_sound() {
            return false;
        }
        if !simulation.step() {
            return true;
        }
    }
    let core = &mut *simulation.shared.lock();
    core.wrong("it never comes to rest: there is always something more to do".to_owned());
    false
}

/// Banks and administrators decide what is left to them. Whether there was anything.
fn decide(simulation: &mut Simulation) -> bool {
    let wanted: Vec<(domain::AppointmentId, Ask)> = simulation
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
                    // What was given back before cannot be taken again.
                    let outcome = match final_charge < price {
                        true => Outcome::NoShow { missed_by: Party::Expert },
                        false => Outcome::Completed,
                    };
                    Some((id, Ask::End(id, outcome, None)))
                }
                Escalation::DisputeLost { .. } => Some((id, Ask::Decide(id, How::ResolvedManually))),
                Escalation::RefundFailed { .. } | Escalation::Refused { .. } => {
                    Some((id, Ask::Decide(id, How::TryAgain)))
                }
            }
        })
        .collect();
    let core = &mut *simulation.shared.lock();
    let decided = gateway::decide_disputes(core) | gateway::settle_processing(core);
    let admin = core.people.admin.clone();
    let any = decided || !wanted.is_empty();
    for (_, wanted) in wanted {
        ask(core, Asked { person: admin.clone(), ask: wanted, before: 0 });
    }
    any
}

/// Holds the ledger against the books until all of them were compared. Whether that found anything to do.
fn reconcile(simulation: &mut Simulation) -> bool {
    let calls = |simulation: &Simulation| simulation.shared.lock().table.capacity.writes;
    let mut lasting = 0;
    // A run compares a day at most, and the last hour never.
    simulation.pass(7_200);
    for _ in 0..500 {
        simulation.pass(60);
        let now = simulation.shared.lock().instant();
        let outcome = {
            let core = &mut *simulation.shared.lock();
            let admin = core.people.admin.clone();
            ask(core, Asked { person: admin, ask: Ask::Reconcile, before: 0 })
        };
        let before = calls(simulation);
        simulation.start();
        if !process(simulation) {
            return true;
        }
        let heard = outcome.lock().ok().and_then(|mut outcome| outcome.take().flatten());
        let Some(Ok(Heard { differences, .. })) = heard else {
            simulation.shared.lock().wrong("the reconciler failed in calm weather".to_owned());
            return true;
        };
        let compared = simulation.compared();
        let caught_up = compared.is_some_and(|until| until.plus(2 * 3_600) >= now);
        let quiet = calls(simulation) - before < 6;
        if !caught_up || !quiet {
            lasting = if caught_up { lasting + 1 } else { lasting };
            if lasting > 60 {
                simulation.shared.lock().wrong("the reconciler never comes to rest".to_owned());
                return true;
            }
            continue;
        }
        if differences > 0 {
            simulation
                .shared
                .lock()
                .wrong(format!("{differences} differences between ledger and books stand"));
            return true;
        }
        return needs_decision(simulation);
    }
    simulation.shared.lock().wrong("the reconciler never catches up".to_owned());
    true
}

/// Asks for something in calm weather, and waits until nothing is left to do.
fn answer(simulation: &mut Simulation, person: &Person, wanted: Ask) -> Option<Result<Heard, AppError>> {
    let told = {
        let core = &mut *simulation.shared.lock();
        ask(core, Asked { person: person.clone(), ask: wanted, before: 0 })
    };
    simulation.start();
    if !process(simulation) {
        return None;
    }
    told.lock().ok().and_then(|mut told| told.take().flatten())
}

/// Whoever asks for a slot that is listed gets it, and whoever asks for a start that is not is refused: also after everything
/// that happened, nothing is kept from anybody.
pub fn book_what_is_listed(simulation: &mut Simulation) {
    let (experts, client) = {
        let core = simulation.shared.lock();
        (core.people.experts.clone(), core.people.clients.first().cloned())
    };
    let Some(client) = client else { return };
    for (expert, session_type) in
        experts.iter().flat_map(|expert| expert.types.iter().map(move |(id, _)| (expert, *id)))
    {
        for last in [false, true] {
            let now = simulation.shared.lock().instant();
            // Not so near that time passes it by meanwhile.
            let range = TimeSpan::new(now.plus(2 * HOUR), now.plus(7 * DAY));
            let id = expert.person.expert_id();
            let known = known_account(&simulation.shared.lock(), id);
            let can_be_paid = known.is_some_and(|account| account.charges_enabled);
            let listed = match answer(simulation, &client, Ask::Slots(id, session_type, range)) {
                Some(Ok(heard)) => heard.starts,
                // It was withdrawn.
                Some(Err(AppError::NotFound(_))) => break,
                other => return complain(simulation, format!("slots cannot be listed: {other:?}")),
            };
            let wanted = if last { listed.last() } else { listed.first() };
            let Some(start) = wanted.copied() else {
                return complain(simulation, format!("{id} has no slot of {session_type} in a week"));
            };
            let between = start.plus(60);
            for (start, is_listed) in [(between, listed.contains(&between)), (start, true)] {
                let key = simulation.shared.lock().people.key();
                let wanted = Ask::Book { expert: id, session_type, start, seats: 1, pay_in: None, key };
                match (answer(simulation, &client, wanted), is_listed) {
                    (Some(Ok(_)), true)
                    | (Some(Err(AppError::Scheduling(SchedulingError::Slot(_)))), false) => {}
                    // It is for them to open an account and to answer what the gateway asks.
                    (Some(Err(AppError::Payments(PaymentsError::NotReady))), true) if !can_be_paid => {}
                    (answer, _) => {
                        let listed = if is_listed { "is listed" } else { "is not listed" };
                        return complain(
                            simulation,
                            format!("{start} of {id} {listed}, and then {answer:?}"),
                        );
                    }
                }
            }
        }
    }
}

fn complain(simulation: &Simulation, what: String) {
    let core = &mut *simulation.shared.lock();
    if core.wrong.is_empty() {
        core.wrong(what);
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

/// Everything that must hold at rest.
pub fn check(simulation: &mut Simulation) {
    let mut wrong = Vec::new();
    {
        let core = &*simulation.shared.lock();
        for known in simulation.invariants.known.values() {
            settled(core, known, &mut wrong);
            documented(known, simulation, &mut wrong);
        }
        let owed = core.table.all("APT#", "OUTBOX#").into_iter().chain(core.table.all("EXPERT#", "OUTBOX#"));
        // Payouts are looked at every day for ever.
        for (key, _) in owed.filter(|(key, _)| !key.sk.starts_with("OUTBOX#payouts:")) {
            wrong.push(format!("{key} is still owed"));
        }
        for event in &core.bus.owed {
            if !core.bus.published.contains_key(event) {
                wrong.push(format!("{event} was owed, and never published"));
            }
        }
        if core.queue.messages > 0 {
            wrong.push(format!("{} messages are in the queue", core.queue.messages));
        }
        accounts(simulation, core, &mut wrong);
    }
    let core = &mut *simulation.shared.lock();
    for what in wrong {
        core.wrong(what);
    }
}

/// An expert's account as the platform knows it.
fn known_account(core: &Core, expert: ExpertId) -> Option<PaymentAccount> {
    let item = core.table.get(&store::payments::keys::payment_account(expert, GatewayKind::Stripe))?;
    serde_dynamo::from_item(Item::clone(item)).ok()
}

/// Everybody's account is known as it is, and each of its payouts is in the ledger, once.
fn accounts(simulation: &Simulation, core: &Core, wrong: &mut Vec<String>) {
    for (name, account) in &core.gateway.accounts {
        let expert = account.expert;
        // One that was opened for somebody who never heard of it is nobody's, and stays empty.
        let Some(known) = known_account(core, expert).filter(|known| known.account == *name) else {
            if account.balance != 0 || !account.payouts.is_empty() {
                wrong.push(format!("{name} of {expert} has money, and nobody knows of it"));
            }
            continue;
        };
        if known.charges_enabled != account.charges_enabled {
            wrong.push(format!("{expert} can be paid: {}; known is otherwise", account.charges_enabled));
        }
        let pk = store::payments::keys::ledger_of_expert(expert);
        let written = core.table.starting(&pk, "PAYOUT#").len();
        if written != account.payouts.len() {
            wrong.push(format!("{written} payouts are written down of {}", account.payouts.len()));
        }
    }
    for (id, charge) in &core.people.promised {
        let Some(known) = simulation.invariants.known.get(id) else { continue };
        let target =
            known.payment.as_ref().map_or(0, |payment| payment.target(&known.appointment.status).amount());
        if target > *charge {
            wrong.push(format!("{charge} were to be taken for {id}, and its client pays {target}"));
        }
    }
}

/// A movement as both sides must tell it.
fn told<'a>(movements: impl Iterator<Item = &'a Movement>) -> BTreeMap<(MovementKind, String), (u64, usize)> {
    let mut told = BTreeMap::new();
    for movement in movements {
        let one: &mut (u64, usize) = told.entry((movement.kind, movement.object.clone())).or_default();
        one.0 += movement.amount.amount();
        one.1 += 1;
    }
    told
}

/// An appointment is over, and everybody has what is theirs.
fn settled(core: &Core, known: &Known, wrong: &mut Vec<String>) {
    let Known { appointment, payment, movements } = known;
    let id = appointment.id;
    if appointment.status.is_active() {
        wrong.push(format!("{id} stays {}", appointment.status.as_str()));
    }
    let Some(payment) = payment else { return };
    let mut fail = |what: String| {
        wrong.push(format!("{id}, {} and {:?}: {what}", appointment.status.as_str(), payment.state));
    };
    let written = told(movements.iter().filter(|one| one.kind != MovementKind::ResolvedManually));
    let really = told(core.gateway.movements(id).into_iter());
    if written != really {
        let missing: Vec<_> = really.iter().filter(|(key, one)| written.get(key) != Some(one)).collect();
        fail(format!("the ledger lacks {missing:?}"));
        return;
    }
    if payment.escalation.is_some() {
        fail(format!("nobody decided subject {:?}", payment.escalation));
    }
    let target = payment.target(&appointment.status);
    if appointment.no_show_report.is_some_and(|review| review == NoShowReport::Disputed) && !target.is_zero()
    {
        fail("nobody decided how it ended".to_owned());
    }
    let totals = Totals::of(movements);
    if totals.authorised > 0 {
        fail(format!("{} stay set aside", totals.authorised));
    }
    let secret_is_open = core.gateway.intents.values().any(|intent| {
        intent.appointment == id && intent.status == domain::payments::payment::IntentStatus::Open
    });
    // An intent that nobody noted nobody can pay either: its secret was never told.
    let told = core.people.secrets.iter().any(|(of, secret)| {
        *of == id
            && core
                .gateway
                .intents
                .get(secret)
                .is_some_and(|intent| intent.status == domain::payments::payment::IntentStatus::Open)
    });
    if secret_is_open && told {
        fail("it is over, and can still be paid".to_owned());
    }
    let balances = Balances::of(movements);
    let currency = payment.amount.currency();
    let of = |account| balances.get(account, currency);
    let paid = -of(Account::Client);
    let owed = i128::from(target.amount());
    let by_others = core.gateway.taken_by_others.get(&id).copied().unwrap_or(0);
    if totals.captured == 0 {
        let nothing_due =
            owed == 0 || target.check_charge().is_err() || payment.state == PaymentState::Unpaid;
        if !nothing_due {
            fail(format!("{owed} are owed, and nothing was paid"));
        }
        let asked_in_vain = payment.action_deadline.is_some() || core.gateway.was_refused(id);
        let chargeable = owed > 0 && target.check_charge().is_ok();
        if payment.state == PaymentState::Unpaid && chargeable && !asked_in_vain {
            fail(format!("{owed} are given up, and nobody refused to pay"));
        }
        return;
    }
    // What others gave back is not asked for again.
    if !(owed - i128::from(by_others)..=owed).contains(&paid) {
        fail(format!("the client paid {paid}, not {owed}, of which others gave {by_others} back"));
    }
    if payment.resolved_with_expert {
        return;
    }
    // What the expert does not have the platform has, for each movement is from one account to another.
    let expert = of(Account::Expert);
    let final_charge = paid.clamp(0, owed);
    let kept_money = target.with_amount(u64::try_from(final_charge).unwrap_or(0)).unwrap_or(target);
    let points = u64::from(payment.fee_rate.basis_points());
    let fee = i128::from(part_of(kept_money.amount(), points, currency.charge_step()));
    let given_again = totals.transferred > totals.captured;
    let rounding = match given_again || final_charge == 0 || final_charge == i128::from(totals.captured) {
        true => 0,
        false => i128::from(currency.charge_step()),
    };
    if (expert - (final_charge - fee)).abs() > rounding {
        fail(format!("of {final_charge} the expert has {expert}, not {}", final_charge - fee));
    }
}

/// Each movement that calls for a document has exactly one, over its amount.
fn documented(known: &Known, simulation: &Simulation, wrong: &mut Vec<String>) {
    let id = known.appointment.id;
    let mut wanted: Vec<(&str, Money)> = known
        .movements
        .iter()
        .filter(|one| {
            use MovementKind::{Captured, Refund, RefundFailed, ResolvedManually};
            matches!(one.kind, Captured | Refund | RefundFailed | ResolvedManually)
        })
        .map(|one| (one.object.as_str(), one.amount))
        .collect();
    let all = simulation.invariants.receipts.values().flat_map(BTreeMap::values);
    let of = all.filter(|receipt| receipt.appointment == id);
    let mut issued: Vec<(&str, Money)> = of.map(|receipt| (receipt.name().object, receipt.total)).collect();
    wanted.sort_unstable_by_key(|(object, money)| (*object, money.amount()));
    issued.sort_unstable_by_key(|(object, money)| (*object, money.amount()));
    if wanted != issued {
        wrong.push(format!("{id} has the documents {issued:?}, and should have {wanted:?}"));
    }
}
