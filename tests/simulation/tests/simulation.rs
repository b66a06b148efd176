//! A small part of what the binary runs, for every `cargo test`: some seeds, some flows, and proof that a run can fail.

use simulation::flows::{FLOWS, tell, try_everywhere, wrong_in_calm};
use simulation::random_requests::{self, compare, known_differences};
use simulation::run::{mirrored, seed};

#[test]
fn no_seed_breaks_booking_or_money() {
    for number in 1..=60 {
        let outcome = seed(number, 1_000, false, "");
        assert!(outcome.wrong.is_empty(), "seed {number}: {}", outcome.wrong[0]);
        assert!(outcome.operations >= 1_000, "seed {number} ends early");
    }
}

#[test]
fn a_seed_always_tells_the_same() {
    let tell = || seed(7, 1_500, true, "").trace;
    let (first, second) = (tell(), tell());
    assert!(first.len() > 1_000, "{} lines", first.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
}

#[test]
fn each_flow_ends_as_written() {
    for flow in FLOWS {
        let calm = tell(*flow, None, false, "");
        assert_eq!(wrong_in_calm(flow, &calm), None, "{}", flow.name);
    }
}

#[test]
fn a_crash_at_any_call_changes_nothing_in_the_end() {
    for name in ["a session is paid and takes place", "a hold whose time is over is taken over"] {
        let flow = FLOWS.iter().find(|flow| flow.name == name).expect("a flow");
        let tried = try_everywhere(*flow, "");
        assert_eq!(tried.failing, [], "{name}");
        assert!(tried.points > 200, "{name}: {} points", tried.points);
    }
}

#[test]
fn a_table_that_drops_conditions_is_found_out() {
    for mistake in [
        "table_ignores_occupancy_conditions",
        "table_ignores_idempotency_conditions",
        "table_loses_one_of_two_days",
        "table_loses_payment_jobs",
    ] {
        let found = (1..=200).find(|number| !seed(*number, 1_000, false, mistake).wrong.is_empty());
        assert!(found.is_some(), "{mistake} is not found");
    }
}

#[test]
fn the_model_of_the_table_answers_as_the_real_adapter_over_the_embedded_dynamodb() {
    for number in 1..=25 {
        if let Err(difference) = random_requests::seed(number) {
            panic!("{difference}");
        }
    }
}

#[test]
fn a_difference_is_told_and_those_of_the_embedded_dynamodb_are_still_there() {
    for (what, request) in known_differences() {
        let difference = compare(&[request]).expect_err(what);
        assert_eq!(difference.made.len(), 1, "{what}");
    }
}

#[test]
fn a_history_with_all_its_faults_ends_the_same_on_a_real_store() {
    let mut sum = simulation::mirror::Mirrored::default();
    for number in 1..=4 {
        let outcome = mirrored(number, 200, false, "").expect("a real store");
        assert!(outcome.wrong.is_empty(), "seed {number}: {}", outcome.wrong[0]);
        sum.add(outcome.mirrored);
    }
    assert!(sum.done > 120 && sum.rows > 60, "{sum:?}");
}
