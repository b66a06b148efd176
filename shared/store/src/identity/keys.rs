//! Keys of people.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | the person | what the platform keeps about a person | table | `PERSON#<person>` | `R` |
//! | booking, publishing, administrators | whether a person is suspended, and why | table | `PERSON#<person>` | `SUSPENSION` |

use domain::PersonId;

use crate::keys::{Key, person_partition};

/// A person.
pub fn person(id: PersonId) -> Key {
    Key::new(person_partition(id), "R")
}

/// Whether a person is suspended.
pub fn suspension(id: PersonId) -> Key {
    Key::new(person_partition(id), "SUSPENSION")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{Example, ZEROS, row};

    const PERSON: PersonId = PersonId::from_bits(2);

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        vec![row(person(PERSON)), row(suspension(PERSON))]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(person(PERSON).to_string(), format!("PERSON#per_{ZEROS}2 / R"));
        assert_eq!(suspension(PERSON).sk, "SUSPENSION");
    }
}
