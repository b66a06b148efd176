//! What the lists that come in pages are asked for in the same words.

use domain::Timestamp;
use http_api::Problem;

/// Longest place in a list that is read.
const LONGEST_PLACE: usize = 300;

/// The beginning of the time that is wanted, when none is named.
pub fn first() -> Timestamp {
    Timestamp::MIN
}

/// Its end.
pub fn last() -> Timestamp {
    Timestamp::MAX
}

/// The length of a page, when none is named.
pub fn page() -> u16 {
    25
}

/// Refuses pages of nothing, and those that are too long.
pub fn check_limit(limit: u16, largest: u16) -> Result<(), Problem> {
    if (1..=largest).contains(&limit) {
        return Ok(());
    }
    Err(Problem::invalid("limit", format!("must be from 1 to {largest}")))
}

/// The place in a list that a parameter of this name stands for, with a dot for what an address could not hold. The worst that a
/// forged one can do is to skip in a list that the caller may read.
pub fn place(name: &str, given: &str, known: impl Fn(&str) -> bool) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if given.len() > LONGEST_PLACE || !given.bytes().all(plain) || !known(given) {
        return Err(Problem::invalid(name, format!("must be the next_{name} of a page before")));
    }
    Ok(given.replace('.', "#"))
}

/// What stands behind the time in a place of a list that is ordered by time.
pub fn behind_time(place: &str) -> Option<&str> {
    let (time, rest) = place.split_once('.')?;
    (time.len() == 12 && time.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

/// A place as the caller is told it.
pub fn told(place: &str) -> String {
    place.replace('#', ".")
}
