//! Comparing what a client sent with what it should know.

use aws_lc_rs::constant_time::verify_slices_are_equal;

/// Whether `given` is the secret, in a time that tells nothing.
pub(super) fn same(secret: &str, given: &str) -> bool {
    verify_slices_are_equal(secret.as_bytes(), given.as_bytes()).is_ok()
}
