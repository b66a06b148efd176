//! Validation of user text at each limit.

use proptest::prelude::*;

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
    // Overrides, embeddings, isolates and marks of direction, and the separators of lines and paragraphs.
    for control in [
        "a\0b",
        "a\u{1b}b",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{202a}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{2069}b",
        "a\u{200e}b",
        "a\u{200f}b",
        "a\u{61c}b",
        "a\u{2028}b",
        "a\u{2029}b",
        "\u{202e}Ada",
        "Ada\u{2028}",
    ] {
        assert_eq!(
            (short(control), long(control)),
            (Err(InvalidText::Control), Err(InvalidText::Control)),
            "{control:?}"
        );
    }
}

/// Characters that are invisible wherever they are, or have no meaning.
const HIDDEN: [char; 22] = [
    '\u{ad}',
    '\u{34f}',
    '\u{115f}',
    '\u{1160}',
    '\u{17b4}',
    '\u{200b}',
    '\u{2060}',
    '\u{2061}',
    '\u{2064}',
    '\u{206a}',
    '\u{3164}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{fff0}',
    '\u{1bca0}',
    '\u{1d173}',
    '\u{e0001}',
    '\u{e0041}',
    '\u{e007f}',
    '\u{e0fff}',
    '\u{e000}',
    '\u{ffff}',
];

#[test]
fn hidden_characters_are_refused_everywhere() {
    for hidden in HIDDEN {
        for text in [
            format!("{hidden}"),
            format!("A{hidden}da"),
            format!("{hidden}Ada"),
            format!("Ada{hidden}"),
            format!("👩{hidden}"),
        ] {
            assert_eq!(short(&text), Err(InvalidText::Invisible(hidden)), "{text:?}");
            assert_eq!(long(&text), Err(InvalidText::Invisible(hidden)), "{text:?}");
        }
    }
    let message = short("A\u{200b}da").unwrap_err().to_string();
    assert_eq!(message, "must not contain the invisible or undefined character U+200B");
}

#[test]
fn joiners_and_selectors_are_refused_where_they_have_no_effect() {
    for (text, hidden) in [
        ("A\u{200d}da", '\u{200d}'),
        ("A\u{200c}da", '\u{200c}'),
        ("\u{200d}Ada", '\u{200d}'),
        ("Ada\u{200d}", '\u{200d}'),
        ("👩\u{200d}", '\u{200d}'),
        ("👩\u{200d}A", '\u{200d}'),
        ("A\u{200d}👩", '\u{200d}'),
        ("👩\u{200d}\u{200d}💻", '\u{200d}'),
        ("می\u{200c}", '\u{200c}'),
        ("می\u{200c}\u{200c}خواهم", '\u{200c}'),
        ("क\u{94d}\u{200c}\u{200d}\u{94d}ष", '\u{200d}'),
        ("A\u{fe0f}da", '\u{fe0f}'),
        ("☺\u{fe0f}\u{fe0f}", '\u{fe0f}'),
        ("A\u{e0100}", '\u{e0100}'),
        ("A\u{180b}", '\u{180b}'),
        // The flag of Scotland is written with a hidden text.
        ("🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", '\u{e0067}'),
    ] {
        assert_eq!(short(text), Err(InvalidText::Invisible(hidden)), "{text:?}");
        assert_eq!(long(text), Err(InvalidText::Invisible(hidden)), "{text:?}");
    }
}

#[test]
fn names_of_every_script_and_emoji_are_allowed() {
    for name in [
        "Ada Lovelace",
        "O’Brien-Smith, Jr.",
        "Żółć",
        "Nguyễn Thị Minh Khai",
        "Ἀριστοτέλης",
        "Лев Толстой",
        "דָּוִד בֶּן־גּוּרִיּוֹן",
        "محمد بن سلمان",
        "می\u{200c}خواهم",
        "نور\u{200c}الله",
        "क\u{94d}\u{200d}ष",
        "ශ\u{dca}\u{200d}රී",
        "ന\u{d4d}\u{200d}",
        "র\u{200d}\u{9cd}যা",
        "ភាសាខ្មែរ",
        "ᠮᠣᠩᠭᠣᠯ\u{180b}",
        "김정은",
        "山田　太郎",
        "葛\u{e0100}城",
        "👩\u{200d}💻",
        "👩🏽\u{200d}💻",
        "🏳\u{fe0f}\u{200d}🌈",
        "👨\u{200d}👩\u{200d}👧",
        "☺\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
        "🇩🇪",
        "𞤀𞤣𞤢",
    ] {
        assert_eq!(short(name), Ok(name.to_owned()), "{name}");
        assert_eq!(long(name), Ok(name.to_owned()), "{name}");
    }
}

#[test]
fn names_need_a_visible_character() {
    for invisible in ["", " ", "\u{a0}", "\u{3000}", "\u{2800}", "\u{2800} \u{2800}", "\u{2003}"] {
        assert_eq!(short(invisible), Err(InvalidText::Empty), "{invisible:?}");
    }
    // Marks alone have no letter to stand on: nonspacing, spacing and enclosing ones.
    for marks in ["\u{301}", "\u{301}\u{302} \u{303}", "\u{93e}", "\u{20dd}"] {
        assert_eq!(short(marks), Err(InvalidText::Empty), "{marks:?}");
    }
    for letters in ["a\u{301}", "\u{301}a", "\u{915}\u{93e}", "\u{20dd}1"] {
        assert_eq!(short(letters), Ok(letters.to_owned()));
    }
}

#[test]
fn stored_text_is_read_without_a_check() {
    let stored = "\u{202e}A\u{200b}da\u{2028}".to_owned();
    assert_eq!(ShortText::from_stored(stored.clone()).as_str(), stored);
    assert_eq!(Email::from_stored(stored.clone()).as_str(), stored);
}

#[test]
fn addresses_contain_no_hidden_characters_at_all() {
    for (address, hidden) in [
        ("ada\u{200b}@example.org", '\u{200b}'),
        ("ada@exam\u{200b}ple.org", '\u{200b}'),
        ("ada@example.org\u{feff}", '\u{feff}'),
        ("a\u{ad}da@example.org", '\u{ad}'),
        ("می\u{200c}خواهم@example.org", '\u{200c}'),
        ("👩\u{200d}💻@example.org", '\u{200d}'),
        ("☺\u{fe0f}@example.org", '\u{fe0f}'),
    ] {
        assert_eq!(
            Email::try_from(address.to_owned()).unwrap_err(),
            InvalidText::Invisible(hidden),
            "{address:?}"
        );
        let link = format!("https://example.org/{address}");
        assert_eq!(Link::try_from(link).unwrap_err(), InvalidText::Invisible(hidden), "{address:?}");
    }
    assert_eq!(Email::try_from("ada\u{202e}@example.org".to_owned()).unwrap_err(), InvalidText::Control);
}

/// A text of characters that are likely to be refused, or to depend on each other.
fn any_text() -> impl Strategy<Value = String> {
    let nasty = "aA1 \n\t\0\u{85}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2028}\u{2066}\u{fe0f}\u{e0100}\u{e0041}\u{ad}\u{feff}\u{2800}👩💻🏽☺葛میख\u{94d}\u{64e}";
    let nasty = proptest::sample::select(nasty.chars().collect::<Vec<_>>());
    let character = prop_oneof![4 => nasty, 1 => any::<char>()];
    proptest::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is accepted has something to see, no character that reorders or breaks the line, and no two invisible ones in a row.
    #[test]
    fn accepted_name_can_be_seen(text in any_text()) {
        let Ok(name) = short(&text) else { return Ok(()) };
        let is_hidden = |character: char| matches!(character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}');
        let is_seen = |one: char| !is_hidden(one) && !one.is_whitespace() && one != '\u{2800}';
        let is_never_allowed = |one: char| {
            one.is_control() || HIDDEN.contains(&one) || matches!(one, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}')
        };
        prop_assert!(name.chars().any(is_seen), "{:?}", name);
        prop_assert!(!name.chars().any(is_never_allowed), "{:?}", name);
        let letters: Vec<char> = name.chars().collect();
        prop_assert!(!is_hidden(letters[0]));
        for pair in letters.windows(2) {
            // A colored emoji selector is followed by a joiner.
            prop_assert!(!(is_hidden(pair[0]) && is_hidden(pair[1])) || pair == ['\u{fe0f}', '\u{200d}'], "{:?}", name);
        }
        prop_assert_eq!(short(&name), Ok(name.clone()), "it is accepted again");
        prop_assert_eq!(long(&name), Ok(name), "a line is a text");
    }

    /// Letters, digits, marks and punctuation of every script are accepted in any order.
    #[test]
    fn visible_text_is_accepted(text in "[\\p{L}\\p{Nd}\\p{P}\\p{S}]{1,40}") {
        let hidden = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}'];
        prop_assume!(!text.contains(hidden));
        prop_assert_eq!(short(&text), Ok(text));
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
