//! Runs one seed from beginning to end.

use crate::fault_profile::FaultProfile;
use crate::mirror::{self, Mirror, MirrorStats};
use crate::population::populate;
use crate::quiescence::{book_listed_slots, reach_quiescence};
use crate::random::Rng;
use crate::simulation::Simulation;
use crate::table::Capacity;
use crate::workload::{self, Workload};

/// The result of a seed.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The number of port calls and steps.
    pub operations: u64,
    /// The number of port calls.
    pub calls: u64,
    /// The number of appointments.
    pub appointments: usize,
    /// The number of appointments in each final status.
    pub statuses: std::collections::BTreeMap<&'static str, usize>,
    /// The number of ledger movements.
    pub movements: usize,
    /// The capacity that the table consumed.
    pub capacity: Capacity,
    /// What was compared with a real store.
    pub mirrored: MirrorStats,
    /// The violations.
    pub violations: Vec<String>,
    /// The trace, if it was requested.
    pub trace: Vec<String>,
}

/// The results of several seeds.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The number of seeds.
    pub seeds: u64,
    /// The number of seeds with a violation.
    pub failing: u64,
    /// The number of port calls and steps.
    pub operations: u64,
    /// The number of port calls.
    pub calls: u64,
    /// The number of appointments.
    pub appointments: usize,
    /// The number of appointments in each final status.
    pub statuses: std::collections::BTreeMap<&'static str, usize>,
    /// The number of ledger movements.
    pub movements: usize,
    /// The capacity that the table consumed.
    pub capacity: Capacity,
    /// What was compared with a real store.
    pub mirrored: MirrorStats,
}

impl Summary {
    /// Adds the result of a seed.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.failing += u64::from(!outcome.violations.is_empty());
        self.operations += outcome.operations;
        self.calls += outcome.calls;
        self.appointments += outcome.appointments;
        self.movements += outcome.movements;
        for (word, count) in &outcome.statuses {
            *self.statuses.entry(word).or_default() += count;
        }
        self.capacity.half_reads += outcome.capacity.half_reads;
        self.capacity.writes += outcome.capacity.writes;
        self.capacity.conflicts += outcome.capacity.conflicts;
        self.capacity.failed_conditions += outcome.capacity.failed_conditions;
        self.mirrored.add(outcome.mirrored);
    }
}

/// Runs a seed for a number of operations and then until it is quiescent.
pub fn run_seed(seed: u64, operations: u64, traced: bool, mutant: &'static str) -> Outcome {
    run(seed, operations, traced, mutant, None)
}

/// Like [`run_seed`], and compares the model of the table with a real store.
///
/// # Errors
/// If the real store cannot be started.
pub fn run_seed_mirrored(
    seed: u64,
    operations: u64,
    traced: bool,
    mutant: &'static str,
) -> Result<Outcome, String> {
    Ok(run(seed, operations, traced, mutant, Some(Box::new(Mirror::new()?))))
}

fn run(
    seed: u64,
    operations: u64,
    traced: bool,
    mutant: &'static str,
    mirror: Option<Box<Mirror>>,
) -> Outcome {
    crate::mutants::switch::select(mutant);
    let faults = FaultProfile::draw(&mut Rng::new(seed ^ 0x77ea_74e7));
    let mut simulation = Simulation::new(seed, faults, traced);
    simulation.shared.lock().mirror = mirror;
    populate(&mut simulation);
    {
        let core = &mut *simulation.shared.lock();
        core.mutant = mutant;
        let workload = Workload::draw(core);
        let faults = core.faults.clone();
        core.log(|| format!("{faults:?} {workload:?}"));
        core.schedule_in(0, move |core| workload::run_workload(core, workload, operations));
        core.schedule_in(0, move |core| workload::run_schedules(core, operations));
    }
    while simulation.is_valid() && simulation.operations() < operations && simulation.step() {}
    if simulation.is_valid() {
        reach_quiescence(&mut simulation);
    }
    if simulation.is_valid() {
        book_listed_slots(&mut simulation);
    }
    outcome(seed, simulation)
}

/// Summarizes a simulation.
pub fn outcome(seed: u64, simulation: Simulation) -> Outcome {
    let mut statuses = std::collections::BTreeMap::new();
    for known in simulation.invariants.known.values() {
        *statuses.entry(known.appointment.status.as_str()).or_default() += 1;
    }
    let movements = simulation.invariants.known.values().map(|known| known.movements.len()).sum();
    let operations = simulation.operations();
    let core = &mut *simulation.shared.lock();
    let mirrored = mirror::compare_all(core);
    Outcome {
        seed,
        operations,
        calls: core.calls,
        appointments: simulation.invariants.known.len(),
        statuses,
        movements,
        capacity: core.table.capacity,
        mirrored,
        violations: std::mem::take(&mut core.violations),
        trace: core.trace.take().unwrap_or_default(),
    }
}
