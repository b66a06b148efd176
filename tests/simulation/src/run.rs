//! One seed from beginning to end.

use crate::actors::{self, Mix};
use crate::chance::Chance;
use crate::mirror::{self, Mirror, Mirrored};
use crate::rest::{book_what_is_listed, come_to_rest};
use crate::setting::furnish;
use crate::simulation::Simulation;
use crate::table::Capacity;
use crate::weather::Weather;

/// What a seed came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Port calls and steps.
    pub operations: u64,
    /// Of these, calls of ports.
    pub calls: u64,
    /// Appointments that were made.
    pub appointments: usize,
    /// How many of them each status has in the end, by its word.
    pub statuses: std::collections::BTreeMap<&'static str, usize>,
    /// Movements of money.
    pub movements: usize,
    /// What the table was asked.
    pub capacity: Capacity,
    /// What was compared with a real store.
    pub mirrored: Mirrored,
    /// What was found to be wrong.
    pub wrong: Vec<String>,
    /// What happened, when it was asked for.
    pub trace: Vec<String>,
}

/// What many seeds came to.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    /// How many.
    pub seeds: u64,
    /// How many of them found something wrong.
    pub failing: u64,
    /// Port calls and steps.
    pub operations: u64,
    /// Of these, calls of ports.
    pub calls: u64,
    /// Appointments that were made.
    pub appointments: usize,
    /// How many of them each status has in the end, by its word.
    pub statuses: std::collections::BTreeMap<&'static str, usize>,
    /// Movements of money.
    pub movements: usize,
    /// What the table was asked.
    pub capacity: Capacity,
    /// What was compared with a real store.
    pub mirrored: Mirrored,
}

impl Sum {
    /// Adds what a seed came to.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.failing += u64::from(!outcome.wrong.is_empty());
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
        self.capacity.moved += outcome.capacity.moved;
        self.mirrored.add(outcome.mirrored);
    }
}

/// Runs a seed for so many operations, and brings it to rest.
pub fn seed(seed: u64, operations: u64, traced: bool, mutant: &'static str) -> Outcome {
    run(seed, operations, traced, mutant, None)
}

/// The same, with a real store beside the model of the table.
///
/// # Errors
/// When there is no real store.
pub fn mirrored(seed: u64, operations: u64, traced: bool, mutant: &'static str) -> Result<Outcome, String> {
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
    let weather = Weather::draw(&mut Chance::new(seed ^ 0x77ea_74e7));
    let mut simulation = Simulation::new(seed, weather, traced);
    simulation.shared.lock().mirror = mirror;
    furnish(&mut simulation);
    {
        let core = &mut *simulation.shared.lock();
        core.mutant = mutant;
        let mix = Mix::draw(core);
        let weather = core.weather.clone();
        core.say(|| format!("{weather:?} {mix:?}"));
        core.later(0, move |core| actors::drive(core, mix, operations));
        core.later(0, move |core| actors::schedules(core, operations));
    }
    while simulation.is_sound() && simulation.operations() < operations && simulation.step() {}
    if simulation.is_sound() {
        come_to_rest(&mut simulation);
    }
    if simulation.is_sound() {
        book_what_is_listed(&mut simulation);
    }
    outcome(seed, simulation)
}

/// Sums a simulation up.
pub fn outcome(seed: u64, simulation: Simulation) -> Outcome {
    let mut statuses = std::collections::BTreeMap::new();
    for known in simulation.invariants.known.values() {
        *statuses.entry(known.appointment.status.as_str()).or_default() += 1;
    }
    let movements = simulation.invariants.known.values().map(|known| known.movements.len()).sum();
    let operations = simulation.operations();
    let core = &mut *simulation.shared.lock();
    let mirrored = mirror::everything(core);
    Outcome {
        seed,
        operations,
        calls: core.calls,
        appointments: simulation.invariants.known.len(),
        statuses,
        movements,
        capacity: core.table.capacity,
        mirrored,
        wrong: std::mem::take(&mut core.wrong),
        trace: core.trace.take().unwrap_or_default(),
    }
}
