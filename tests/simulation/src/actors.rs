//! People who book, pay, call off, move, complete, contradict, decide and edit, and banks that dispute: as the seed draws.

use crate::people::How;
use app::identity::people::Person;
use domain::experts::availability::DateRange;
use domain::kernel::time::{DAY, HOUR, MINUTE};
use domain::payments::payment::OrderKind;
use domain::scheduling::appointment::{Outcome, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ExpertId, Rate, TimeSpan, Timestamp};

use crate::core::Core;
use crate::gateway::{self, Pays};
use crate::invariants::Stood;
use crate::people::{Ask, Asked, ask};
use crate::table::Rows;

/// How often each thing is done, and how far ahead is booked: another mix for each seed.
#[derive(Debug, Clone)]
pub struct Mix {
    deeds: Vec<(u32, Deed)>,
    /// How far ahead sessions are booked, in seconds.
    horizons: Vec<i64>,
    /// How many starts somebody chooses from.
    width: u64,
    /// How often things happen at once, in ten thousand.
    burst: u32,
    /// How long nothing happens at most, in seconds.
    lull: i64,
    /// How often somebody else books at the same moment, in ten thousand.
    rivals: u32,
    /// How often nothing happens until something is to be decided, in ten thousand.
    leaps: u32,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Book,
    Repeat,
    Pay,
    WayToPay,
    Cancel,
    Reschedule,
    End,
    Refund,
    Decide,
    Slots,
    Edit,
    Retire,
    Hours,
    Onboard,
    Connection,
    Fee,
    Dispute,
    DecideDispute,
    SomebodyRefunds,
    Restrict,
    Refuse,
    Payout,
    Forget,
}

impl Mix {
    /// A seed's own mix.
    pub fn draw(core: &mut Core) -> Self {
        let chance = &mut core.people.chance;
        let usual = [
            (30, Deed::Book),
            (12, Deed::Repeat),
            (40, Deed::Pay),
            (4, Deed::WayToPay),
            (6, Deed::Cancel),
            (5, Deed::Reschedule),
            (16, Deed::End),
            (3, Deed::Refund),
            (3, Deed::Decide),
            (1, Deed::Slots),
            (1, Deed::Edit),
            (1, Deed::Hours),
            (1, Deed::Onboard),
            (1, Deed::Connection),
            (1, Deed::Fee),
            (2, Deed::Dispute),
            (2, Deed::DecideDispute),
            (1, Deed::SomebodyRefunds),
            (1, Deed::Restrict),
            (1, Deed::Refuse),
            (2, Deed::Payout),
            (1, Deed::Forget),
        ];
        let mut deeds: Vec<(u32, Deed)> =
            usual.into_iter().map(|(weight, deed)| (weight * *chance.pick(&[1, 4, 4, 16]), deed)).collect();
        deeds.push((1, Deed::Retire));
        let whole = [2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 10 * DAY, 30 * DAY];
        let horizons = (0..*chance.pick(&[1, 2, 4])).map(|_| *chance.pick(&whole)).collect();
        Self {
            deeds,
            horizons,
            width: *chance.pick(&[1, 3, 8, 40]),
            burst: *chance.pick(&[2_000, 6_000, 9_000, 9_700]),
            lull: *chance.pick(&[30 * MINUTE, 4 * HOUR, DAY]),
            rivals: *chance.pick(&[0, 1_000, 5_000]),
            leaps: *chance.pick(&[0, 300, 1_000]),
        }
    }
}

/// Lets one thing happen, and plans the next, until so many operations were made.
pub fn drive(core: &mut Core, mix: Mix, operations: u64) {
    if core.calls + core.steps >= operations {
        return;
    }
    core.steps += 1;
    let deed = core.people.chance.weighted(&mix.deeds);
    happen(core, &mix, deed);
    let chance = &mut core.people.chance;
    let decision = if chance.hits(mix.leaps) { some_decision(core) } else { None };
    let chance = &mut core.people.chance;
    let pause = if let Some(instant) = decision {
        instant - core.now
    } else if chance.hits(mix.burst) {
        chance.between(0, 150)
    } else if chance.hits(6_000) {
        chance.between(0, 60_000)
    } else {
        chance.between(0, mix.lull * 1_000)
    };
    core.later(pause, move |core| drive(core, mix, operations));
}

/// What is done twice a day: the ledger is held against the books, and exchange rates are fetched. The product does both every
/// hour, and reads as much in the end.
pub fn schedules(core: &mut Core, operations: u64) {
    if core.calls + core.steps < operations {
        for wanted in [Ask::Rates, Ask::Reconcile] {
            let person = core.people.admin.clone();
            ask(core, Asked { person, ask: wanted, before: 0 });
        }
        core.later(12 * HOUR * 1_000, move |core| schedules(core, operations));
    }
}

fn pick<T: Clone>(core: &mut Core, of: &[T]) -> Option<T> {
    if of.is_empty() { None } else { Some(core.people.chance.pick(of).clone()) }
}

/// One of the latest appointments; sometimes an old one, and mostly one that stands as wanted.
fn some_appointment(
    core: &mut Core,
    stands: impl Fn(&Core, AppointmentId, &Stood) -> bool,
) -> Option<(AppointmentId, ExpertId, domain::ClientId)> {
    let all = &core.people.appointments;
    if all.is_empty() {
        return None;
    }
    if core.people.chance.hits(7_500) {
        let fits = |id: AppointmentId| {
            core.stood.get(&id).and_then(|states| states.last()).is_some_and(|state| stands(core, id, state))
        };
        let all = core.people.appointments.iter().rev();
        let fitting: Vec<_> = all.filter(|(id, ..)| fits(*id)).take(8).copied().collect();
        if !fitting.is_empty() {
            return Some(*core.people.chance.pick(&fitting));
        }
    }
    let all = core.people.appointments.len();
    let latest = if core.people.chance.hits(7_000) { all.min(8) } else { all };
    let place = all - 1 - usize::try_from(core.people.chance.below(latest as u64)).unwrap_or(0);
    core.people.appointments.get(place).copied()
}

/// An instant at which something will have to be decided about an appointment, or shortly before or after it.
fn some_decision(core: &mut Core) -> Option<i64> {
    let (id, ..) = some_appointment(core, |_, _, state| state.status.is_active())?;
    let state = core.stood.get(&id)?.last()?;
    let (start, end) = (state.session.start(), state.session.end());
    let mut instants = vec![start.plus(-DAY), start, end, end.plus(DAY), end.plus(-5 * DAY)];
    if let Status::Pending { hold_expires_at } = state.status {
        instants.extend([hold_expires_at; 4]);
    }
    let instant = core.people.chance.pick(&instants).seconds() * 1_000;
    let around = *core.people.chance.pick(&[100, 3_000, 60_000]);
    Some(instant + core.people.chance.between(-around, around)).filter(|at| *at > core.now)
}

/// One of the people of an appointment, or an administrator.
fn somebody_of(core: &mut Core, expert: ExpertId, client: domain::ClientId) -> Option<(Person, Party)> {
    let party = *core.people.chance.pick(&[
        Party::Client,
        Party::Client,
        Party::Expert,
        Party::Expert,
        Party::Platform,
    ]);
    let person = match party {
        Party::Client => core.people.client(client)?.clone(),
        Party::Expert => core.people.expert(expert)?.person.clone(),
        Party::Platform => core.people.admin.clone(),
    };
    Some((person, party))
}

fn some_start(core: &mut Core, mix: &Mix) -> Timestamp {
    let horizon = *core.people.chance.pick(&mix.horizons);
    let place = i64::try_from(core.people.chance.below(mix.width)).unwrap_or(0);
    let grid = 30 * MINUTE;
    let seconds = core.instant().seconds() + horizon;
    Timestamp::from_seconds((seconds / (4 * HOUR) * (4 * HOUR)) + place * grid)
}

fn happen(core: &mut Core, mix: &Mix, deed: Deed) {
    let send = |core: &mut Core, person: Person, wanted: Ask| {
        ask(core, Asked { person, ask: wanted, before: 0 });
    };
    let experts = core.people.experts.clone();
    let Some(expert) = pick(core, &experts) else { return };
    let owner = expert.person.clone();
    match deed {
        Deed::Book => {
            let clients = core.people.clients.clone();
            let (Some(client), Some((session_type, terms))) =
                (pick(core, &clients), pick(core, &expert.types))
            else {
                return;
            };
            let start = some_start(core, mix);
            let seats = if terms.capacity > 1 { *core.people.chance.pick(&[1, 1, 2]) } else { 1 };
            let pay_in = match core.people.chance.hits(5_000) {
                true => pick(core, &terms.presentment_currencies),
                false => None,
            };
            let key = core.people.key();
            let wanted = Ask::Book { expert: owner.expert_id(), session_type, start, seats, pay_in, key };
            let asked = Asked { person: client, ask: wanted, before: 0 };
            // Impatient people press twice.
            if core.people.chance.hits(500) {
                ask(core, asked.clone());
            }
            // And others want the same, or something near it, at the same moment.
            while core.people.chance.hits(mix.rivals) {
                let Some(person) = pick(core, &clients) else { break };
                let start = some_start(core, mix);
                let key = core.people.key();
                let wanted =
                    Ask::Book { expert: owner.expert_id(), session_type, start, seats: 1, pay_in: None, key };
                ask(core, Asked { person, ask: wanted, before: 0 });
            }
            ask(core, asked);
        }
        Deed::Repeat => {
            let open = core.people.unanswered.len();
            if open > 0 {
                let place = usize::try_from(core.people.chance.below(open as u64)).unwrap_or(0);
                let mut asked = core.people.unanswered.swap_remove(place);
                // Some change their mind and forget to take another key.
                if let Ask::Book { start, .. } = &mut asked.ask
                    && core.people.chance.hits(300)
                {
                    *start = start.plus(2 * HOUR);
                }
                ask(core, asked);
            }
        }
        Deed::Pay => {
            let open = core.people.secrets.len();
            if open > 0 {
                let latest = open - open.min(6)..open;
                let payable = |place: &usize| core.gateway.is_payable(&core.people.secrets[*place].1);
                let places: Vec<usize> = latest.clone().filter(payable).collect();
                let places = if places.is_empty() { latest.collect() } else { places };
                let place = *core.people.chance.pick(&places);
                let (_, secret) = core.people.secrets[place].clone();
                let declines = core.people.chance.hits(core.weather.decline);
                let how = if declines {
                    Pays::Declined
                } else {
                    *core.people.chance.pick(&[Pays::Now, Pays::Now, Pays::Now, Pays::Slowly])
                };
                if gateway::pays(core, &secret, how) && how != Pays::Declined {
                    core.people.secrets.remove(place);
                }
            }
        }
        Deed::WayToPay => {
            let active = |_: &Core, _, state: &Stood| state.status.is_active();
            let Some((id, _, client)) = some_appointment(core, active) else { return };
            if let Some(person) = core.people.client(client).cloned() {
                send(core, person, Ask::WayToPay(id));
            }
        }
        Deed::Cancel | Deed::Reschedule | Deed::End | Deed::Refund => {
            let stands = |core: &Core, id, state: &Stood| match deed {
                Deed::Cancel => state.status.is_active(),
                Deed::Reschedule => state.status == Status::Confirmed,
                Deed::End => {
                    let began = state.session.start() <= core.instant();
                    began && (state.status == Status::Confirmed || state.status.has_ended())
                }
                _ => core.gateway.was_charged(id),
            };
            let Some((id, expert, client)) = some_appointment(core, stands) else { return };
            let Some((person, party)) = somebody_of(core, expert, client) else { return };
            let owner = core.people.expert(expert).map(|expert| expert.person.clone());
            let person = match (deed, owner) {
                // Only they can.
                (Deed::Refund, Some(owner)) if core.people.chance.hits(8_000) => owner,
                _ => person,
            };
            let currency = core.gateway.currency_of(id).unwrap_or(core.people.currency);
            let wanted = match deed {
                Deed::Cancel if core.people.chance.hits(4_000) => Ask::CancelAsQuoted(id),
                Deed::Cancel => Ask::Cancel(id),
                Deed::Reschedule => Ask::Reschedule(id, some_start(core, mix)),
                Deed::Refund => {
                    let amount = *core.people.chance.pick(&[10, 500, 4_000, 8_000]);
                    let Ok(amount) = domain::Money::new(amount, currency) else { return };
                    Ask::Refund(id, amount, core.people.key())
                }
                _ => {
                    let missed = Outcome::NoShow { missed_by: Party::Expert };
                    let outcome = match party {
                        Party::Client => missed,
                        _ => *core.people.chance.pick(&[
                            Outcome::Completed,
                            Outcome::Completed,
                            Outcome::NoShow { missed_by: Party::Client },
                            missed,
                        ]),
                    };
                    let charge = *core.people.chance.pick(&[None, None, None, Some(1_000), Some(0)]);
                    let charge = charge.filter(|_| outcome == Outcome::Completed);
                    let charge = charge.and_then(|amount| domain::Money::new(amount, currency).ok());
                    Ask::End(id, outcome, charge)
                }
            };
            send(core, person, wanted);
        }
        Deed::Decide => {
            let troubled = |core: &Core, id, _: &Stood| core.gateway.troubled.contains_key(&id);
            let Some((id, ..)) = some_appointment(core, troubled) else { return };
            let decision = *core.people.chance.pick(&[How::TryAgain, How::ResolvedManually]);
            let admin = core.people.admin.clone();
            send(core, admin, Ask::Decide(id, decision));
        }
        Deed::Slots => {
            let Some((session_type, _)) = pick(core, &expert.types) else { return };
            let range = TimeSpan::new(core.instant(), core.instant().plus(14 * DAY));
            send(core, owner.clone(), Ask::Slots(owner.expert_id(), session_type, range));
        }
        Deed::Edit => {
            let Some((session_type, mut terms)) = pick(core, &expert.types) else { return };
            let amount = *core.people.chance.pick(&[5_000, 8_000, 9_990]);
            if core.people.chance.hits(6_000) {
                terms = crate::setting::terms(&mut core.people.chance, core.people.currency);
            } else if !terms.price.is_zero() {
                terms.price = terms.price.with_amount(amount).unwrap_or(terms.price);
            }
            send(core, owner, Ask::Edit(session_type, Box::new(terms)));
        }
        Deed::Retire => {
            let Some((session_type, _)) = pick(core, &expert.types) else { return };
            if expert.types.len() > 1 {
                send(core, owner, Ask::Retire(session_type));
            }
        }
        Deed::Hours => {
            let mut rules = expert.rules.clone();
            match core.people.chance.below(4) {
                0 => rules.weekly.sunday.clear(),
                1 => {
                    let day = domain::kernel::time::Date::try_from(core.instant().plus(2 * DAY).utc_day());
                    rules.blocked.extend(day.map(|day| DateRange { first: day, last: day }));
                }
                _ => {}
            }
            send(core, owner, Ask::Hours(Box::new(rules)));
        }
        Deed::Onboard => send(core, owner, Ask::Onboard),
        Deed::Connection => send(core, owner, Ask::Connection),
        Deed::Fee => {
            let rate = *core.people.chance.pick(&[None, Some(0), Some(1_500), Some(3_333)]);
            let rate = rate.and_then(|points| Rate::from_basis_points(points).ok());
            let admin = core.people.admin.clone();
            send(core, admin, Ask::Fee(owner.expert_id(), rate));
        }
        Deed::Dispute => {
            let charged = core.gateway.charged();
            if let Some(name) = pick(core, &charged) {
                let percent = *core.people.chance.pick(&[100, 100, 40]);
                core.say(|| format!("a client disputes {percent} % of {name}"));
                gateway::opens_dispute(core, &name, percent);
            }
        }
        Deed::DecideDispute => {
            gateway::decide_disputes(core);
        }
        Deed::SomebodyRefunds => {
            let charged = core.gateway.charged();
            if let Some(name) = pick(core, &charged) {
                core.say(|| format!("somebody refunds a part of {name} in the dashboard"));
                gateway::somebody_refunds(core, &name, 20);
            }
        }
        Deed::Restrict => {
            let accounts: Vec<String> = core.gateway.accounts.keys().cloned().collect();
            if let Some(account) = pick(core, &accounts) {
                gateway::restrict(core, &account, false);
                let back = core.people.chance.between(0, 4 * HOUR);
                core.later(back * 1_000, move |core| gateway::restrict(core, &account, true));
            }
        }
        Deed::Refuse => {
            let paid = |core: &Core, id, _: &Stood| core.gateway.secured.contains_key(&id);
            let Some((id, ..)) = some_appointment(core, paid) else { return };
            if core.chance.hits(core.weather.refuses.saturating_mul(5)) {
                let order = *core.people.chance.pick(&[
                    OrderKind::Capture,
                    OrderKind::Refund,
                    OrderKind::Reversal,
                    OrderKind::Transfer,
                ]);
                core.say(|| format!("the gateway refuses {order:?} of {id}"));
                core.gateway.refuse(id, order);
            }
        }
        Deed::Payout => {
            let accounts: Vec<String> = core.gateway.accounts.keys().cloned().collect();
            if let Some(account) = pick(core, &accounts) {
                gateway::payout(core, &account);
            }
        }
        Deed::Forget => Rows::forget(core),
    }
}
