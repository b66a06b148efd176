//! Fault injection at every await point: a flow first runs without faults to count its calls, and then once for each call
//! and each kind of fault. Afterwards actors retry, time passes, and at the end the invariants must hold and the result
//! must be the same as without the fault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::payments::ledger::Totals;

use crate::core::{FaultKind, InjectedFault};
use crate::quiescence::reach_quiescence;

mod bookings;
mod disputes;
mod moves;
mod offers;
mod payments;
mod payouts;
mod refunds;
mod reports;
mod scenario;
mod steps;

pub use scenario::Scenario;

/// All flows.
pub static FLOWS: LazyLock<Vec<Flow>> = LazyLock::new(|| {
    [
        bookings::FLOWS,
        payments::FLOWS,
        refunds::FLOWS,
        moves::FLOWS,
        payouts::FLOWS,
        disputes::FLOWS,
        reports::FLOWS,
        offers::FLOWS,
    ]
    .concat()
});

/// The expected end of each flow, with and without a fault.
const ENDINGS: &str = include_str!("flows/endings.txt");

/// A flow.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Its name.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&mut Scenario),
}

/// The end of a flow, as far as it must not depend on faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The state of each appointment.
    pub appointments: Vec<String>,
    /// The violations.
    pub violations: Vec<String>,
    /// The number of calls of the flow before it became quiescent.
    pub calls: u64,
    /// The number of calls in total.
    pub operations: u64,
    /// Whether the fault was injected.
    pub fault_injected: bool,
    /// The trace, if it was requested.
    pub trace: Vec<String>,
}

/// The result of a flow at all of its fault points.
#[derive(Debug, Clone, Default)]
pub struct FlowReport {
    /// The number of calls without faults.
    pub calls: u64,
    /// The number of fault points tried: each call with each kind of fault.
    pub fault_points: u64,
    /// The number of port calls in total.
    pub operations: u64,
    /// The faults that led to a violation or to another end.
    pub failing: Vec<(InjectedFault, String)>,
}

/// Runs a flow, with or without a fault.
pub fn run_flow(
    flow: Flow,
    injected_fault: Option<InjectedFault>,
    traced: bool,
    mutant: &'static str,
) -> Ending {
    crate::mutants::switch::select(mutant);
    let mut scenario = Scenario::begin(traced);
    {
        let core = &mut *scenario.simulation.shared.lock();
        core.mutant = mutant;
        // A fault of a call that is never made disables the fault profile.
        core.injected_fault =
            Some(injected_fault.unwrap_or(InjectedFault { call: u64::MAX, kind: FaultKind::CrashBefore }));
    }
    (flow.run)(&mut scenario);
    let calls = scenario.simulation.shared.lock().calls;
    if scenario.simulation.is_valid() {
        reach_quiescence(&mut scenario.simulation);
    }
    ending(&scenario, calls)
}

fn ending(scenario: &Scenario, calls: u64) -> Ending {
    let core = &mut *scenario.simulation.shared.lock();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in core.bus.published.keys() {
        if let Some((id, rest)) = event.split_once(':') {
            let name = rest.rsplit(':').next().unwrap_or_default();
            names.entry(id.to_owned()).or_default().insert(name.to_owned());
        }
    }
    let appointments = scenario.simulation.invariants.known.values().map(|known| {
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
            ("with the expert", totals.expert_balance()),
        ] {
            if amount != 0 {
                line += &format!(", {what} {amount}");
            }
        }
        line += &final_charge.map_or(String::new(), |final_charge| format!(", final charge {final_charge}"));
        line +=
            &payment.and_then(|payment| payment.escalation).map_or(String::new(), |why| format!(", {why:?}"));
        line + &format!(", events {}", told.join(" "))
    });
    // The order of appointments that are created at the same time is not defined.
    let mut appointments: Vec<String> = appointments.collect();
    appointments.sort();
    Ending {
        appointments,
        calls,
        operations: core.calls,
        fault_injected: core.fault_injected,
        violations: core.violations.clone(),
        trace: core.trace.take().unwrap_or_default(),
    }
}

/// The expected end of a flow.
pub fn expected(flow: &Flow) -> Vec<&'static str> {
    let after = ENDINGS.lines().skip_while(|line| *line != flow.name).skip(1);
    after.take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

/// What is wrong with a flow without faults, if anything.
pub fn baseline_violation(flow: &Flow, baseline: &Ending) -> Option<String> {
    let violations = baseline.violations.first().cloned();
    let as_expected = expected(flow) == baseline.appointments;
    violations.or_else(|| (!as_expected).then(|| format!("it ends as {:#?}", baseline.appointments)))
}

/// The number of calls of a flow that are all tried. Later calls of long flows repeat the same reads.
const ALL_OF: u64 = 200;
/// Of the later calls, one in this many is tried.
const EVERY: usize = 40;

/// All faults of a number of calls; `thinned` leaves out most of the later calls of a long flow.
pub fn fault_points(calls: u64, thinned: bool) -> impl Iterator<Item = InjectedFault> {
    let all = if thinned { calls.min(ALL_OF) } else { calls };
    (1..=all)
        .chain((all + 1..=calls).step_by(EVERY))
        .flat_map(|call| FaultKind::ALL.into_iter().map(move |kind| InjectedFault { call, kind }))
}

/// Runs a flow with a fault. Returns the number of calls and the failure, if any. `baseline` is the end without a fault.
pub fn run_with_fault(
    flow: Flow,
    injected_fault: InjectedFault,
    baseline: &Ending,
    mutant: &'static str,
) -> (u64, Option<String>) {
    let ending = run_flow(flow, Some(injected_fault), false, mutant);
    let failure = match ending.violations.first() {
        Some(violations) => Some(violations.clone()),
        None if !ending.fault_injected => Some("the fault was not injected".to_owned()),
        None if ending.appointments == baseline.appointments => None,
        None => Some(format!("it ends as {:?}, not {:?}", ending.appointments, baseline.appointments)),
    };
    (ending.operations, failure)
}

/// Runs a flow with each of its faults, until several failed.
pub fn run_with_every_fault(flow: Flow, mutant: &'static str) -> FlowReport {
    let baseline = run_flow(flow, None, false, mutant);
    let mut tried =
        FlowReport { calls: baseline.calls, operations: baseline.operations, ..FlowReport::default() };
    if let Some(violations) = baseline_violation(&flow, &baseline) {
        let injected_fault = InjectedFault { call: 0, kind: FaultKind::CrashBefore };
        tried.failing.push((injected_fault, format!("even without faults: {violations}")));
        return tried;
    }
    for injected_fault in fault_points(baseline.calls, true) {
        let (calls, failure) = run_with_fault(flow, injected_fault, &baseline, mutant);
        tried.fault_points += 1;
        tried.operations += calls;
        tried.failing.extend(failure.map(|what| (injected_fault, what)));
        if tried.failing.len() >= 5 {
            break;
        }
    }
    tried
}
