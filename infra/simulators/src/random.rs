//! Values nobody can guess.

use rand::distr::{Alphanumeric, SampleString};

/// `length` letters and digits.
pub(crate) fn letters(length: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), length)
}

/// A secret of 256 bits: 43 letters and digits.
pub(crate) fn secret() -> String {
    letters(43)
}
