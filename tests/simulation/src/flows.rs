//! Crash at every await: each flow is told once in calm weather to count its calls, and then again for each call and each way
//! in which it can go wrong. Afterwards everybody asks again as people do, time passes, and in the end the same invariants
//! hold and everything is as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};

use domain::payments::ledger::Totals;

use crate::core::{How, Mishap};
use crate::rest::come_to_rest;

mod stories;
mod story;

pub use stories::FLOWS;
pub use story::Story;

/// How each flow ends when nothing goes wrong, and so, too, when one call of it does.
const ENDINGS: &str = include_str!("flows/endings.txt");

/// A flow that is told.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// What it is called.
    pub name: &'static str,
    /// How it goes.
    pub tell: fn(&mut Story),
}

/// How a flow ended, as far as it must be the same whatever happened on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// What each appointment came to.
    pub appointments: Vec<String>,
    /// What was found to be wrong.
    pub wrong: Vec<String>,
    /// How many calls the flow made, before everything came to rest.
    pub calls: u64,
    /// How many there were in all.
    pub operations: u64,
    /// Whether what should befall it did.
    pub befell: bool,
    /// What happened, when it was asked for.
    pub trace: Vec<String>,
}

/// What became of a flow at all of its points.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// Calls of the flow in calm weather.
    pub calls: u64,
    /// Points tried: each call in each way.
    pub points: u64,
    /// Calls of ports in all of them together.
    pub operations: u64,
    /// Points that failed, and how.
    pub failing: Vec<(Mishap, String)>,
}

/// Tells a flow, with or without a mishap.
pub fn tell(flow: Flow, mishap: Option<Mishap>, traced: bool, mutant: &'static str) -> Ending {
    crate::mutants::switch::select(mutant);
    let mut story = Story::begin(traced);
    {
        let core = &mut *story.simulation.shared.lock();
        core.mutant = mutant;
        // A mishap of no call keeps the weather out of it.
        core.mishap = Some(mishap.unwrap_or(Mishap { call: u64::MAX, how: How::CrashBefore }));
    }
    (flow.tell)(&mut story);
    let calls = story.simulation.shared.lock().calls;
    if story.simulation.is_sound() {
        come_to_rest(&mut story.simulation);
    }
    ending(&story, calls)
}

fn ending(story: &Story, calls: u64) -> Ending {
    let core = &mut *story.simulation.shared.lock();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in core.bus.published.keys() {
        if let Some((id, rest)) = event.split_once(':') {
            let name = rest.rsplit(':').next().unwrap_or_default();
            names.entry(id.to_owned()).or_default().insert(name.to_owned());
        }
    }
    let appointments = story.simulation.invariants.known.values().map(|known| {
        let totals = Totals::of(&known.movements);
        let told = names.get(&known.appointment.id.to_string());
        let told: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
        let payment = known.payment.as_ref();
        let final_charge = payment.and_then(|payment| payment.final_charge);
        let mut line = format!("{} at {}", known.appointment.status.as_str(), known.appointment.start);
        for (what, amount) in [
            ("captured", totals.captured),
            ("refunded", totals.refunded),
            ("disputed", totals.disputed),
            ("with the expert", totals.with_expert()),
        ] {
            if amount != 0 {
                line += &format!(", {what} {amount}");
            }
        }
        line += &final_charge
            .map_or(String::new(), |final_charge| format!(", to be final_charge {final_charge}"));
        line +=
            &payment.and_then(|payment| payment.escalation).map_or(String::new(), |why| format!(", {why:?}"));
        line + &format!(", told {}", told.join(" "))
    });
    // Of two that are made at once either can be the first.
    let mut appointments: Vec<String> = appointments.collect();
    appointments.sort();
    Ending {
        appointments,
        calls,
        operations: core.calls,
        befell: core.befell,
        wrong: core.wrong.clone(),
        trace: core.trace.take().unwrap_or_default(),
    }
}

/// How a flow ends in calm weather, as whoever wrote it down says.
pub fn expected(flow: &Flow) -> Vec<&'static str> {
    let after = ENDINGS.lines().skip_while(|line| *line != flow.name).skip(1);
    after.take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

/// What is wrong with a flow when nothing goes wrong, if anything is.
pub fn wrong_in_calm(flow: &Flow, calm: &Ending) -> Option<String> {
    let wrong = calm.wrong.first().cloned();
    let as_expected = expected(flow) == calm.appointments;
    wrong.or_else(|| (!as_expected).then(|| format!("it ends as {:#?}", calm.appointments)))
}

/// So many calls of a flow are all tried. What follows in a long one is the same looks again and again.
const ALL_OF: u64 = 200;
/// Of those that follow, every so many.
const EVERY: usize = 40;

/// Every way in which so many calls can go wrong; `thinned`, only some of the calls that follow in a long flow.
pub fn points(calls: u64, thinned: bool) -> impl Iterator<Item = Mishap> {
    let all = if thinned { calls.min(ALL_OF) } else { calls };
    (1..=all)
        .chain((all + 1..=calls).step_by(EVERY))
        .flat_map(|call| How::ALL.into_iter().map(move |how| Mishap { call, how }))
}

/// Tries a flow at one of its points, and says what fails there. `calm` is how it ends when nothing goes wrong.
pub fn try_point(flow: Flow, mishap: Mishap, calm: &Ending, mutant: &'static str) -> (u64, Option<String>) {
    let ending = tell(flow, Some(mishap), false, mutant);
    let failure = match ending.wrong.first() {
        Some(wrong) => Some(wrong.clone()),
        None if !ending.befell => Some("nothing befell it".to_owned()),
        None if ending.appointments == calm.appointments => None,
        None => Some(format!("it ends as {:?}, not {:?}", ending.appointments, calm.appointments)),
    };
    (ending.operations, failure)
}

/// Tries a flow at all of its points, until a few failed.
pub fn try_everywhere(flow: Flow, mutant: &'static str) -> Tried {
    let calm = tell(flow, None, false, mutant);
    let mut tried = Tried { calls: calm.calls, operations: calm.operations, ..Tried::default() };
    if let Some(wrong) = wrong_in_calm(&flow, &calm) {
        let mishap = Mishap { call: 0, how: How::CrashBefore };
        tried.failing.push((mishap, format!("even in calm weather: {wrong}")));
        return tried;
    }
    for mishap in points(calm.calls, true) {
        let (calls, failure) = try_point(flow, mishap, &calm, mutant);
        tried.points += 1;
        tried.operations += calls;
        tried.failing.extend(failure.map(|what| (mishap, what)));
        if tried.failing.len() >= 5 {
            break;
        }
    }
    tried
}
