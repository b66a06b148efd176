//! Runs the simulation. Usage: `cargo run -p simulation -- <options>`
//!
//! - `--seeds 1000 --operations 1000`: runs 1,000 seeds, each for 1,000 operations and then until it is quiescent
//! - `--mirror`: with the above, also sends each request to the embedded DynamoDB and compares the results
//! - `--requests 10000`: compares the model of the table with the embedded DynamoDB on 10,000 sequences of random requests
//! - `--seed 123`: runs one seed; `--trace` prints each event
//! - `--first 1001`: the number of the first seed or sequence, with `--seeds`, `--requests` or `--mutants`
//! - `--flows`: runs every flow with each fault at each of its calls; of long flows only every 40th call after the 200th, unless
//!   `--exhaustive` is given
//! - `--sample 5`: with `--flows`, only every fifth of these faults
//! - `--flow <part of a name>`: only these flows; `--point 17 CrashAfter` runs one fault, and `--trace` prints each event
//! - `--mutants`: searches for each mutant of `mutants.toml` until a seed or a flow catches it
//! - `--mutant <name>`: activates this mutant; with `--mutants`, searches only for it
//! - `--list`: prints the names of flows, faults and mutants
//!
//! Mutants of the product are built in a copy of the sources below `target/mutants`, which takes about half a minute the first
//! time.
//!
//! The exit status is 0 if nothing fails, 1 if something fails, and 2 if the options are invalid or the fault of `--point` was not injected.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulation::core::{FaultKind, InjectedFault};
use simulation::flows::{Ending, FLOWS, Flow, baseline_violation, fault_points, run_flow, run_with_fault};
use simulation::mirror::MirrorStats;
use simulation::mutants::search::{Search, find, without_ids};
use simulation::mutants::{self, Mutant, switch};
use simulation::parallel::for_each_parallel;
use simulation::random_requests::{self, Compared};
use simulation::run::{Outcome, Summary, run_seed, run_seed_mirrored};

/// The number of failures to print. The rest are only counted.
const MAX_SHOWN: u64 = 30;
/// The interval of progress messages.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// The text of `--help`.
const HELP: &str = include_str!("main.rs");

fn help() {
    for line in HELP.lines().map_while(|line| line.strip_prefix("//!")) {
        println!("{}", line.strip_prefix(' ').unwrap_or(line));
    }
}

/// Prints all names that options accept.
fn list() {
    println!("flows:");
    FLOWS.iter().for_each(|flow| println!("  {}", flow.name));
    println!("faults:");
    FaultKind::ALL.iter().for_each(|kind| println!("  {kind:?}"));
    println!("mutants of the simulated ports:");
    mutants::ports().for_each(|mutant| println!("  {}: {}", mutant.name, mutant.what));
    println!("mutants of the product:");
    mutants::product().for_each(|(mutant, _)| println!("  {}: {}", mutant.name, mutant.what));
}

struct Options {
    print_and_exit: Option<fn()>,
    first: u64,
    seeds: u64,
    operations: u64,
    trace: bool,
    mutant: &'static str,
    flows: bool,
    exhaustive: bool,
    sample: usize,
    mutants: bool,
    point: Option<(u64, FaultKind)>,
    flow: Option<String>,
    mirror: bool,
    requests: Option<u64>,
}

fn parse_options() -> Result<Options, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options {
        print_and_exit: None,
        first: 1,
        seeds: 100,
        operations: 1_000,
        trace: false,
        mutant: "",
        flows: false,
        exhaustive: false,
        sample: 1,
        mutants: false,
        point: None,
        flow: None,
        mirror: false,
        requests: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => (options.first, options.seeds) = (parser.value()?.parse()?, 1),
            Long("first") => options.first = parser.value()?.parse()?,
            Long("seeds") => options.seeds = parser.value()?.parse()?,
            Long("operations") => options.operations = parser.value()?.parse()?,
            Long("mutant") => {
                let name = parser.value()?.string()?;
                let known = mutants::all().find(|mutant| mutant.name == name);
                options.mutant = &known.ok_or("unknown mutant; see --list")?.name;
            }
            Long("mutants") => options.mutants = true,
            Long("flows") => options.flows = true,
            Long("exhaustive") => options.exhaustive = true,
            Long("sample") => options.sample = parser.value()?.parse()?,
            Long("flow") => {
                let name = parser.value()?.string()?;
                if !FLOWS.iter().any(|flow| flow.name.contains(&name)) {
                    return Err("unknown flow; see --list".into());
                }
                options.flow = Some(name);
            }
            Long("point") => {
                let call = parser.value()?.parse()?;
                let kind = parser.value()?.string()?;
                let kind = FaultKind::ALL
                    .into_iter()
                    .find(|one| format!("{one:?}") == kind)
                    .ok_or("unknown fault; see --list")?;
                options.point = Some((call, kind));
            }
            Long("mirror") => options.mirror = true,
            Long("requests") => options.requests = Some(parser.value()?.parse()?),
            Long("trace") => options.trace = true,
            Long("list") => options.print_and_exit = Some(list),
            Long("help") | Short('h') => options.print_and_exit = Some(help),
            other => return Err(other.unexpected()),
        }
    }
    if options.seeds == 0 || options.requests == Some(0) || options.sample == 0 {
        return Err("--seeds, --requests and --sample must be at least 1".into());
    }
    if options.point.is_some() && options.flow.is_none() {
        return Err("--point requires --flow".into());
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match parse_options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if let Some(show) = options.print_and_exit {
        show();
        return ExitCode::SUCCESS;
    }
    let all_mutants = options.mutants && options.mutant.is_empty();
    if !(mutants::is_built_in(options.mutant) && (switch::PRODUCT_MUTANTS || !all_mutants)) {
        return mutants::copy::run().unwrap_or_else(|error| {
            eprintln!("{error}");
            ExitCode::FAILURE
        });
    }
    // One line per panic is enough; a run with --trace shows more.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let begun = Instant::now();
    if options.mutants {
        return search_for_mutants(&options, begun);
    }
    if options.flows || options.flow.is_some() {
        return flows(&options, begun);
    }
    if let Some(sequences) = options.requests {
        return requests(&options, sequences, begun);
    }
    let (mut sum, mut last_progress) = (Summary::default(), Instant::now());
    let run = |number| {
        let failed = |why: String| Outcome { seed: number, violations: vec![why], ..Outcome::default() };
        let run = || match options.mirror {
            true => run_seed_mirrored(number, options.operations, options.trace, options.mutant)
                .unwrap_or_else(failed),
            false => run_seed(number, options.operations, options.trace, options.mutant),
        };
        std::panic::catch_unwind(run).unwrap_or_else(|_| failed("it panics".to_owned()))
    };
    for_each_parallel(options.first..options.first + options.seeds, run, |outcome| {
        for line in &outcome.trace {
            println!("{line}");
        }
        if let Some(violation) = outcome.violations.first()
            && sum.failing < MAX_SHOWN
        {
            println!("seed {0}: {violation} (see --seed {0} --trace)", outcome.seed);
        }
        sum.add(&outcome);
        if last_progress.elapsed() >= PROGRESS_INTERVAL {
            last_progress = Instant::now();
            println!(
                "{} seeds done, {} operations, {} failing, {} seeds to go",
                sum.seeds,
                sum.operations,
                sum.failing,
                options.seeds - sum.seeds
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
        "{} appointments {:?}, {} ledger movements, {} conflicts, {} failed conditions, {} read and {} write units",
        sum.appointments,
        sum.statuses,
        sum.movements,
        sum.capacity.conflicts,
        sum.capacity.failed_conditions,
        sum.capacity.half_reads / 2,
        sum.capacity.writes
    );
    if options.mirror {
        let MirrorStats { done, refused, reads, rows } = sum.mirrored;
        println!(
            "on the real store: {done} writes succeeded, {refused} refused, {reads} reads, {rows} rows at the end"
        );
    }
    if sum.failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compares the model of the table with the embedded DynamoDB.
fn requests(options: &Options, sequences: u64, begun: Instant) -> ExitCode {
    let (mut sum, mut differ, mut done) = (Compared::default(), 0_u64, 0_u64);
    for_each_parallel(options.first..options.first + sequences, random_requests::seed, |one| {
        done += 1;
        match one {
            Ok(compared) => sum.add(compared),
            Err(difference) => {
                differ += 1;
                if differ <= MAX_SHOWN {
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

/// Runs each flow without a fault, and then with each of its faults.
fn flows(options: &Options, begun: Instant) -> ExitCode {
    let chosen =
        || FLOWS.iter().filter(|flow| options.flow.as_ref().is_none_or(|name| flow.name.contains(name)));
    if options.trace || options.point.is_some() {
        let Some(flow) = chosen().next() else { return ExitCode::from(2) };
        let injected_fault = options.point.map(|(call, kind)| InjectedFault { call, kind });
        let ending = run_flow(*flow, injected_fault, options.trace, options.mutant);
        ending.trace.iter().for_each(|line| println!("{line}"));
        println!("{} ends as", flow.name);
        ending.appointments.iter().for_each(|line| println!("  {line}"));
        let fault_injected = injected_fault.is_none() || ending.fault_injected;
        if !fault_injected {
            println!("it makes {} calls, so the fault was not injected", ending.calls);
        }
        return match baseline_violation(flow, &ending) {
            None if fault_injected => ExitCode::SUCCESS,
            None => ExitCode::from(2),
            Some(violations) => {
                println!("{violations}");
                ExitCode::FAILURE
            }
        };
    }
    let mut baseline: Vec<(&Flow, Ending)> = Vec::new();
    for_each_parallel(
        chosen(),
        |flow| (flow, run_flow(*flow, None, false, options.mutant)),
        |entry| baseline.push(entry),
    );
    let (mut tried, mut failing, mut calls) = (0_usize, 0_u64, 0_u64);
    for (flow, ending) in &baseline {
        calls += ending.operations;
        if let Some(violations) = baseline_violation(flow, ending) {
            failing += 1;
            println!("{}, even without faults: {violations}", flow.name);
        }
    }
    let sound = || baseline.iter().filter(|(flow, ending)| baseline_violation(flow, ending).is_none());
    // Each flow begins its sample elsewhere, so that the first calls, which all flows have in common, are tried in some of them.
    let sample = |(number, (_, ending)): (usize, &(&Flow, Ending))| {
        fault_points(ending.calls, !options.exhaustive).skip(number % options.sample).step_by(options.sample)
    };
    let total: usize = sound().enumerate().map(|entry| sample(entry).count()).sum();
    let all = sound().enumerate().flat_map(|(number, entry)| {
        sample((number, entry)).map(move |injected_fault| (entry, injected_fault))
    });
    let mut last_progress = Instant::now();
    let run = |((flow, ending), injected_fault): (&(&Flow, Ending), InjectedFault)| {
        let run = || run_with_fault(**flow, injected_fault, ending, options.mutant);
        let panics = |_| (0, Some("it panics".to_owned()));
        (flow.name, injected_fault, std::panic::catch_unwind(run).unwrap_or_else(panics))
    };
    for_each_parallel(all, run, |(name, injected_fault, (made, failure))| {
        (tried, calls) = (tried + 1, calls + made);
        if let Some(what) = failure {
            failing += 1;
            if failing <= MAX_SHOWN {
                println!("{name}, call {} {:?}: {what}", injected_fault.call, injected_fault.kind);
            }
        }
        if last_progress.elapsed() >= PROGRESS_INTERVAL {
            last_progress = Instant::now();
            println!("{tried} fault points tried, {failing} failing, {} to go", total - tried);
        }
    });
    println!(
        "{tried} fault points of {} flows tried, {failing} failing, {calls} port calls in {:.1} s",
        baseline.len(),
        begun.elapsed().as_secs_f32()
    );
    if failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Searches for each mutant, and prints the table of what caught it.
fn search_for_mutants(options: &Options, begun: Instant) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut searches: BTreeMap<usize, Search> = BTreeMap::new();
    let seeds = options.first..options.first + options.seeds;
    let named = |mutant: &&Mutant| options.mutant.is_empty() || mutant.name == options.mutant;
    let run =
        |(place, mutant): (usize, &'static Mutant)| (place, find(mutant, seeds.clone(), options.operations));
    for_each_parallel(mutants::all().filter(named).enumerate(), run, |(place, search)| {
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
            (place.as_str(), without_ids(what).replace('|', "\\|"))
        });
        println!("| {} | {place} | {what} |", search.mutant.what);
    }
    println!("{caught} of {} mutants caught in {:.1} s", searches.len(), begun.elapsed().as_secs_f32());
    if caught == searches.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
