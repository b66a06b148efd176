//! Looks for planted mistakes: with one seed after the other, and then in the flows.
//!
//! A mistake counts as caught only by an invariant that it really breaks, as [`Mistake::breaks`] says. What else goes wrong with
//! it on the way is kept, because it helps whoever asks why it was not caught.

use std::panic::catch_unwind;

use crate::flows::{FLOWS, points, tell, try_point};
use crate::planted::Mistake;
use crate::run::seed;

/// What became of the search for a mistake.
#[derive(Debug, Clone)]
pub struct Search {
    /// What was looked for.
    pub mistake: &'static Mistake,
    /// The seed, or the flow and its point, and what it says.
    pub caught: Option<(String, String)>,
    /// Where something else was found to be wrong first, and what.
    pub otherwise: Option<(String, String)>,
}

impl Search {
    /// Takes note of what is wrong somewhere; whether the mistake is caught by it.
    fn note(&mut self, place: impl Fn() -> String, wrong: &[String]) -> bool {
        let named = |what: &&String| self.mistake.breaks.iter().any(|words| what.contains(words));
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

/// Looks for a mistake with so many seeds, each for so many operations, and then in the flows when that is asked for.
pub fn find(mistake: &'static Mistake, seeds: std::ops::Range<u64>, operations: u64, flows: bool) -> Search {
    let mut search = Search { mistake, caught: None, otherwise: None };
    let panics = || vec!["it panics".to_owned()];
    for number in seeds {
        let run = || seed(number, operations, false, mistake.name).wrong;
        let wrong = catch_unwind(run).unwrap_or_else(|_| panics());
        if search.note(|| format!("seed {number}"), &wrong) {
            return search;
        }
    }
    for flow in FLOWS.iter().filter(|_| flows) {
        let Ok(calm) = catch_unwind(|| tell(*flow, None, false, mistake.name)) else { continue };
        if search.note(|| format!("\"{}\"", flow.name), &calm.wrong) {
            return search;
        }
        if !calm.wrong.is_empty() {
            continue;
        }
        for mishap in points(calm.calls) {
            let run = || try_point(*flow, mishap, &calm, mistake.name).1;
            let wrong = catch_unwind(run).map_or_else(|_| panics(), |failure| Vec::from_iter(failure));
            let place = || format!("\"{}\", call {} {:?}", flow.name, mishap.call, mishap.how);
            if search.note(place, &wrong) {
                return search;
            }
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
