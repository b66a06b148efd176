//! What it can be asked for:
//!
//! - `--seeds 1000 --operations 1000`: so many seeds, each for so many operations and then to its rest
//! - `--mirror` with it: every request to the table is also made to the embedded DynamoDB, and decided the same there
//! - `--requests 10000`: so many sequences of random requests, to the model of the table and to the embedded DynamoDB
//! - `--seed 123 --trace`: what happens with one seed, line by line
//! - `--flows`: every flow, crashed at every call; `--flow <name> --point 17 CrashAfter --trace`: one of these
//! - `--bugs`: each planted mistake until a seed finds it, and with `--flows` until a flow does; all of them only with `--features planted-bugs`
//! - `--planted <name>` with any of these: the same with a mistake

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::core::{How, Mishap};
use simulation::flows::{FLOWS, tell, try_everywhere};
use simulation::random_requests::{self, Compared};
use simulation::run::{Outcome, mirrored, seed};

struct Wanted {
    first: u64,
    seeds: u64,
    operations: u64,
    trace: bool,
    planted: &'static str,
    flows: bool,
    bugs: bool,
    point: Option<(u64, How)>,
    flow: Option<String>,
    mirror: bool,
    requests: Option<u64>,
}

fn wanted() -> Result<Wanted, lexopt::Error> {
    use lexopt::prelude::*;
    let mut wanted = Wanted {
        first: 1,
        seeds: 100,
        operations: 1_000,
        trace: false,
        planted: "",
        flows: false,
        bugs: false,
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
            Long("planted") => wanted.planted = parser.value()?.string()?.leak(),
            Long("bugs") => wanted.bugs = true,
            Long("flows") => wanted.flows = true,
            Long("flow") => wanted.flow = Some(parser.value()?.string()?),
            Long("point") => {
                let call = parser.value()?.parse()?;
                let how = parser.value()?.string()?;
                let how = How::ALL.into_iter().find(|one| format!("{one:?}") == how).ok_or("no such way")?;
                wanted.point = Some((call, how));
            }
            Long("mirror") => wanted.mirror = true,
            Long("requests") => wanted.requests = Some(parser.value()?.parse()?),
            Long("trace") => wanted.trace = true,
            other => return Err(other.unexpected()),
        }
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
    let begun = Instant::now();
    if wanted.bugs {
        return bugs(&wanted, begun);
    }
    if wanted.flows || wanted.flow.is_some() {
        return flows(&wanted, begun);
    }
    if let Some(sequences) = wanted.requests {
        return requests(&wanted, sequences, begun);
    }
    let outcomes = each(wanted.first, wanted.seeds, |number| {
        let failed = |why: String| Outcome { seed: number, wrong: vec![why], ..Outcome::default() };
        let run = || match wanted.mirror {
            true => mirrored(number, wanted.operations, wanted.trace, wanted.planted).unwrap_or_else(failed),
            false => seed(number, wanted.operations, wanted.trace, wanted.planted),
        };
        std::panic::catch_unwind(run).unwrap_or_else(|_| failed("it panics".to_owned()))
    });
    for outcome in outcomes.values() {
        for line in &outcome.trace {
            println!("{line}");
        }
    }
    let failing: Vec<&Outcome> = outcomes.values().filter(|outcome| !outcome.wrong.is_empty()).collect();
    for outcome in failing.iter().take(30) {
        println!("seed {}: {}", outcome.seed, outcome.wrong[0]);
    }
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in outcomes.values() {
        for (word, count) in &outcome.statuses {
            *statuses.entry(word).or_default() += count;
        }
    }
    let sum = |of: fn(&Outcome) -> u64| outcomes.values().map(of).sum::<u64>();
    println!(
        "{} operations ({} port calls) over {} seeds in {:.1} s; {} seeds fail",
        sum(|outcome| outcome.operations),
        sum(|outcome| outcome.calls),
        outcomes.len(),
        begun.elapsed().as_secs_f32(),
        failing.len()
    );
    println!(
        "{} appointments {statuses:?}, {} movements of money, {} conflicts, {} conditions that did not hold",
        sum(|outcome| outcome.appointments as u64),
        sum(|outcome| outcome.movements as u64),
        sum(|outcome| outcome.capacity.conflicts),
        sum(|outcome| outcome.capacity.moved),
    );
    if wanted.mirror {
        println!(
            "on a real store: {} writes done and {} refused, {} reads, {} rows in the end",
            sum(|outcome| outcome.mirrored.done),
            sum(|outcome| outcome.mirrored.refused),
            sum(|outcome| outcome.mirrored.reads),
            sum(|outcome| outcome.mirrored.rows),
        );
    }
    if failing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does something with so many seeds, on all cores.
fn each<T: Send>(first: u64, seeds: u64, run: impl Fn(u64) -> T + Sync) -> BTreeMap<u64, T> {
    let next = AtomicU64::new(first);
    let outcomes: Mutex<BTreeMap<u64, T>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + seeds {
                        return;
                    }
                    let outcome = run(number);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.insert(number, outcome);
                    }
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_default()
}

/// Holds the model of the table against the embedded DynamoDB.
fn requests(wanted: &Wanted, sequences: u64, begun: Instant) -> ExitCode {
    let compared = each(wanted.first, sequences, random_requests::seed);
    let differences: Vec<&String> = compared.values().filter_map(|one| one.as_ref().err()).collect();
    differences.iter().take(5).for_each(|difference| println!("{difference}"));
    let sum = |of: fn(&Compared) -> u64| compared.values().flatten().map(of).sum::<u64>();
    println!(
        "{} random requests in {} sequences, {} of them refused, {} rows compared in {:.1} s; {} sequences differ",
        sum(|compared| compared.requests),
        compared.len(),
        sum(|compared| compared.refused),
        sum(|compared| compared.rows),
        begun.elapsed().as_secs_f32(),
        differences.len()
    );
    if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn flows(wanted: &Wanted, begun: Instant) -> ExitCode {
    let chosen =
        || FLOWS.iter().filter(|flow| wanted.flow.as_ref().is_none_or(|name| flow.name.contains(name)));
    if let (Some(flow), true) = (chosen().next(), wanted.trace) {
        let mishap = wanted.point.map(|(call, how)| Mishap { call, how });
        let ending = tell(*flow, mishap, true, wanted.planted);
        ending.trace.iter().for_each(|line| println!("{line}"));
        println!("{:?} {:?}", ending.appointments, ending.wrong);
        return ExitCode::SUCCESS;
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let flows: Vec<_> = chosen().collect();
    let (mut points, mut failing) = (0_u64, 0);
    let tried = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(flow) = flows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = try_everywhere(**flow, wanted.planted);
                    println!(
                        "{}: {} calls, {} points, {} failing",
                        flow.name,
                        one.calls,
                        one.points,
                        one.failing.len()
                    );
                    if let Ok(mut tried) = tried.lock() {
                        tried.push((flow.name, one));
                    }
                }
            });
        }
    });
    let tried = tried.into_inner().unwrap_or_default();
    let mut operations = 0;
    for (name, one) in tried {
        for (mishap, what) in &one.failing {
            println!("{name}, call {} {:?}: {what}", mishap.call, mishap.how);
        }
        points += one.points;
        operations += one.operations;
        failing += one.failing.len();
    }
    println!(
        "{points} crash points tried, {failing} failing, {operations} port calls in {:.1} s",
        begun.elapsed().as_secs_f32()
    );
    if failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks for each planted mistake with one seed after the other, and then with the flows when that is asked for.
fn bugs(wanted: &Wanted, begun: Instant) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let names = simulation::planted::all();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found: Mutex<BTreeMap<&str, Option<String>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let caught = find(name, wanted);
                    println!("{name}: {}", caught.as_deref().unwrap_or("NOT CAUGHT"));
                    if let Ok(mut found) = found.lock() {
                        found.insert(name, caught);
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_default();
    let caught = found.values().filter(|caught| caught.is_some()).count();
    println!("{caught} of {} planted mistakes caught in {:.1} s", found.len(), begun.elapsed().as_secs_f32());
    if caught == found.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(name: &'static str, wanted: &Wanted) -> Option<String> {
    for number in wanted.first..wanted.first + wanted.seeds {
        let run = || seed(number, wanted.operations, false, name);
        match std::panic::catch_unwind(run) {
            Err(_) => return Some(format!("seed {number}: it panics")),
            Ok(Outcome { wrong, .. }) if !wrong.is_empty() => {
                return Some(format!("seed {number}: {}", wrong[0]));
            }
            Ok(_) => {}
        }
    }
    for flow in FLOWS.iter().filter(|_| wanted.flows) {
        let run = || try_everywhere(*flow, name);
        let tried = std::panic::catch_unwind(run).ok()?;
        if let Some((mishap, what)) = tried.failing.first() {
            return Some(format!("\"{}\", call {} {:?}: {what}", flow.name, mishap.call, mishap.how));
        }
    }
    None
}
