//! The response of a verifier of challenges, as far as it is used.

use serde::Deserialize;

/// Whether a token is valid.
#[derive(Deserialize)]
pub(super) struct Verification {
    pub(super) success: bool,
    #[serde(default, rename = "error-codes")]
    pub(super) error_codes: Vec<String>,
}
