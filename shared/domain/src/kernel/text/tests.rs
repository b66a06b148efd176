//! Validation of user text at each limit.

use super::*;

fn short(text: &str) -> Result<String, InvalidText> {
    ShortText::try_from(text.to_owned()).map(String::from)
}

fn long(text: &str) -> Result<String, InvalidText> {
    LongText::try_from(text.to_owned()).map(String::from)
}

#[test]
fn length_is_limited_in_characters() {
    assert_eq!(short(&"é".repeat(120)), Ok("é".repeat(120)));
    assert_eq!(short(&"é".repeat(121)), Err(InvalidText::TooLong(120)));
    assert_eq!(long(&"é".repeat(4_000)), Ok("é".repeat(4_000)));
    assert_eq!(long(&"é".repeat(4_001)), Err(InvalidText::TooLong(4_000)));
    // Surrounding white space counts, and is not stored.
    assert_eq!(short(&format!(" {} ", "x".repeat(118))), Ok("x".repeat(118)));
    assert_eq!(short(&format!(" {} ", "x".repeat(119))), Err(InvalidText::TooLong(120)));
    assert_eq!((short("  "), long(" \t")), (Err(InvalidText::Empty), Ok(String::new())));
}

#[test]
fn only_long_text_allows_line_breaks_and_none_allows_control_characters() {
    for breaks in ["a\nb", "a\r\nb", "a\tb"] {
        assert_eq!((short(breaks), long(breaks)), (Err(InvalidText::Control), Ok(breaks.to_owned())));
    }
    for control in ["a\0b", "a\u{1b}b", "a\u{7f}b", "a\u{202e}b", "a\u{2066}b"] {
        assert_eq!((short(control), long(control)), (Err(InvalidText::Control), Err(InvalidText::Control)));
    }
}

#[test]
fn names_need_a_visible_character() {
    // A zero width space, a zero width joiner, a word joiner, a byte order mark, a soft hyphen, a Hangul filler,
    // a Braille pattern without dots, a variation selector, and a tag.
    for invisible in [
        "\u{200b}",
        "\u{200d}\u{200d}",
        "\u{2060}",
        " \u{feff} ",
        "\u{ad}",
        "\u{3164}",
        "\u{2800}",
        "\u{fe0f}",
        "\u{e0041}",
    ] {
        assert_eq!(short(invisible), Err(InvalidText::Empty), "{invisible:?}");
        let visible = format!("{invisible}A");
        assert_eq!(short(&visible), Ok(visible.trim().to_owned()), "{visible:?}");
    }
    // Scripts and emoji that need such characters are valid.
    for visible in ["می\u{200c}خواهم", "क\u{94d}\u{200d}ष", "👩\u{200d}💻", "☺\u{fe0f}"] {
        assert_eq!(short(visible), Ok(visible.to_owned()));
    }
}

#[test]
fn email_needs_a_local_part_and_a_domain_with_a_dot() {
    let email = |text: &str| Email::try_from(text.to_owned()).map(String::from);
    let local = "x".repeat(64);
    for valid in ["ada@example.org", "a+b@x.y", &format!("{local}@example.org")] {
        assert_eq!(email(valid), Ok(valid.to_owned()));
    }
    for wrong in [
        "ada",
        "@example.org",
        "ada@example",
        "ada@.org",
        "ada@example.",
        "ada@b@example.org",
        "a da@example.org",
        "<ada@example.org>",
        &format!("{local}x@example.org"),
    ] {
        assert_eq!(email(wrong), Err(InvalidText::Email), "{wrong}");
    }
}

#[test]
fn debug_output_does_not_contain_the_text() {
    let name = ShortText::try_from("Ada Lovelace".to_owned()).unwrap();
    assert_eq!(format!("{name:?}"), "ShortText(12 bytes)");
}
