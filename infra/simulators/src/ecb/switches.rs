//! Faults and rates on request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is other than usual. Nothing is by default. A restart forgets it.
///
/// `GET /_simulator/switches` shows it; `POST /_simulator/switches` changes the members of the JSON object it is sent and
/// returns the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Rates by the three-letter code, in place of those that follow from the date, or besides them. They are written into the
    /// file as they stand, whatever they are, but for the characters that XML would take for its own.
    pub rates: BTreeMap<String, String>,
    /// The file is that of this many publications ago.
    pub publications_missed: u16,
    /// The file is called one of this date, as it stands.
    pub date: Option<String>,
    /// Calls get a 500.
    pub fail: bool,
    /// Calls wait until the switches are set again.
    pub stall: bool,
    /// The file breaks off in its middle.
    pub cut_off: bool,
    /// The file is a megabyte larger than usual.
    pub huge: bool,
}
