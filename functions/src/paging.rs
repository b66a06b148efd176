//! Query parameters that all paged lists share.

use std::str::FromStr;

use domain::Timestamp;
use http_api::Problem;

/// The largest cursor that is accepted, in bytes.
const MAX_CURSOR: usize = 300;

/// The default of `from`.
pub fn earliest() -> Timestamp {
    Timestamp::MIN
}

/// The default of `to`.
pub fn latest() -> Timestamp {
    Timestamp::MAX
}

/// The default of `limit`.
pub fn default_limit() -> u16 {
    25
}

/// The sort key that a cursor stands for. `is_known` checks the rest of its form.
///
/// A cursor is not signed: a forged one only skips entries of a list that the caller may read anyway.
///
/// # Errors
/// 422 about `cursor` when it is not one.
pub fn decode_cursor(given: &str, is_known: impl Fn(&str) -> bool) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if given.len() > MAX_CURSOR || !given.bytes().all(plain) || !is_known(given) {
        return Err(not_a_cursor());
    }
    Ok(given.replace('.', "#"))
}

/// The id or number that a cursor is in a list that is sorted by it.
///
/// # Errors
/// 422 about `cursor` when it is not one.
pub fn parse_cursor<T: FromStr>(given: &str) -> Result<T, Problem> {
    given.parse().map_err(|_| not_a_cursor())
}

fn not_a_cursor() -> Problem {
    Problem::invalid_parameter("cursor", "must be the next_cursor of a previous page")
}

/// The part after the time in a cursor of a list that is sorted by time.
pub fn after_time(cursor: &str) -> Option<&str> {
    let (time, rest) = cursor.split_once('.')?;
    (time.len() == 12 && time.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

/// The cursor of a sort key: `.` stands for the `#` that a URL cannot contain.
pub fn encode_cursor(sort_key: &str) -> String {
    sort_key.replace('#', ".")
}
