//! Which characters a text may contain, by their Unicode properties.
//!
//! Texts of every script, emoji and marks are allowed. Characters that a reader cannot see, and characters that make a text look
//! like another one, are not. Unicode calls most of them default ignorable; RFC 8264 (PRECIS) disallows the same in all strings.
//! A few of them are needed to write words and emoji. These are allowed where they have an effect, after RFC 5892 and UAX #31,
//! and nowhere else:
//!
//! - A zero width non-joiner between any two letters of a cursive script, as in Persian «می‌خواهم», or after a virama.
//! - A zero width joiner after or before a virama, as in Sinhala «ශ්‍රී», and between two emoji, as in 👩‍💻.
//! - A variation selector after the character that it changes: emoji, ideographs and Mongolian letters.

use icu_properties::props::BinaryProperty;
use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier,
    ExtendedPictographic, GeneralCategory, Ideographic, JoiningType, NoncharacterCodePoint,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::InvalidText;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// How many lines a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// One line: no line breaks and no tabs.
    One,
    /// Any number of lines.
    Any,
}

fn has<P: BinaryProperty>(character: char) -> bool {
    CodePointSetData::new::<P>().contains(character)
}

fn is_virama(character: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(character) == CanonicalCombiningClass::Virama
}

fn joining_type(character: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(character)
}

/// Returns whether a character leaves a mark on paper by itself. A combining mark needs a letter.
pub(super) fn is_visible(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    let combines =
        [GeneralCategory::NonspacingMark, GeneralCategory::SpacingMark, GeneralCategory::EnclosingMark]
            .contains(&category);
    // The Braille pattern without dots is a symbol that looks like a space.
    !combines
        && !has::<DefaultIgnorableCodePoint>(character)
        && !character.is_whitespace()
        && !character.is_control()
        && character != '\u{2800}'
}

/// Returns whether a character belongs to Unicode's default ignorable ones: it is invisible where it has no effect on others.
pub(super) fn is_ignorable(character: char) -> bool {
    has::<DefaultIgnorableCodePoint>(character)
}

/// Checks the characters of a text.
///
/// # Errors
/// [`InvalidText::Control`] or [`InvalidText::Invisible`] for the first character that is not allowed.
pub(super) fn check(text: &str, lines: Lines) -> Result<(), InvalidText> {
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().copied().enumerate() {
        let is_break = lines == Lines::Any && matches!(character, '\n' | '\r' | '\t');
        // The line and the paragraph separator are line breaks that many programs do not show.
        let is_separator = matches!(character, '\u{2028}' | '\u{2029}');
        if !is_break && (character.is_control() || is_separator || has::<BidiControl>(character)) {
            return Err(InvalidText::Control);
        }
        let category = CodePointMapData::<GeneralCategory>::new().get(character);
        let is_meaningless =
            category == GeneralCategory::PrivateUse || has::<NoncharacterCodePoint>(character);
        let (before, after) = characters.split_at(at);
        if is_meaningless
            || is_ignorable(character) && !has_effect(character, before, after.get(1..).unwrap_or(&[]))
        {
            return Err(InvalidText::Invisible(character));
        }
    }
    Ok(())
}

/// Returns whether an ignorable character changes how the characters around it are written.
fn has_effect(character: char, before: &[char], after: &[char]) -> bool {
    let (Some(previous), next) = (before.last().copied(), after.first().copied()) else { return false };
    match character {
        ZERO_WIDTH_NON_JOINER => is_virama(previous) || joins(before.iter().rev()) && joins(after.iter()),
        ZERO_WIDTH_JOINER => {
            is_virama(previous)
                || next.is_some_and(is_virama) && !is_ignorable(previous)
                || ends_emoji(previous, before) && next.is_some_and(has::<ExtendedPictographic>)
        }
        '\u{fe0e}' | '\u{fe0f}' => has::<Emoji>(previous),
        '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => has::<Ideographic>(previous),
        '\u{180b}'..='\u{180f}' => matches!(previous, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

/// Returns whether the nearest letter is one that joins with its neighbors, marks aside.
fn joins<'c>(mut nearest_first: impl Iterator<Item = &'c char>) -> bool {
    let letter = nearest_first
        .find(|character| joining_type(**character) != JoiningType::Transparent || is_ignorable(**character));
    letter.is_some_and(|letter| {
        let joining = joining_type(*letter);
        [JoiningType::DualJoining, JoiningType::LeftJoining, JoiningType::RightJoining].contains(&joining)
    })
}

/// Returns whether the text before a joiner ends with an emoji, its skin tone modifier or its variation selector.
fn ends_emoji(last: char, before: &[char]) -> bool {
    let emoji = match last {
        '\u{fe0f}' => before.iter().rev().nth(1).copied(),
        _ => Some(last),
    };
    emoji.is_some_and(|emoji| has::<ExtendedPictographic>(emoji) || has::<EmojiModifier>(emoji))
}
