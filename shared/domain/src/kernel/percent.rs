//! Whole percentages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Money;

/// A share of a price in whole percent, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 100 })
    }
}

/// The value exceeds 100 percent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be from 0 to 100 percent")]
pub struct AboveHundred;

impl Percent {
    /// 0 percent.
    pub const NOTHING: Self = Self(0);
    /// 100 percent.
    pub const ALL: Self = Self(100);

    /// Creates a share of `percent` percent.
    ///
    /// # Errors
    /// [`AboveHundred`] if `percent` exceeds 100.
    pub fn new(percent: u8) -> Result<Self, AboveHundred> {
        if percent > 100 { Err(AboveHundred) } else { Ok(Self(percent)) }
    }

    /// Returns the share in percent.
    pub fn value(self) -> u8 {
        self.0
    }

    /// Returns this share of an amount, rounded half up.
    #[must_use]
    pub fn of(self, whole: Money) -> Money {
        whole.prorate(self.0.into(), 100)
    }
}

impl TryFrom<u8> for Percent {
    type Error = AboveHundred;

    fn try_from(percent: u8) -> Result<Self, AboveHundred> {
        Self::new(percent)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}
