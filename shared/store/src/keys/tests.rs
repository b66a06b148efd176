//! The access-pattern tables of all areas describe the keys that are written, and no two areas write the same key.

use std::collections::BTreeSet;
use std::path::Path;

use domain::SessionTypeId;

use super::*;

pub(crate) const EXPERT: ExpertId = ExpertId::from_bits(1);
pub(crate) const SESSION_TYPE: SessionTypeId = SessionTypeId::from_bits(3);
pub(crate) const APPOINTMENT: AppointmentId = AppointmentId::from_bits(10);
/// The leading zeros of an id with one significant digit.
pub(crate) const ZEROS: &str = "0000000000000000000000000";

pub(crate) fn start() -> Timestamp {
    "2027-03-05T09:00:00Z".parse().expect("a time")
}

/// A key that a function returns, and the index it is for.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    index: &'static str,
    key: Key,
}

/// A key of the table itself.
pub(crate) fn row(key: Key) -> Example {
    Example { index: "table", key }
}

/// A key of an index.
pub(crate) fn indexed(index: Index, pk: impl Into<String>, sk: impl Into<String>) -> Example {
    Example { index: index.name, key: Key::new(pk, sk) }
}

/// A row of an access-pattern table, or one of the alternatives that it lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    area: &'static str,
    index: String,
    pk: String,
    sk: String,
}

/// An area's access-pattern table as source text, and a key of each of its functions.
struct Area {
    name: &'static str,
    source: &'static str,
    examples: Vec<Example>,
}

fn areas() -> Vec<Area> {
    let shared = vec![
        row(nothing()),
        row(idempotency("cli_1", "k")),
        row(tickets(&nothing(), 29_984_160)),
        row(turns(&nothing(), 29_984_160)),
    ];
    vec![
        Area { name: "all areas", source: include_str!("../keys.rs"), examples: shared },
        Area {
            name: "experts",
            source: include_str!("../experts/keys.rs"),
            examples: crate::experts::keys::tests::examples(),
        },
        Area {
            name: "identity",
            source: include_str!("../identity/keys.rs"),
            examples: crate::identity::keys::tests::examples(),
        },
        Area {
            name: "messaging",
            source: include_str!("../messaging/keys.rs"),
            examples: crate::messaging::keys::tests::examples(),
        },
        Area {
            name: "scheduling",
            source: include_str!("../scheduling/keys.rs"),
            examples: crate::scheduling::keys::tests::examples(),
        },
        Area {
            name: "payments",
            source: include_str!("../payments/keys.rs"),
            examples: crate::payments::keys::tests::examples(),
        },
        Area {
            name: "receipts",
            source: include_str!("../receipts/keys.rs"),
            examples: crate::receipts::keys::tests::examples(),
        },
        Area {
            name: "operations",
            source: include_str!("../operations/keys.rs"),
            examples: crate::operations::keys::tests::examples(),
        },
    ]
}

/// The texts in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The patterns in the table at the top of a source file.
fn patterns(area: &'static str, source: &str) -> Vec<Pattern> {
    let mut found = Vec::new();
    for line in source.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<&str> = line.trim_end_matches('|').split('|').map(str::trim).collect();
        let [_, _, index, pk, sk] = cells.as_slice() else { panic!("{area}: not five cells: {line}") };
        for pk in quoted(pk) {
            for sk in quoted(sk) {
                let (index, pk, sk) = ((*index).to_owned(), pk.to_owned(), sk.to_owned());
                found.push(Pattern { area, index, pk, sk });
            }
        }
    }
    found
}

/// A pattern as its literal characters; `None` stands for any text.
fn glob(pattern: &str) -> Vec<Option<char>> {
    let (mut glob, mut in_value) = (Vec::new(), false);
    for character in pattern.chars() {
        match character {
            '<' => {
                in_value = true;
                glob.push(None);
            }
            '>' => in_value = false,
            _ if in_value => {}
            _ => glob.push(Some(character)),
        }
    }
    glob
}

/// Whether some text matches both.
fn overlap(left: &[Option<char>], right: &[Option<char>]) -> bool {
    match (left, right) {
        ([], []) => true,
        ([None, left_rest @ ..], _) => {
            overlap(left_rest, right) || (!right.is_empty() && overlap(left, &right[1..]))
        }
        (_, [None, right_rest @ ..]) => {
            overlap(left, right_rest) || (!left.is_empty() && overlap(&left[1..], right))
        }
        ([Some(one), left_rest @ ..], [Some(other), right_rest @ ..]) => {
            one == other && overlap(left_rest, right_rest)
        }
        _ => false,
    }
}

/// Whether two patterns of different areas can describe the same item. In the table areas share partitions and must differ in
/// the sort key. In an index every partition belongs to one area, so that a query never reads the rows of another one.
fn collide(one: &Pattern, other: &Pattern) -> bool {
    one.index == other.index
        && overlap(&glob(&one.pk), &glob(&other.pk))
        && (one.index != "table" || overlap(&glob(&one.sk), &glob(&other.sk)))
}

fn matches(pattern: &Pattern, example: &Example) -> bool {
    let literal = |text: &str| text.chars().map(Some).collect::<Vec<_>>();
    pattern.index == example.index
        && overlap(&glob(&pattern.pk), &literal(&example.key.pk))
        && overlap(&glob(&pattern.sk), &literal(&example.key.sk))
}

#[test]
fn no_two_areas_use_the_same_key() {
    let all: Vec<Pattern> = areas().iter().flat_map(|area| patterns(area.name, area.source)).collect();
    for (place, one) in all.iter().enumerate() {
        for other in &all[place + 1..] {
            assert!(one.area == other.area || !collide(one, other), "{one:?} collides with {other:?}");
        }
    }
}

#[test]
fn keys_are_those_of_the_access_pattern_table() {
    for Area { name, source, examples } in areas() {
        let patterns = patterns(name, source);
        assert!(!patterns.is_empty(), "{name} has no access-pattern table");
        for example in &examples {
            let found = patterns.iter().any(|pattern| matches(pattern, example));
            assert!(found, "{name}: no access pattern describes {example:?}");
        }
        for pattern in &patterns {
            let used = examples.iter().any(|example| matches(pattern, example));
            assert!(used, "no example of {pattern:?}");
        }
    }
}

#[test]
fn every_area_with_rows_is_checked() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = std::fs::read_dir(source).expect("a folder").map(|entry| entry.expect("an entry").path());
    let with_keys: BTreeSet<_> = folders
        .filter(|path| path.is_dir() && path.join("mod.rs").exists())
        .map(|path| path.file_name().expect("a name").to_str().expect("text").to_owned())
        .collect();
    let checked: BTreeSet<_> = areas().iter().skip(1).map(|area| area.name.to_owned()).collect();
    assert_eq!(with_keys, checked);
}

#[test]
fn collisions_are_found() {
    let pattern = |area, index: &str, pk: &str, sk: &str| Pattern {
        area,
        index: index.to_owned(),
        pk: pk.to_owned(),
        sk: sk.to_owned(),
    };
    let entry = pattern("one", "table", "APT#<id>", "ENTRY#<number>");
    assert!(collide(&entry, &pattern("other", "table", "APT#<appointment>", "<anything>")));
    assert!(collide(&entry, &pattern("other", "table", "APT#<id>", "ENTRY#<kind>#<number>")));
    assert!(!collide(&entry, &pattern("other", "table", "APT#<id>", "DOC#<number>")));
    assert!(!collide(&entry, &pattern("other", "GSI1", "APT#<id>", "ENTRY#<number>")));
    assert!(!collide(&entry, &pattern("other", "table", "EXPERT#<id>", "ENTRY#<number>")));
    let ledger = pattern("one", "GSI1", "LEDGER#<expert>", "<at>#<entry>");
    assert!(collide(&ledger, &pattern("other", "GSI1", "LEDGER#<yyyymmdd>", "R")));
    let (found, table) = (patterns("one", "//! | who | what | table | `A` or `B` | `C`, `D` |"), "table");
    let expected = [("A", "C"), ("A", "D"), ("B", "C"), ("B", "D")];
    assert_eq!(found, expected.map(|(pk, sk)| pattern("one", table, pk, sk)));
}

#[test]
fn key_strings_do_not_change() {
    assert_eq!(expert_partition(EXPERT), format!("EXPERT#exp_{ZEROS}1"));
    assert_eq!(appointment_partition(APPOINTMENT), format!("APT#apt_{ZEROS}a"));
    assert_eq!(idempotency("cli_1", "k").to_string(), "IDEM#cli_1#k / R");
    assert_eq!(instant(start()), "001804237200");
}
