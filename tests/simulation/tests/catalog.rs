//! Checks that the catalog of mutants matches the sources and that product code contains no test switches.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use simulation::flows::FLOWS;
use simulation::mutants::{all, copy, ports, product};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads all files with these extensions below a directory of the workspace.
fn sources(directory: &str, ends: &[&str]) -> Vec<(PathBuf, String)> {
    let (mut found, mut open) = (Vec::new(), vec![copy::workspace().join(directory)]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if ends.iter().any(|end| path.extension().is_some_and(|extension| extension == *end)) {
                let text = read(&path);
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn each_mutant_has_a_unique_name_and_says_what_catches_it() {
    let mut names = BTreeSet::new();
    for mutant in all() {
        let name = &mutant.name;
        assert!(names.insert(name), "two mutants are named {name}");
        assert!(mutant.what.ends_with('.'), "{name}: `what` is not a sentence");
        assert_eq!(
            mutant.caught_by.is_empty(),
            mutant.test.is_some(),
            "{name}: either messages or a test catch it"
        );
        if let Some(flow) = &mutant.flow {
            assert!(FLOWS.iter().any(|one| one.name == flow), "{name}: there is no flow {flow:?}");
        }
    }
}

#[test]
fn each_message_that_catches_a_mutant_is_one_of_the_simulation() {
    let source: String = sources("tests/simulation/src", &["rs"]).into_iter().map(|(_, text)| text).collect();
    for mutant in all() {
        for words in &mutant.caught_by {
            // The last word may be a value that the message shows.
            let literal = words.rsplit_once(' ').map_or("", |(head, _)| head);
            let said = source.contains(words.as_str()) || (literal.len() > 10 && source.contains(literal));
            assert!(said, "{}: no invariant says {words:?}", mutant.name);
        }
    }
}

#[test]
fn each_product_mutant_replaces_text_that_occurs_once() {
    for (mutant, change) in product() {
        let text = read(&copy::workspace().join(&change.file));
        let count = text.matches(&change.before).count();
        assert_eq!(count, 1, "{}: `before` occurs {count} times in {}", mutant.name, change.file);
        assert_ne!(change.before, change.after, "{}: `before` and `after` are the same", mutant.name);
    }
}

#[test]
fn each_product_mutant_can_be_switched_on_in_the_copy() {
    let changed = copy::changed().unwrap_or_else(|error| panic!("{error}"));
    for (mutant, change) in product() {
        let switch = format!("is_on(\"{}\")", mutant.name);
        assert!(changed[Path::new(&change.file)].contains(&switch), "{} has no switch", mutant.name);
    }
}

#[test]
fn each_port_mutant_is_implemented() {
    let sources = sources("tests/simulation/src", &["rs"]);
    for mutant in ports() {
        let name = format!("\"{}\"", mutant.name);
        assert!(sources.iter().any(|(_, text)| text.contains(&name)), "no port implements {name}");
    }
}

#[test]
fn product_names_no_mutant_and_has_no_test_switch() {
    let mut found = Vec::new();
    for directory in ["shared", "functions", "infra"] {
        for (path, text) in sources(directory, &["rs", "toml"]) {
            found.extend(test_switches(&text).into_iter().map(|what| format!("{}: {what}", path.display())));
        }
    }
    assert!(found.is_empty(), "product code names a mutant or has a test switch:\n{}", found.join("\n"));
}

/// Finds identifiers that name a mutant or look like a test switch.
fn test_switches(text: &str) -> Vec<&str> {
    let names: BTreeSet<&str> = all().map(|mutant| mutant.name.as_str()).collect();
    let is_switch = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        names.contains(*word) || lower.contains("mutant") || lower.contains("planted")
    };
    text.split(|one: char| !one.is_alphanumeric() && one != '_').filter(is_switch).collect()
}

#[test]
fn test_switches_are_recognized() {
    for text in [
        r#"if planted("x") {"#,
        "mutants = []",
        "#[cfg(feature = \"mutants\")]",
        "fn is_mutant()",
        "commission_is_doubled()",
    ] {
        assert_eq!(test_switches(text).len(), 1, "{text}");
    }
    assert!(test_switches("let mutable = self.held();").is_empty());
}
