//! Runs the targets with mutated inputs of their corpora, as libFuzzer does, but limited and reproducible.
//!
//! `MALFORMED_INPUTS` is the number of inputs for each target. Targets that use a whole platform get a fiftieth of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use malformed_requests::targets::{TARGETS, Target};

/// The default of `MALFORMED_INPUTS`.
const INPUTS: u64 = 20_000;

fn inputs() -> u64 {
    std::env::var("MALFORMED_INPUTS")
        .map_or(INPUTS, |number| number.parse().expect("MALFORMED_INPUTS is a number"))
}

fn drive(target: &Target) {
    let corpus = (target.corpus)();
    corpus.iter().for_each(|bytes| (target.run)(bytes));
    let (inputs, started) = (if target.uses_platform { inputs() / 50 } else { inputs() }, Instant::now());
    for seed in 0..inputs {
        let bytes = target.input(&corpus, seed);
        let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
        assert!(
            ran.is_ok(),
            "{} fails at seed {seed} with the bytes b\"{}\"",
            target.name,
            bytes.escape_ascii()
        );
    }
    println!("{}: {inputs} inputs in {:.1} s", target.name, started.elapsed().as_secs_f32());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            drive(TARGETS.iter().find(|target| target.name == stringify!($name)).expect("a target"));
        })*

        #[test]
        fn every_target_is_driven() {
            assert_eq!([$(stringify!($name)),*].as_slice(), TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
        }
    };
}

targets! { values documents headers claims rates forms stripe_webhook paypal_webhook requests }
