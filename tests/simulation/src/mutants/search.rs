//! Searches for a mutant in a flow or in one seed after another.
//!
//! A mutant counts as caught only by an invariant that it breaks, as listed in [`Mutant::caught_by`]. Other violations are
//! kept to explain why a mutant was not caught.

use std::panic::catch_unwind;

use super::Mutant;
use crate::flows::{FLOWS, baseline_violation, fault_points, run_flow, run_with_fault};
use crate::run::run_seed;

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Search {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// The seed, or the flow and its fault, that caught the mutant, and the violation.
    pub caught: Option<(String, String)>,
    /// The first place with another violation, and the violation.
    pub otherwise: Option<(String, String)>,
}

impl Search {
    /// Records the violations at a place. Returns whether the mutant is caught.
    fn note(&mut self, place: impl Fn() -> String, violations: &[String]) -> bool {
        let named = |what: &&String| self.mutant.caught_by.iter().any(|words| what.contains(words.as_str()));
        match violations.iter().find(named) {
            Some(what) => self.caught = Some((place(), what.clone())),
            None if self.otherwise.is_none() => {
                self.otherwise = violations.first().map(|what| (place(), what.clone()));
            }
            None => {}
        }
        self.caught.is_some()
    }
}

/// Searches for a mutant in its unit tests if it has some, or else in its flow, if it has one, and in a range of seeds.
pub fn find(mutant: &'static Mutant, seeds: std::ops::Range<u64>, operations: u64) -> Search {
    let mut search = Search { mutant, caught: None, otherwise: None };
    if let Some(tests) = &mutant.test {
        let place = format!("the tests {} of {}", tests.name, tests.package);
        match tests.catch(&mutant.name) {
            Ok(true) => search.caught = Some((place, "they fail".to_owned())),
            Ok(false) => search.otherwise = Some((place, "they succeed".to_owned())),
            Err(error) => search.otherwise = Some((place, error)),
        }
        return search;
    }
    let panics = || vec!["it panics".to_owned()];
    if let Some(flow) = FLOWS.iter().find(|flow| Some(flow.name) == mutant.flow.as_deref()) {
        let Ok(baseline) = catch_unwind(|| run_flow(*flow, None, false, &mutant.name)) else { return search };
        let place = |how: String| format!("\"{}\", {how}", flow.name);
        let violations = Vec::from_iter(baseline_violation(flow, &baseline));
        if search.note(|| place("without a fault".to_owned()), &violations) {
            return search;
        }
        for injected_fault in fault_points(baseline.calls, true) {
            let run = || run_with_fault(*flow, injected_fault, &baseline, &mutant.name).1;
            let violations = catch_unwind(run).map_or_else(|_| panics(), Vec::from_iter);
            if search.note(
                || place(format!("call {} {:?}", injected_fault.call, injected_fault.kind)),
                &violations,
            ) {
                return search;
            }
        }
    }
    for number in seeds {
        let run = || run_seed(number, operations, false, &mutant.name).violations;
        let violations = catch_unwind(run).unwrap_or_else(|_| panics());
        if search.note(|| format!("seed {number}"), &violations) {
            return search;
        }
    }
    search
}

/// Removes the bodies of ids from a message, because they differ between runs.
pub fn without_ids(message: &str) -> String {
    const MOST: usize = 140;
    let is_body = |word: &str| word.len() == 26 && word.chars().all(|one| one.is_ascii_alphanumeric());
    let mut plain = String::new();
    for word in message.split_inclusive(|one: char| !one.is_ascii_alphanumeric()) {
        let body = word.trim_end_matches(|one: char| !one.is_ascii_alphanumeric());
        if is_body(body) {
            plain.push('…');
            plain.push_str(&word[body.len()..]);
        } else {
            plain.push_str(word);
        }
    }
    match plain.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &plain[..end]),
        None => plain,
    }
}
