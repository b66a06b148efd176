//! The workload: draws what actors and banks do next.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::actors::Resolution;
use app::identity::signed_in::SignedInPerson;
use domain::experts::availability::DateRange;
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::{DAY, HOUR, MINUTE};
use domain::payments::payment::OrderKind;
use domain::scheduling::appointment::{Outcome, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ExpertId, Rate, TimeSpan, Timestamp};

use crate::actors::{Command, Submission, submit};
use crate::core::Core;
use crate::gateway::{self, ClientPayment};
use crate::invariants::AppointmentState;
use crate::table::TableState;

/// The rate of each activity and the booking horizon. Each seed draws its own workload.
#[derive(Debug, Clone)]
pub struct Workload {
    activities: Vec<(u32, Activity)>,
    /// How far ahead sessions are booked, in seconds.
    horizons: Vec<i64>,
    /// The number of starts to choose from.
    width: u64,
    /// How often the next activity follows at once, per 10,000.
    burst_rate: u32,
    /// The longest pause between two activities, in seconds.
    max_pause: i64,
    /// How often another client books at the same time, per 10,000.
    rival_rate: u32,
    /// How often the time skips to the next deadline of an appointment, per 10,000.
    skip_rate: u32,
}

/// The activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Book,
    HoldGreedily,
    RefundGreedily,
    RetryRequest,
    Pay,
    ReadPayment,
    Cancel,
    Reschedule,
    DecideProposal,
    EndSession,
    Refund,
    ResolveEscalation,
    ListSlots,
    ReplaceSessionType,
    SetHourlyRate,
    RetireSessionType,
    ReplaceAvailability,
    StartOnboarding,
    ReadPaymentAccount,
    SetExpertTerms,
    Dispute,
    DecideDisputes,
    RefundInDashboard,
    RestrictAccount,
    RefuseRequest,
    Payout,
    ExpireRows,
}

impl Workload {
    /// Draws the workload of a seed.
    pub fn draw(core: &mut Core) -> Self {
        let rng = &mut core.actors.rng;
        let usual = [
            (30, Activity::Book),
            (2, Activity::HoldGreedily),
            (2, Activity::RefundGreedily),
            (12, Activity::RetryRequest),
            (40, Activity::Pay),
            (4, Activity::ReadPayment),
            (6, Activity::Cancel),
            (5, Activity::Reschedule),
            (4, Activity::DecideProposal),
            (16, Activity::EndSession),
            (3, Activity::Refund),
            (3, Activity::ResolveEscalation),
            (1, Activity::ListSlots),
            (1, Activity::ReplaceSessionType),
            (1, Activity::SetHourlyRate),
            (1, Activity::ReplaceAvailability),
            (1, Activity::StartOnboarding),
            (1, Activity::ReadPaymentAccount),
            (1, Activity::SetExpertTerms),
            (2, Activity::Dispute),
            (2, Activity::DecideDisputes),
            (1, Activity::RefundInDashboard),
            (1, Activity::RestrictAccount),
            (1, Activity::RefuseRequest),
            (2, Activity::Payout),
            (1, Activity::ExpireRows),
        ];
        let mut activities: Vec<(u32, Activity)> = usual
            .into_iter()
            .map(|(weight, activity)| (weight * *rng.pick(&[1, 4, 4, 16]), activity))
            .collect();
        activities.push((1, Activity::RetireSessionType));
        let whole = [2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 10 * DAY, 30 * DAY];
        let horizons = (0..*rng.pick(&[1, 2, 4])).map(|_| *rng.pick(&whole)).collect();
        Self {
            activities,
            horizons,
            width: *rng.pick(&[1, 3, 8, 40]),
            burst_rate: *rng.pick(&[2_000, 6_000, 9_000, 9_700]),
            max_pause: *rng.pick(&[30 * MINUTE, 4 * HOUR, DAY]),
            rival_rate: *rng.pick(&[0, 1_000, 5_000]),
            skip_rate: *rng.pick(&[0, 300, 1_000]),
        }
    }
}

/// Performs an activity and schedules the next, until a number of operations is reached.
pub fn run_workload(core: &mut Core, workload: Workload, operations: u64) {
    if core.calls + core.steps >= operations {
        return;
    }
    core.steps += 1;
    let activity = core.actors.rng.weighted(&workload.activities);
    perform(core, &workload, activity);
    let rng = &mut core.actors.rng;
    let decision = if rng.happens(workload.skip_rate) { next_decision(core) } else { None };
    let rng = &mut core.actors.rng;
    let pause = if let Some(instant) = decision {
        instant - core.now
    } else if rng.happens(workload.burst_rate) {
        rng.between(0, 150)
    } else if rng.happens(6_000) {
        rng.between(0, 60_000)
    } else {
        rng.between(0, workload.max_pause * 1_000)
    };
    core.schedule_in(pause, move |core| run_workload(core, workload, operations));
}

/// Runs the scheduled jobs twice a day: the comparison with the books and the exchange rates. In production both run every
/// hour, with the same result.
pub fn run_schedules(core: &mut Core, operations: u64) {
    if core.calls + core.steps < operations {
        for command in [Command::FetchExchangeRates, Command::Reconcile] {
            run_scheduled(core, command);
        }
        core.schedule_in(12 * HOUR * 1_000, move |core| run_schedules(core, operations));
    }
}

/// Runs one scheduled job, and again every hour until it succeeds. A comparison that never succeeds would leave a gap: the first
/// one begins only a day before it runs.
fn run_scheduled(core: &mut Core, command: Command) {
    let person = core.actors.admin.clone();
    let reply = submit(core, Submission { person, command: command.clone(), attempts: 0 });
    core.schedule_in(HOUR * 1_000, move |core| {
        let reply = reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !matches!(reply, Some(Some(Ok(_)))) {
            run_scheduled(core, command);
        }
    });
}

fn pick<T: Clone>(core: &mut Core, of: &[T]) -> Option<T> {
    if of.is_empty() { None } else { Some(core.actors.rng.pick(of).clone()) }
}

/// Picks an appointment: mostly a recent one in a suitable state.
fn pick_appointment(
    core: &mut Core,
    stands: impl Fn(&Core, AppointmentId, &AppointmentState) -> bool,
) -> Option<(AppointmentId, ExpertId, domain::ClientId)> {
    let all = &core.actors.appointments;
    if all.is_empty() {
        return None;
    }
    if core.actors.rng.happens(7_500) {
        let fits = |id: AppointmentId| {
            core.history
                .get(&id)
                .and_then(|states| states.last())
                .is_some_and(|state| stands(core, id, state))
        };
        let all = core.actors.appointments.iter().rev();
        let fitting: Vec<_> = all.filter(|(id, ..)| fits(*id)).take(8).copied().collect();
        if !fitting.is_empty() {
            return Some(*core.actors.rng.pick(&fitting));
        }
    }
    let all = core.actors.appointments.len();
    let latest = if core.actors.rng.happens(7_000) { all.min(8) } else { all };
    let place = all - 1 - usize::try_from(core.actors.rng.below(latest as u64)).unwrap_or(0);
    core.actors.appointments.get(place).copied()
}

/// Picks a time shortly before or after a deadline of an appointment.
fn next_decision(core: &mut Core) -> Option<i64> {
    let (id, ..) = pick_appointment(core, |_, _, state| state.status.is_active())?;
    let state = core.history.get(&id)?.last()?;
    let (start, end) = (state.session.start(), state.session.end());
    let mut instants = vec![start.plus(-DAY), start, end, end.plus(DAY), end.plus(-5 * DAY)];
    if let Status::Pending { hold_expires_at } = state.status {
        instants.extend([hold_expires_at; 4]);
    }
    if let Some(proposed) = &state.proposed {
        instants.extend([proposed.expires_at; 4]);
    }
    let instant = core.actors.rng.pick(&instants).seconds() * 1_000;
    let around = *core.actors.rng.pick(&[100, 3_000, 60_000]);
    Some(instant + core.actors.rng.between(-around, around)).filter(|at| *at > core.now)
}

/// Picks the client, the expert or the administrator as the acting party.
fn pick_party(
    core: &mut Core,
    expert: ExpertId,
    client: domain::ClientId,
) -> Option<(SignedInPerson, Party)> {
    let party =
        *core.actors.rng.pick(&[Party::Client, Party::Client, Party::Expert, Party::Expert, Party::Platform]);
    let person = match party {
        Party::Client => core.actors.client(client)?.clone(),
        Party::Expert => core.actors.expert(expert)?.person.clone(),
        Party::Platform => core.actors.admin.clone(),
    };
    Some((person, party))
}

fn pick_start(core: &mut Core, workload: &Workload) -> Timestamp {
    let horizon = *core.actors.rng.pick(&workload.horizons);
    let place = i64::try_from(core.actors.rng.below(workload.width)).unwrap_or(0);
    let grid = 30 * MINUTE;
    let seconds = core.instant().seconds() + horizon;
    Timestamp::from_seconds((seconds / (4 * HOUR) * (4 * HOUR)) + place * grid)
}

/// Picks a duration to book; `None` selects the only one.
fn pick_duration(core: &mut Core, terms: &SessionTypeTerms) -> Option<u16> {
    let duration = pick(core, &terms.durations)?;
    (terms.durations.len() > 1 || core.actors.rng.happens(5_000)).then_some(duration.minutes)
}

fn perform(core: &mut Core, workload: &Workload, activity: Activity) {
    let send = |core: &mut Core, person: SignedInPerson, wanted: Command| {
        submit(core, Submission { person, command: wanted, attempts: 0 });
    };
    let experts = core.actors.experts.clone();
    let Some(expert) = pick(core, &experts) else { return };
    let owner = expert.person.clone();
    match activity {
        Activity::Book => {
            let clients = core.actors.clients.clone();
            let (Some(client), Some((session_type, terms))) =
                (pick(core, &clients), pick(core, &expert.types))
            else {
                return;
            };
            let start = pick_start(core, workload);
            let seats = if terms.capacity > 1 { *core.actors.rng.pick(&[1, 1, 2]) } else { 1 };
            let pay_in = match core.actors.rng.happens(5_000) {
                true => pick(core, &terms.presentment_currencies),
                false => None,
            };
            let duration = pick_duration(core, &terms);
            let (expert, key) = (owner.expert_id(), core.actors.key());
            let wanted = Command::Book { expert, session_type, duration, start, seats, pay_in, key };
            let asked = Submission { person: client, command: wanted, attempts: 0 };
            // Some clients send the request twice.
            if core.actors.rng.happens(500) {
                submit(core, asked.clone());
            }
            // Other clients request the same or a nearby slot at the same time.
            while core.actors.rng.happens(workload.rival_rate) {
                let Some(person) = pick(core, &clients) else { break };
                let (start, duration) = (pick_start(core, workload), pick_duration(core, &terms));
                let key = core.actors.key();
                let wanted = Command::Book {
                    expert: owner.expert_id(),
                    session_type,
                    duration,
                    start,
                    seats: 1,
                    pay_in: None,
                    key,
                };
                submit(core, Submission { person, command: wanted, attempts: 0 });
            }
            submit(core, asked);
        }
        // One client takes whatever they can get, at the same time and from all experts.
        Activity::HoldGreedily => {
            let Some(client) = core.actors.clients.first().cloned() else { return };
            for _ in 0..core.actors.rng.between(2, 6) {
                let Some(expert) = pick(core, &experts) else { return };
                let Some((session_type, terms)) = pick(core, &expert.types) else { return };
                let (start, duration) = (pick_start(core, workload), pick_duration(core, &terms));
                let (expert, key) = (expert.person.expert_id(), core.actors.key());
                let (seats, pay_in) = (1, None);
                send(
                    core,
                    client.clone(),
                    Command::Book { expert, session_type, duration, start, seats, pay_in, key },
                );
            }
        }
        // A client and an expert together book, pay and cancel the most expensive sessions, and cost the platform what they can.
        Activity::RefundGreedily => {
            let Some(client) = core.actors.clients.first().cloned() else { return };
            let Some(accomplice) = experts.first().map(|expert| expert.person.clone()) else { return };
            let of_pair = |core: &Core, id: AppointmentId| {
                let mut all = core.actors.appointments.iter();
                all.any(|one| *one == (id, accomplice.expert_id(), client.client_id()))
            };
            let secrets: Vec<_> =
                core.actors.secrets.iter().filter(|(id, _)| of_pair(core, *id)).cloned().collect();
            for (_, secret) in secrets {
                gateway::pay(core, &secret, ClientPayment::Now);
            }
            let paid = core.actors.appointments.iter().map(|(id, ..)| *id).filter(|id| {
                let state = core.history.get(id).and_then(|states| states.last());
                let is_confirmed = state.is_some_and(|state| state.status == Status::Confirmed);
                is_confirmed && core.gateway.was_charged(*id) && of_pair(core, *id)
            });
            let paid: Vec<AppointmentId> = paid.collect();
            for id in paid {
                let by = core.actors.rng.pick(&[client.clone(), client.clone(), accomplice.clone()]).clone();
                send(core, by, Command::Cancel(id));
            }
            let types = experts.first().map_or(Vec::new(), |expert| expert.types.clone());
            let price = |terms: &SessionTypeTerms| {
                let durations = terms.durations.iter();
                durations.filter_map(|one| Some((one.price?.amount(), one.minutes))).max()
            };
            let dearest = types.iter().max_by_key(|(_, terms)| price(terms));
            let Some((session_type, terms)) = dearest.cloned() else { return };
            let duration = price(&terms).map(|(_, minutes)| minutes);
            for _ in 0..3 {
                let (start, key) = (pick_start(core, workload), core.actors.key());
                let (expert, seats, pay_in) = (accomplice.expert_id(), 1, None);
                send(
                    core,
                    client.clone(),
                    Command::Book { expert, session_type, duration, start, seats, pay_in, key },
                );
            }
        }
        Activity::RetryRequest => {
            let open = core.actors.to_retry.len();
            if open > 0 {
                let place = usize::try_from(core.actors.rng.below(open as u64)).unwrap_or(0);
                let mut asked = core.actors.to_retry.swap_remove(place);
                // Some requests reuse the idempotency key of a different request.
                if let Command::Book { start, .. } = &mut asked.command
                    && core.actors.rng.happens(300)
                {
                    *start = start.plus(2 * HOUR);
                }
                submit(core, asked);
            }
        }
        Activity::Pay => {
            let open = core.actors.secrets.len();
            if open > 0 {
                let latest = open - open.min(6)..open;
                let payable = |place: &usize| core.gateway.is_payable(&core.actors.secrets[*place].1);
                let places: Vec<usize> = latest.clone().filter(payable).collect();
                let places = if places.is_empty() { latest.collect() } else { places };
                let place = *core.actors.rng.pick(&places);
                let (_, secret) = core.actors.secrets[place].clone();
                let declines = core.actors.rng.happens(core.faults.declined_card);
                let how = if declines {
                    ClientPayment::Declined
                } else {
                    *core.actors.rng.pick(&[
                        ClientPayment::Now,
                        ClientPayment::Now,
                        ClientPayment::Now,
                        ClientPayment::Delayed,
                    ])
                };
                if gateway::pay(core, &secret, how) && how != ClientPayment::Declined {
                    core.actors.secrets.remove(place);
                }
            }
        }
        Activity::ReadPayment => {
            let active = |_: &Core, _, state: &AppointmentState| state.status.is_active();
            let Some((id, _, client)) = pick_appointment(core, active) else { return };
            if let Some(person) = core.actors.client(client).cloned() {
                send(core, person, Command::ReadPayment(id));
            }
        }
        Activity::DecideProposal => {
            let open = |_: &Core, _, state: &AppointmentState| state.proposed.is_some();
            let Some((id, expert, client)) = pick_appointment(core, open) else { return };
            let Some((person, party)) = pick_party(core, expert, client) else { return };
            let state = core.history.get(&id).and_then(|states| states.last());
            let is_own =
                state.and_then(|state| state.proposed.as_ref()).is_some_and(|proposed| proposed.by == party);
            let place = *core.actors.rng.pick(&[0, 1, 4]);
            let wanted = match is_own {
                true => Command::WithdrawProposal(id),
                false => core
                    .actors
                    .rng
                    .pick(&[
                        Command::AcceptProposal(id, place),
                        Command::AcceptProposal(id, place),
                        Command::DeclineProposal(id),
                    ])
                    .clone(),
            };
            send(core, person, wanted);
        }
        Activity::Cancel | Activity::Reschedule | Activity::EndSession | Activity::Refund => {
            let stands = |core: &Core, id, state: &AppointmentState| match activity {
                Activity::Cancel => state.status.is_active(),
                Activity::Reschedule => state.status == Status::Confirmed,
                Activity::EndSession => {
                    let began = state.session.start() <= core.instant();
                    began && (state.status == Status::Confirmed || state.status.has_outcome())
                }
                _ => core.gateway.was_charged(id),
            };
            let Some((id, expert, client)) = pick_appointment(core, stands) else { return };
            let Some((person, party)) = pick_party(core, expert, client) else { return };
            let owner = core.actors.expert(expert).map(|expert| expert.person.clone());
            let person = match (activity, owner) {
                // Only the expert may refund.
                (Activity::Refund, Some(owner)) if core.actors.rng.happens(8_000) => owner,
                _ => person,
            };
            let currency = core.gateway.currency_of(id).unwrap_or(core.actors.currency);
            let wanted = match activity {
                Activity::Cancel if core.actors.rng.happens(4_000) => Command::CancelAsQuoted(id),
                Activity::Cancel => Command::Cancel(id),
                Activity::Reschedule if party == Party::Client && core.actors.rng.happens(7_000) => {
                    Command::Reschedule(id, pick_start(core, workload))
                }
                Activity::Reschedule => {
                    let count = *core.actors.rng.pick(&[1, 2, 2, 5]);
                    let starts: BTreeSet<_> = (0..count).map(|_| pick_start(core, workload)).collect();
                    Command::Propose(id, starts.into_iter().collect())
                }
                Activity::Refund => {
                    let amount = *core.actors.rng.pick(&[10, 500, 4_000, 8_000]);
                    let Ok(amount) = domain::Money::new(amount, currency) else { return };
                    Command::Refund(id, amount, core.actors.key())
                }
                _ if core.actors.rng.happens(1_500) => Command::Object(id),
                _ => {
                    let missed = Outcome::NoShow { missed_by: Party::Expert };
                    let outcome = match party {
                        Party::Client if core.actors.rng.happens(8_500) => missed,
                        Party::Client => Outcome::NoShow { missed_by: Party::Client },
                        _ => *core.actors.rng.pick(&[
                            Outcome::Completed,
                            Outcome::Completed,
                            Outcome::NoShow { missed_by: Party::Client },
                            missed,
                        ]),
                    };
                    let charge = *core.actors.rng.pick(&[None, None, None, Some(1_000), Some(0)]);
                    let charge = charge.filter(|_| outcome == Outcome::Completed);
                    let charge = charge.and_then(|amount| domain::Money::new(amount, currency).ok());
                    Command::EndSession(id, outcome, charge)
                }
            };
            if matches!(wanted, Command::EndSession(..)) && person == core.actors.admin {
                core.refunded_by_admin.insert(id);
            }
            send(core, person, wanted);
        }
        Activity::ResolveEscalation => {
            let escalated =
                |core: &Core, id, _: &AppointmentState| core.gateway.disputed_or_failed.contains_key(&id);
            let Some((id, ..)) = pick_appointment(core, escalated) else { return };
            let decision = *core.actors.rng.pick(&[Resolution::TryAgain, Resolution::ResolvedManually]);
            let admin = core.actors.admin.clone();
            send(core, admin, Command::ResolveEscalation(id, decision));
        }
        Activity::ListSlots => {
            let Some((session_type, terms)) = pick(core, &expert.types) else { return };
            let range = TimeSpan::new(core.instant(), core.instant().plus(14 * DAY));
            let duration = pick_duration(core, &terms);
            send(core, owner.clone(), Command::ListSlots(owner.expert_id(), session_type, duration, range));
        }
        Activity::ReplaceSessionType => {
            let Some((session_type, mut terms)) = pick(core, &expert.types) else { return };
            let amount = *core.actors.rng.pick(&[5_000, 8_000, 9_990]);
            if core.actors.rng.happens(6_000) {
                terms = crate::population::terms(&mut core.actors.rng, core.actors.currency);
            } else {
                for price in terms.durations.iter_mut().filter_map(|duration| duration.price.as_mut()) {
                    if !price.is_zero() {
                        *price = price.with_amount(amount).unwrap_or(*price);
                    }
                }
            }
            send(core, owner, Command::ReplaceSessionType(session_type, Box::new(terms)));
        }
        Activity::SetHourlyRate => {
            let hourly_rate = crate::population::hourly_rate(&mut core.actors.rng, core.actors.currency);
            send(core, owner, Command::SetHourlyRate(hourly_rate));
        }
        Activity::RetireSessionType => {
            let Some((session_type, _)) = pick(core, &expert.types) else { return };
            if expert.types.len() > 1 {
                send(core, owner, Command::RetireSessionType(session_type));
            }
        }
        Activity::ReplaceAvailability => {
            let mut rules = expert.rules.clone();
            match core.actors.rng.below(4) {
                0 => rules.weekly.sunday.clear(),
                1 => {
                    let day = domain::kernel::time::Date::try_from(core.instant().plus(2 * DAY).utc_date());
                    rules.blocked.extend(day.map(|day| DateRange { first: day, last: day }));
                }
                _ => {}
            }
            send(core, owner, Command::ReplaceAvailability(Box::new(rules)));
        }
        Activity::StartOnboarding => send(core, owner, Command::StartOnboarding),
        Activity::ReadPaymentAccount => send(core, owner, Command::ReadPaymentAccount),
        Activity::SetExpertTerms => {
            let rate = *core.actors.rng.pick(&[None, Some(0), Some(1_500), Some(3_333)]);
            let rate = rate.and_then(|points| Rate::from_basis_points(points).ok());
            let admin = core.actors.admin.clone();
            send(core, admin, Command::SetExpertTerms(owner.expert_id(), rate));
        }
        Activity::Dispute => {
            let charged = core.gateway.charged();
            if let Some(name) = pick(core, &charged) {
                let percent = *core.actors.rng.pick(&[100, 100, 40]);
                core.log(|| format!("a client disputes {percent} % of {name}"));
                gateway::open_dispute(core, &name, percent);
            }
        }
        Activity::DecideDisputes => {
            gateway::decide_disputes(core);
        }
        Activity::RefundInDashboard => {
            let charged = core.gateway.charged();
            if let Some(name) = pick(core, &charged) {
                core.log(|| format!("a dashboard user refunds a part of {name}"));
                gateway::refund_in_dashboard(core, &name, 20);
            }
        }
        Activity::RestrictAccount => {
            let accounts: Vec<String> = core.gateway.accounts.keys().cloned().collect();
            if let Some(account) = pick(core, &accounts) {
                gateway::restrict(core, &account, false);
                let back = core.actors.rng.between(0, 4 * HOUR);
                core.schedule_in(back * 1_000, move |core| gateway::restrict(core, &account, true));
            }
        }
        Activity::RefuseRequest => {
            let paid = |core: &Core, id, _: &AppointmentState| core.gateway.secured.contains_key(&id);
            let Some((id, ..)) = pick_appointment(core, paid) else { return };
            if core.rng.happens(core.faults.gateway_refusal.saturating_mul(5)) {
                let order = *core.actors.rng.pick(&[
                    OrderKind::Capture,
                    OrderKind::Refund,
                    OrderKind::Reversal,
                    OrderKind::Transfer,
                ]);
                core.log(|| format!("the gateway refuses {order:?} of {id}"));
                core.gateway.refuse(id, order);
            }
        }
        Activity::Payout => {
            let accounts: Vec<String> = core.gateway.accounts.keys().cloned().collect();
            if let Some(account) = pick(core, &accounts) {
                gateway::payout(core, &account);
            }
        }
        Activity::ExpireRows => TableState::expire_rows(core),
    }
}
