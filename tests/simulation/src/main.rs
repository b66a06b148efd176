//! The simulation. What it can be asked for, after `cargo run -p simulation --`:
//!
//! - `--seeds 1000 --operations 1000`: so many seeds, each for so many operations and then to its rest
//! - `--mirror` with it: every request to the table is also made to the embedded DynamoDB, and decided the same there
//! - `--requests 10000`: so many sequences of random requests, to the model of the table and to the embedded DynamoDB
//! - `--seed 123`: one seed; with `--trace` what happens with it, line by line
//! - `--flows`: every flow, where each of its calls fails in each way; of a long one every fortieth after the 200th, with `--whole` all
//! - `--flow <words of its name>`: the flows of that name; with `--point 17 CrashAfter` at that point, with `--trace` line by line
//! - `--mutants`: search for each mutant of `mutants.toml`, until a seed or a flow catches it
//! - `--mutant <name>` with any of these: run with this mutant, and with `--mutants` search only for it
//! - `--list`: the names of flows, ways to fail, and mutants
//!
//! A mutant of the product needs a build of its own, which takes a minute the first time.
//!
//! It ends with 0 when nothing fails, 1 when something does, and 2 when it was asked for what there is not.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulation::core::{How, Mishap};
use simulation::flows::{Ending, FLOWS, Flow, points, tell, try_point, wrong_in_calm};
use simulation::mirror::Mirrored;
use simulation::mutants::search::{Search, find, plainly};
use simulation::mutants::{self, Mutant, switch};
use simulation::random_requests::{self, Compared};
use simulation::run::{Outcome, Sum, mirrored, seed};
use simulation::spread::spread;

/// So many failures are told of; the rest are counted.
const MOST_SHOWN: u64 = 30;
/// How often a long run says how far it is.
const PAUSE: Duration = Duration::from_secs(10);

/// What `--help` says.
const HELP: &str = include_str!("main.rs");

fn help() {
    for line in HELP.lines().map_while(|line| line.strip_prefix("//!")) {
        println!("{}", line.strip_prefix(' ').unwrap_or(line));
    }
}

/// Every name that can be asked for.
fn list() {
    println!("flows:");
    FLOWS.iter().for_each(|flow| println!("  {}", flow.name));
    println!("ways to fail:");
    How::ALL.iter().for_each(|how| println!("  {how:?}"));
    println!("mutants of the simulated ports:");
    mutants::ports().for_each(|mutant| println!("  {}: {}", mutant.name, mutant.what));
    println!("mutants of the product:");
    mutants::product().for_each(|(mutant, _)| println!("  {}: {}", mutant.name, mutant.what));
}

struct Wanted {
    shown: Option<fn()>,
    first: u64,
    seeds: u64,
    operations: u64,
    trace: bool,
    mutant: &'static str,
    flows: bool,
    whole: bool,
    mutants: bool,
    point: Option<(u64, How)>,
    flow: Option<String>,
    mirror: bool,
    requests: Option<u64>,
}

fn wanted() -> Result<Wanted, lexopt::Error> {
    use lexopt::prelude::*;
    let mut wanted = Wanted {
        shown: None,
        first: 1,
        seeds: 100,
        operations: 1_000,
        trace: false,
        mutant: "",
        flows: false,
        whole: false,
        mutants: false,
        point: None,
        flow: None,
        mirror: false,
        requests: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => (wanted.first, wanted.seeds) = (parser.value()?.parse()?, 1),
            Long("first") => wanted.first = parser.value()?.parse()?,
            Long("seeds") => wanted.seeds = parser.value()?.parse()?,
            Long("operations") => wanted.operations = parser.value()?.parse()?,
            Long("mutant") => {
                let name = parser.value()?.string()?;
                let known = mutants::all().find(|mutant| mutant.name == name);
                wanted.mutant = &known.ok_or("there is no such mutant; see --list")?.name;
            }
            Long("mutants") => wanted.mutants = true,
            Long("flows") => wanted.flows = true,
            Long("whole") => wanted.whole = true,
            Long("flow") => {
                let name = parser.value()?.string()?;
                if !FLOWS.iter().any(|flow| flow.name.contains(&name)) {
                    return Err("there is no such flow; see --list".into());
                }
                wanted.flow = Some(name);
            }
            Long("point") => {
                let call = parser.value()?.parse()?;
                let how = parser.value()?.string()?;
                let how = How::ALL
                    .into_iter()
                    .find(|one| format!("{one:?}") == how)
                    .ok_or("there is no such way; see --list")?;
                wanted.point = Some((call, how));
            }
            Long("mirror") => wanted.mirror = true,
            Long("requests") => wanted.requests = Some(parser.value()?.parse()?),
            Long("trace") => wanted.trace = true,
            Long("list") => wanted.shown = Some(list),
            Long("help") | Short('h') => wanted.shown = Some(help),
            other => return Err(other.unexpected()),
        }
    }
    if wanted.seeds == 0 || wanted.requests == Some(0) {
        return Err("at least one is needed".into());
    }
    if wanted.point.is_some() && wanted.flow.is_none() {
        return Err("a point is one of a flow: name it with --flow".into());
    }
    Ok(wanted)
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if let Some(show) = wanted.shown {
        show();
        return ExitCode::SUCCESS;
    }
    let everything = wanted.mutants && wanted.mutant.is_empty();
    if !(mutants::is_built_in(wanted.mutant) && (switch::PRODUCT_MUTANTS || !everything)) {
        return mutants::copy::run().unwrap_or_else(|error| {
            eprintln!("{error}");
            ExitCode::FAILURE
        });
    }
    // A line is enough: whoever wants more replays it with a trace.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let begun = Instant::now();
    if wanted.mutants {
        return search_for_mutants(&wanted, begun);
    }
    if wanted.flows || wanted.flow.is_some() {
        return flows(&wanted, begun);
    }
    if let Some(sequences) = wanted.requests {
        return requests(&wanted, sequences, begun);
    }
    let (mut sum, mut said) = (Sum::default(), Instant::now());
    let run = |number| {
        let failed = |why: String| Outcome { seed: number, wrong: vec![why], ..Outcome::default() };
        let run = || match wanted.mirror {
            true => mirrored(number, wanted.operations, wanted.trace, wanted.mutant).unwrap_or_else(failed),
            false => seed(number, wanted.operations, wanted.trace, wanted.mutant),
        };
        std::panic::catch_unwind(run).unwrap_or_else(|_| failed("it panics".to_owned()))
    };
    spread(wanted.first..wanted.first + wanted.seeds, run, |outcome| {
        for line in &outcome.trace {
            println!("{line}");
        }
        if let Some(wrong) = outcome.wrong.first()
            && sum.failing < MOST_SHOWN
        {
            println!("seed {0}: {wrong} (--seed {0} --trace shows how)", outcome.seed);
        }
        sum.add(&outcome);
        if said.elapsed() >= PAUSE {
            said = Instant::now();
            println!(
                "{} seeds done, {} operations, {} failing, {} seeds to go",
                sum.seeds,
                sum.operations,
                sum.failing,
                wanted.seeds - sum.seeds
            );
        }
    });
    println!(
        "{} operations ({} port calls) over {} seeds in {:.1} s; {} seeds fail",
        sum.operations,
        sum.calls,
        sum.seeds,
        begun.elapsed().as_secs_f32(),
        sum.failing
    );
    println!(
        "{} appointments {:?}, {} movements of money, {} conflicts, {} conditions that did not hold, {} read and {} write units",
        sum.appointments,
        sum.statuses,
        sum.movements,
        sum.capacity.conflicts,
        sum.capacity.moved,
        sum.capacity.half_reads / 2,
        sum.capacity.writes
    );
    if wanted.mirror {
        let Mirrored { done, refused, reads, rows } = sum.mirrored;
        println!(
            "on a real store: {done} writes done and {refused} refused, {reads} reads, {rows} rows in the end"
        );
    }
    if sum.failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Holds the model of the table against the embedded DynamoDB.
fn requests(wanted: &Wanted, sequences: u64, begun: Instant) -> ExitCode {
    let (mut sum, mut differ, mut done) = (Compared::default(), 0_u64, 0_u64);
    spread(wanted.first..wanted.first + sequences, random_requests::seed, |one| {
        done += 1;
        match one {
            Ok(compared) => sum.add(compared),
            Err(difference) => {
                differ += 1;
                if differ <= MOST_SHOWN {
                    println!("{difference}");
                }
            }
        }
    });
    println!(
        "{} random requests in {done} sequences, {} of them refused, {} rows compared in {:.1} s; {differ} sequences differ",
        sum.requests,
        sum.refused,
        sum.rows,
        begun.elapsed().as_secs_f32(),
    );
    if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells each flow without a mishap, and then each of its points.
fn flows(wanted: &Wanted, begun: Instant) -> ExitCode {
    let chosen =
        || FLOWS.iter().filter(|flow| wanted.flow.as_ref().is_none_or(|name| flow.name.contains(name)));
    if wanted.trace || wanted.point.is_some() {
        let Some(flow) = chosen().next() else { return ExitCode::from(2) };
        let mishap = wanted.point.map(|(call, how)| Mishap { call, how });
        let ending = tell(*flow, mishap, wanted.trace, wanted.mutant);
        ending.trace.iter().for_each(|line| println!("{line}"));
        println!("{}, which ends as", flow.name);
        ending.appointments.iter().for_each(|line| println!("  {line}"));
        let befell = mishap.is_none() || ending.befell;
        if !befell {
            println!("it makes {} calls, so nothing befell it", ending.calls);
        }
        return match wrong_in_calm(flow, &ending) {
            None if befell => ExitCode::SUCCESS,
            None => ExitCode::from(2),
            Some(wrong) => {
                println!("{wrong}");
                ExitCode::FAILURE
            }
        };
    }
    let mut calm: Vec<(&Flow, Ending)> = Vec::new();
    spread(chosen(), |flow| (flow, tell(*flow, None, false, wanted.mutant)), |told| calm.push(told));
    let (mut tried, mut failing, mut calls) = (0_u64, 0_u64, 0_u64);
    for (flow, ending) in &calm {
        calls += ending.operations;
        if let Some(wrong) = wrong_in_calm(flow, ending) {
            failing += 1;
            println!("{}, even when nothing goes wrong: {wrong}", flow.name);
        }
    }
    let sound = || calm.iter().filter(|(flow, ending)| wrong_in_calm(flow, ending).is_none());
    let whole: u64 = sound().map(|(_, ending)| points(ending.calls, !wanted.whole).count() as u64).sum();
    let all = sound().flat_map(|told| points(told.1.calls, !wanted.whole).map(move |mishap| (told, mishap)));
    let mut said = Instant::now();
    let run = |((flow, ending), mishap): (&(&Flow, Ending), Mishap)| {
        let run = || try_point(**flow, mishap, ending, wanted.mutant);
        let panics = |_| (0, Some("it panics".to_owned()));
        (flow.name, mishap, std::panic::catch_unwind(run).unwrap_or_else(panics))
    };
    spread(all, run, |(name, mishap, (made, failure))| {
        (tried, calls) = (tried + 1, calls + made);
        if let Some(what) = failure {
            failing += 1;
            if failing <= MOST_SHOWN {
                println!("{name}, call {} {:?}: {what}", mishap.call, mishap.how);
            }
        }
        if said.elapsed() >= PAUSE {
            said = Instant::now();
            println!("{tried} points tried, {failing} failing, {} to go", whole - tried);
        }
    });
    println!(
        "{tried} crash points of {} flows tried, {failing} failing, {calls} port calls in {:.1} s",
        calm.len(),
        begun.elapsed().as_secs_f32()
    );
    if failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Searches for each mutant, and prints the table of what caught it.
fn search_for_mutants(wanted: &Wanted, begun: Instant) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut searches: BTreeMap<usize, Search> = BTreeMap::new();
    let seeds = wanted.first..wanted.first + wanted.seeds;
    let named = |mutant: &&Mutant| wanted.mutant.is_empty() || mutant.name == wanted.mutant;
    let run =
        |(place, mutant): (usize, &'static Mutant)| (place, find(mutant, seeds.clone(), wanted.operations));
    spread(mutants::all().filter(named).enumerate(), run, |(place, search)| {
        match &search.caught {
            Some((place, _)) => println!("{}: {place}", search.mutant.name),
            None => println!("{}: NOT CAUGHT, otherwise {:?}", search.mutant.name, search.otherwise),
        }
        searches.insert(place, search);
    });
    let caught = searches.values().filter(|search| search.caught.is_some()).count();
    println!("| mutant | caught by | message |\n|---|---|---|");
    for search in searches.values() {
        let (place, what) = search.caught.as_ref().map_or(("nothing", String::new()), |(place, what)| {
            (place.as_str(), plainly(what).replace('|', "\\|"))
        });
        println!("| {} | {place} | {what} |", search.mutant.what);
    }
    println!("{caught} of {} mutants caught in {:.1} s", searches.len(), begun.elapsed().as_secs_f32());
    if caught == searches.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
