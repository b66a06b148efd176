//! The response of a userinfo endpoint, as far as it is used
//! (<https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims>).

use serde::Deserialize;
use serde_json::Value;

/// The claims about a person. Only the subject is required. The others have any type, because a claim of an unexpected type must
/// not hide the rest.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) email: Value,
    #[serde(default)]
    pub(super) email_verified: Value,
    #[serde(default)]
    pub(super) locale: Value,
    #[serde(default)]
    pub(super) zoneinfo: Value,
}
