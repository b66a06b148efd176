//! Keys of profiles, availability rules and session types.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | anyone | an expert's profile | table | `EXPERT#<expert>` | `PROFILE` |
//! | list_slots, booking, the expert | an expert's availability rules | table | `EXPERT#<expert>` | `RULES` |
//! | list_slots, booking, anyone | an expert's session types | table | `EXPERT#<expert>` | `TYPE#<id>` |

use domain::{ExpertId, SessionTypeId};

use crate::keys::{Key, expert_partition};

/// The prefix of the sort keys of session types.
pub const SESSION_TYPES: &str = "TYPE#";

/// An expert's profile.
pub fn profile(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "PROFILE")
}

/// An expert's availability rules.
pub fn rules(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "RULES")
}

/// A session type of an expert.
pub fn session_type(expert: ExpertId, id: SessionTypeId) -> Key {
    Key::new(expert_partition(expert), format!("{SESSION_TYPES}{id}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{EXPERT, Example, SESSION_TYPE, ZEROS, row};

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        vec![row(profile(EXPERT)), row(rules(EXPERT)), row(session_type(EXPERT, SESSION_TYPE))]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(profile(EXPERT).to_string(), format!("EXPERT#exp_{ZEROS}1 / PROFILE"));
        assert_eq!(rules(EXPERT).sk, "RULES");
        assert_eq!(session_type(EXPERT, SESSION_TYPE).sk, format!("TYPE#ses_{ZEROS}3"));
    }
}
