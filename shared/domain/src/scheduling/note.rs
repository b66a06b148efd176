//! Notes that the parties of an appointment write about the session.

use super::party::Party;
use crate::kernel::text::NoteText;
use crate::{NoteId, Timestamp};

/// The maximum number of notes of one party of an appointment.
pub const MAX_NOTES: usize = 20;

/// Who can read a note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoteVisibility {
    /// Only the party that wrote it.
    #[default]
    Private,
    /// Both parties and administrators.
    Shared,
    /// A newer version of the code has written who may read it, and this version does not know who that is. Only the party that
    /// wrote it may, and nobody can change it.
    Unknown,
}

/// A note about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionNote {
    /// The id; ids sort by creation time.
    pub id: NoteId,
    /// The version, incremented with each change. It is the ETag.
    pub version: u64,
    /// The party that wrote it: the expert or the client.
    pub author: Party,
    /// Who can read it.
    pub visibility: NoteVisibility,
    /// The text.
    pub text: NoteText,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

impl SessionNote {
    /// Returns whether a party may read the note. The platform writes no notes: an author that this release does not know is read
    /// as the platform, and nobody may read such a private note.
    pub fn is_visible_to(&self, party: Party) -> bool {
        self.visibility == NoteVisibility::Shared || self.author == party && party != Party::Platform
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_note_is_visible_to_its_author_only() {
        let at = Timestamp::from_seconds(0);
        let note = |author, visibility| SessionNote {
            id: NoteId::from_bits(1),
            version: 1,
            author,
            visibility,
            text: "x".to_owned().try_into().expect("a text"),
            created_at: at,
            changed_at: at,
        };
        assert!(!note(Party::Platform, NoteVisibility::Private).is_visible_to(Party::Platform));
        for author in [Party::Expert, Party::Client] {
            for reader in [Party::Expert, Party::Client, Party::Platform] {
                for visibility in [NoteVisibility::Private, NoteVisibility::Unknown] {
                    assert_eq!(note(author, visibility).is_visible_to(reader), author == reader);
                }
                assert!(note(author, NoteVisibility::Shared).is_visible_to(reader));
            }
        }
    }
}
