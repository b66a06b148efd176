//! A sample of what the binary runs: some seeds, some flows, and mutants that must be caught.

use simulation::flows::{FLOWS, baseline_violation, run_flow, run_with_every_fault};
use simulation::random_requests::{self, compare, known_differences};
use simulation::run::{run_seed, run_seed_mirrored};

#[test]
fn seeds_have_no_violation() {
    for number in 1..=60 {
        let outcome = run_seed(number, 1_000, false, "");
        assert!(outcome.violations.is_empty(), "seed {number}: {}", outcome.violations[0]);
        assert!(outcome.operations >= 1_000, "seed {number} ends early");
    }
}

#[test]
fn same_seed_has_the_same_trace() {
    let trace = || run_seed(7, 1_500, true, "").trace;
    let (first, second) = (trace(), trace());
    assert!(first.len() > 1_000, "{} lines", first.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
}

#[test]
fn flows_without_faults_end_as_expected() {
    for flow in FLOWS.iter() {
        let baseline = run_flow(*flow, None, false, "");
        assert_eq!(baseline_violation(flow, &baseline), None, "{}", flow.name);
    }
}

#[test]
fn faults_do_not_change_the_end_of_a_flow() {
    for name in ["a paid session is completed", "an expired hold is reclaimed"] {
        let flow = FLOWS.iter().find(|flow| flow.name == name).expect("a flow");
        let tried = run_with_every_fault(*flow, "");
        assert_eq!(tried.failing, [], "{name}");
        assert!(tried.fault_points > 200, "{name}: {} points", tried.fault_points);
    }
}

#[test]
fn table_mutants_are_caught() {
    for mutant in [
        "table_ignores_occupancy_conditions",
        "table_ignores_idempotency_conditions",
        "table_loses_one_of_two_days",
        "table_loses_payment_jobs",
    ] {
        let found = (1..=200).find(|number| !run_seed(*number, 1_000, false, mutant).violations.is_empty());
        assert!(found.is_some(), "{mutant} is not caught");
    }
}

#[test]
fn table_model_matches_the_embedded_dynamodb() {
    for number in 1..=25 {
        if let Err(difference) = random_requests::seed(number) {
            panic!("{difference}");
        }
    }
}

#[test]
fn known_differences_of_the_embedded_dynamodb_are_reported() {
    for (what, request) in known_differences() {
        let difference = compare(&[request]).expect_err(what);
        assert_eq!(difference.made.len(), 1, "{what}");
    }
}

#[test]
fn history_with_faults_is_the_same_on_a_real_store() {
    let mut sum = simulation::mirror::MirrorStats::default();
    for number in 1..=4 {
        let outcome = run_seed_mirrored(number, 200, false, "").expect("a real store");
        assert!(outcome.violations.is_empty(), "seed {number}: {}", outcome.violations[0]);
        sum.add(outcome.mirrored);
    }
    assert!(sum.done > 120 && sum.rows > 60, "{sum:?}");
}
