//! Searches for a mutant: with one seed after the other, or in a flow.
//!
//! A mistake counts as caught only by an invariant that it really breaks, as [`Mutant::caught_by`] says. What else goes wrong with
//! it on the way is kept, because it helps whoever asks why it was not caught.

use std::panic::catch_unwind;

use super::Mutant;
use crate::flows::{FLOWS, points, tell, try_point, wrong_in_calm};
use crate::run::seed;

/// What became of the search for a mistake.
#[derive(Debug, Clone)]
pub struct Search {
    /// What was looked for.
    pub mutant: &'static Mutant,
    /// The seed, or the flow and its point, and what it says.
    pub caught: Option<(String, String)>,
    /// Where something else was found to be wrong first, and what.
    pub otherwise: Option<(String, String)>,
}

impl Search {
    /// Takes note of what is wrong somewhere; whether the mistake is caught by it.
    fn note(&mut self, place: impl Fn() -> String, wrong: &[String]) -> bool {
        let named = |what: &&String| self.mutant.caught_by.iter().any(|words| what.contains(words.as_str()));
        match wrong.iter().find(named) {
            Some(what) => self.caught = Some((place(), what.clone())),
            None if self.otherwise.is_none() => {
                self.otherwise = wrong.first().map(|what| (place(), what.clone()));
            }
            None => {}
        }
        self.caught.is_some()
    }
}

/// Looks for a mistake with so many seeds, each for so many operations, or in the flow in which it shows.
pub fn find(mutant: &'static Mutant, seeds: std::ops::Range<u64>, operations: u64) -> Search {
    let mut search = Search { mutant, caught: None, otherwise: None };
    let panics = || vec!["it panics".to_owned()];
    if let Some(flow) = FLOWS.iter().find(|flow| Some(flow.name) == mutant.flow.as_deref()) {
        let Ok(calm) = catch_unwind(|| tell(*flow, None, false, &mutant.name)) else { return search };
        let place = |how: String| format!("\"{}\", {how}", flow.name);
        let wrong = Vec::from_iter(wrong_in_calm(flow, &calm));
        if search.note(|| place("whatever happens".to_owned()), &wrong) {
            return search;
        }
        for mishap in points(calm.calls, true) {
            let run = || try_point(*flow, mishap, &calm, &mutant.name).1;
            let wrong = catch_unwind(run).map_or_else(|_| panics(), Vec::from_iter);
            if search.note(|| place(format!("call {} {:?}", mishap.call, mishap.how)), &wrong) {
                return search;
            }
        }
    }
    for number in seeds {
        let run = || seed(number, operations, false, &mutant.name).wrong;
        let wrong = catch_unwind(run).unwrap_or_else(|_| panics());
        if search.note(|| format!("seed {number}"), &wrong) {
            return search;
        }
    }
    search
}

/// A message without what differs from run to run and tells a reader nothing: the bodies of ids.
pub fn plainly(message: &str) -> String {
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
