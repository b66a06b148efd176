//! Query parameters that all paged lists share.

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

/// Checks that a limit is from 1 to `largest`.
///
/// # Errors
/// 422 about `limit`.
pub fn check_limit(limit: u16, largest: u16) -> Result<(), Problem> {
    if (1..=largest).contains(&limit) {
        return Ok(());
    }
    Err(Problem::invalid_parameter("limit", format!("must be from 1 to {largest}")))
}

/// The sort key that the cursor in the parameter `name` stands for. `is_known` checks the rest of its form.
///
/// A cursor is not signed: a forged one only skips entries of a list that the caller may read anyway.
///
/// # Errors
/// 422 about the parameter when it is not a cursor.
pub fn decode_cursor(name: &str, given: &str, is_known: impl Fn(&str) -> bool) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if given.len() > MAX_CURSOR || !given.bytes().all(plain) || !is_known(given) {
        return Err(Problem::invalid_parameter(name, format!("must be the next_{name} of a previous page")));
    }
    Ok(given.replace('.', "#"))
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
