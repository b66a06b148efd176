//! Keys of profiles, availability rules, session types, members and invitations.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | anyone | an expert's profile | table | `EXPERT#<expert>` | `PROFILE` |
//! | list_slots, booking, the expert | an expert's availability rules | table | `EXPERT#<expert>` | `RULES` |
//! | list_slots, booking, anyone | an expert's session types | table | `EXPERT#<expert>` | `TYPE#<id>` |
//! | every use case for an expert | may this person act for the expert | table | `EXPERT#<expert>` | `MEMBER#<person>` |
//! | the expert | an expert's members | table | `EXPERT#<expert>` | `MEMBER#<person>` |
//! | the expert, the invited person | an expert's invitations | table | `EXPERT#<expert>` | `INVITE#<invitation>` |
//! | the expert, the invited person | did the members or invitations change | table | `EXPERT#<expert>` | `TEAM` |
//! | a member | for whom does a person act | GSI2 | `MEMBER#<person>` | `<expert>` |
//! | the expert | how often session types became active, to limit their number | table | `EXPERT#<expert>` | `TYPES` |
//! | booking | the last bookings of an expert with a limited number of clients, to enforce the limit | table | `EXPERT#<expert>` | `CLIENTS` |

use domain::{ExpertId, InvitationId, PersonId, SessionTypeId};

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

/// The prefix of the sort keys of members.
pub const MEMBERS: &str = "MEMBER#";
/// The prefix of the sort keys of invitations.
pub const INVITATIONS: &str = "INVITE#";

/// A member of an expert.
pub fn member(expert: ExpertId, person: PersonId) -> Key {
    Key::new(expert_partition(expert), format!("{MEMBERS}{person}"))
}

/// An invitation of an expert.
pub fn invitation(expert: ExpertId, id: InvitationId) -> Key {
    Key::new(expert_partition(expert), format!("{INVITATIONS}{id}"))
}

/// The version of an expert's members and invitations.
pub fn team(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "TEAM")
}

/// The partition of [`GSI2`](crate::keys::GSI2) with the memberships of a person.
pub fn memberships(person: PersonId) -> String {
    format!("{MEMBERS}{person}")
}

/// The count of how often a session type of an expert became active.
pub fn activations(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "TYPES")
}

/// The clients of an expert with a mentorship capacity.
pub fn admissions(expert: ExpertId) -> Key {
    Key::new(expert_partition(expert), "CLIENTS")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::GSI2;
    use crate::keys::tests::{EXPERT, Example, SESSION_TYPE, ZEROS, indexed, row};

    const PERSON: PersonId = PersonId::from_bits(2);
    const INVITATION: InvitationId = InvitationId::from_bits(4);

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        vec![
            row(profile(EXPERT)),
            row(rules(EXPERT)),
            row(session_type(EXPERT, SESSION_TYPE)),
            row(member(EXPERT, PERSON)),
            row(invitation(EXPERT, INVITATION)),
            row(team(EXPERT)),
            indexed(GSI2, memberships(PERSON), EXPERT.to_string()),
            row(activations(EXPERT)),
            row(admissions(EXPERT)),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(profile(EXPERT).to_string(), format!("EXPERT#exp_{ZEROS}1 / PROFILE"));
        assert_eq!(rules(EXPERT).sk, "RULES");
        assert_eq!(activations(EXPERT).sk, "TYPES");
        assert_eq!(admissions(EXPERT).sk, "CLIENTS");
        assert_eq!(session_type(EXPERT, SESSION_TYPE).sk, format!("TYPE#ses_{ZEROS}3"));
        assert_eq!(member(EXPERT, PERSON).to_string(), format!("EXPERT#exp_{ZEROS}1 / MEMBER#per_{ZEROS}2"));
        assert_eq!(invitation(EXPERT, INVITATION).sk, format!("INVITE#inv_{ZEROS}4"));
        assert_eq!(team(EXPERT).sk, "TEAM");
        assert_eq!(memberships(PERSON), format!("MEMBER#per_{ZEROS}2"));
    }
}
