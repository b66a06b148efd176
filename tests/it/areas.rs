//! Which area may use which. The areas of a layer depend on each other in one direction.
//!
//! [`LAYERS`] is the list. The test reads the paths in the sources of each area, without comments and tests, and fails if an
//! area uses another one that its entry does not name, if an entry names an area that is not used, or if the areas of a layer
//! form a cycle. A layer's modules outside the areas may use every area: they put the areas together, and what they re-export
//! counts as a use of the area that it comes from. To add an area, add a line to each layer that has the area.
//!
//! The scanner sees paths. It does not see through methods: `app.store.payment(…)` uses rows of the area `payments` and has no
//! path that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What the areas of a layer may use.
struct Layer {
    /// The name by which other crates use the layer.
    name: &'static str,
    /// The folder of its sources.
    folder: &'static str,
    areas: &'static [Area],
}

struct Area {
    name: &'static str,
    /// The areas of the same layer that it may use. `kernel` is allowed to all and is not listed.
    uses: &'static [&'static str],
    /// The areas of lower layers that it may use, besides the area with its own name and those in `uses`.
    below: &'static [&'static str],
}

/// The layers, the lowest one first.
const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        folder: "shared/domain/src",
        areas: &[
            Area { name: "kernel", uses: &[], below: &[] },
            Area { name: "experts", uses: &[], below: &[] },
            Area { name: "identity", uses: &[], below: &[] },
            Area { name: "scheduling", uses: &["experts"], below: &[] },
            Area { name: "messaging", uses: &["scheduling"], below: &[] },
            Area { name: "payments", uses: &["experts", "scheduling"], below: &[] },
            Area { name: "receipts", uses: &["scheduling"], below: &[] },
        ],
    },
    Layer {
        name: "store",
        folder: "shared/store/src",
        areas: &[
            Area { name: "experts", uses: &[], below: &[] },
            Area { name: "identity", uses: &[], below: &[] },
            // A notification says what was changed, as the history of the appointment does.
            Area { name: "messaging", uses: &["scheduling"], below: &[] },
            Area { name: "payments", uses: &[], below: &[] },
            // An appointment and its payment share a partition and are read together, in one query.
            Area { name: "scheduling", uses: &["experts", "payments"], below: &[] },
            Area { name: "receipts", uses: &[], below: &[] },
            Area { name: "operations", uses: &[], below: &[] },
        ],
    },
    Layer {
        name: "app",
        folder: "shared/app/src",
        areas: &[
            // An `Actor` decides on which side of an appointment a person is, and what a member of an expert may do. Every area
            // above uses it.
            Area { name: "identity", uses: &[], below: &["experts", "scheduling"] },
            Area { name: "experts", uses: &["identity"], below: &[] },
            // The job of a payment changes the appointment, and the receipt of a payment shows taxes that the gateway
            // calculates. Jobs are rows of `operations`.
            Area {
                name: "payments",
                uses: &["experts", "identity"],
                below: &["operations", "receipts", "scheduling"],
            },
            // Members of an expert are notified of the expert's appointments. The period for objections to a no-show begins with
            // the notification.
            Area {
                name: "messaging",
                uses: &["identity", "scheduling"],
                below: &["experts", "operations", "scheduling"],
            },
            // A booking opens a payment and a cancellation refunds it.
            Area { name: "scheduling", uses: &["experts", "identity", "payments"], below: &["operations"] },
            Area {
                name: "receipts",
                uses: &["experts", "identity", "payments"],
                below: &["operations", "scheduling"],
            },
            // The outbox runs the jobs of all areas.
            Area {
                name: "operations",
                uses: &["identity", "messaging", "payments", "receipts", "scheduling"],
                below: &[],
            },
        ],
    },
    Layer {
        name: "functions",
        folder: "functions/src",
        areas: &[
            // A person is shown with the experts for whom they act.
            Area { name: "identity", uses: &["experts"], below: &[] },
            // A notification says what was changed, as the history of the appointment does.
            Area { name: "messaging", uses: &["scheduling"], below: &[] },
            // Prices are listed with estimates in the reader's currency.
            Area { name: "experts", uses: &["payments"], below: &["identity"] },
            Area { name: "payments", uses: &[], below: &["identity", "scheduling"] },
            // The document of an appointment contains those of its payment and its policies.
            Area { name: "scheduling", uses: &["experts", "payments"], below: &["identity"] },
            Area { name: "receipts", uses: &[], below: &[] },
            Area { name: "operations", uses: &[], below: &["identity"] },
        ],
    },
];

/// May be used by every area, and uses none.
const KERNEL: &str = "kernel";

#[test]
fn areas_use_only_what_the_list_allows_and_all_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let exports: BTreeMap<&str, Exports> =
        LAYERS.iter().map(|layer| (layer.name, exports(root, layer))).collect();
    let mut wrong = Vec::new();
    for (place, layer) in LAYERS.iter().enumerate() {
        assert_eq!(folders(&root.join(layer.folder)), names(layer), "areas of {}", layer.folder);
        for area in layer.areas {
            let mut used = Used::default();
            for (module, source) in sources(&root.join(layer.folder).join(area.name), &[area.name]) {
                let found = uses(&module, &source, layer, &LAYERS[..place], &exports);
                used.extend(
                    found.unwrap_or_else(|why| panic!("{}/{}: {why}", layer.folder, module.join("/"))),
                );
            }
            wrong.extend(compare(layer, area, &used));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn areas_of_a_layer_form_no_cycle() {
    for layer in LAYERS {
        assert_eq!(cycle(layer.areas), BTreeSet::new(), "{}", layer.name);
    }
}

/// The areas that an area's sources use, each with whether it is of the same layer.
type Used = BTreeSet<(bool, String)>;

/// Where the items at a crate's root come from: name → area.
type Exports = BTreeMap<String, String>;

fn names(layer: &Layer) -> BTreeSet<String> {
    layer.areas.iter().map(|area| area.name.to_owned()).collect()
}

/// What an area uses and may not, and what it may use and does not.
fn compare(layer: &Layer, area: &Area, used: &Used) -> Vec<String> {
    let allowed: Used = (area.uses.iter().map(|name| (true, (*name).to_owned())))
        .chain(area.below.iter().map(|name| (false, (*name).to_owned())))
        .collect();
    // An area that may use another one may use the same area of lower layers.
    let implied = |(same, name): &(bool, String)| {
        name == area.name || name == KERNEL || (!same && area.uses.contains(&name.as_str()))
    };
    let say = |(same, name): &(bool, String), what: &str| {
        let whose = if *same { "of the same layer" } else { "of a lower layer" };
        format!("{}/{} {what} `{name}` {whose}", layer.folder, area.name)
    };
    let forbidden = used.iter().filter(|one| !implied(one) && !allowed.contains(one));
    let unused = allowed.iter().filter(|one| !used.contains(one));
    (forbidden.map(|one| say(one, "may not use")))
        .chain(unused.map(|one| say(one, "need not be allowed to use")))
        .collect()
}

/// The areas that remain after removing, again and again, those that use none of the others.
fn cycle(areas: &[Area]) -> BTreeSet<&str> {
    let mut left: BTreeMap<&str, &[&str]> = areas.iter().map(|area| (area.name, area.uses)).collect();
    loop {
        let free: Vec<&str> = (left.iter())
            .filter(|(_, uses)| uses.iter().all(|used| !left.contains_key(used)))
            .map(|(name, _)| *name)
            .collect();
        if free.is_empty() {
            return left.into_keys().collect();
        }
        left.retain(|name, _| !free.contains(name));
    }
}

/// The folders of a crate that are areas: those that have a module.
fn folders(source: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(source).expect("a folder").map(|entry| entry.expect("an entry").path());
    let areas = entries.filter(|path| path.join("mod.rs").exists());
    areas.map(|path| path.file_name().expect("a name").to_str().expect("text").to_owned()).collect()
}

/// The modules below a folder, except tests, with their paths in the crate.
fn sources(folder: &Path, module: &[&str]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_str().expect("text").to_owned();
        if name == "tests" {
            continue;
        }
        let mut module = module.to_vec();
        if name != "mod" {
            module.push(&name);
        }
        if path.is_dir() {
            found.extend(sources(&path, &module));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source");
            found.push((module.iter().map(|&part| part.to_owned()).collect(), source));
        }
    }
    found
}

/// What a crate's root re-exports from its areas.
fn exports(root: &Path, layer: &Layer) -> Exports {
    let source = fs::read_to_string(root.join(layer.folder).join("lib.rs")).expect("a source");
    exports_of(&source, &names(layer))
}

fn exports_of(source: &str, areas: &BTreeSet<String>) -> Exports {
    let tokens = without_tests(&tokens(source));
    let mut exports = Exports::new();
    let mut place = 0;
    while place < tokens.len() {
        let starts = place > 0 && tokens[place - 1] == "use" && areas.contains(&tokens[place]);
        if !starts {
            place += 1;
            continue;
        }
        let mut paths = Vec::new();
        place = read_path(&tokens, place, &mut Vec::new(), &mut paths);
        for path in paths {
            let area = path[0].clone();
            exports.insert(path.last().expect("a path").clone(), area);
        }
    }
    exports
}

/// The areas that a module uses.
fn uses(
    module: &[String],
    source: &str,
    layer: &Layer,
    below: &[Layer],
    exports: &BTreeMap<&str, Exports>,
) -> Result<Used, String> {
    let mut used = Used::new();
    for path in paths(source, below)? {
        let (same, crate_name, rest) = match path[0].as_str() {
            "crate" | "super" | "self" => (true, layer.name, resolve(module, &path)?),
            other => (false, other, path[1..].to_vec()),
        };
        // `crate` alone appears in `pub(crate)`.
        let Some(first) = rest.first() else { continue };
        if ["*", "self"].contains(&first.as_str()) {
            return Err(format!(
                "{} imports the whole crate, so its areas cannot be told apart",
                path.join("::")
            ));
        }
        let in_layer = |one: &&Layer| one.name == crate_name;
        let areas =
            if same { names(layer) } else { below.iter().find(in_layer).map(names).unwrap_or_default() };
        let exported = || exports.get(crate_name).and_then(|exports| exports.get(first)).cloned();
        let area = if areas.contains(first) { Some(first.clone()) } else { exported() };
        used.extend(area.map(|area| (same, area)));
    }
    Ok(used)
}

/// A path from the crate's root, of one that begins with `crate`, `super` or `self`.
fn resolve(module: &[String], path: &[String]) -> Result<Vec<String>, String> {
    let mut parts = if path[0] == "crate" { Vec::new() } else { module.to_vec() };
    for (place, part) in path.iter().enumerate() {
        match part.as_str() {
            "crate" if place == 0 => {}
            "self" => {}
            "super" => {
                parts.pop().ok_or_else(|| format!("{} leads out of the crate", path.join("::")))?;
            }
            _ => parts.push(part.clone()),
        }
    }
    // `use crate::{self as root}` and `use super::super as root` name the root itself.
    if parts.is_empty() && path.len() > 1 {
        parts.push("self".to_owned());
    }
    Ok(parts)
}

/// All paths that begin at the crate, at a relative module, or at a lower layer.
fn paths(source: &str, below: &[Layer]) -> Result<Vec<Vec<String>>, String> {
    let tokens = without_tests(&tokens(source));
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let token = tokens[place].as_str();
        let before = place.checked_sub(1).map(|place| tokens[place].as_str());
        let next = tokens.get(place + 1).map(String::as_str);
        if token == "mod" && tokens.get(place + 2).is_some_and(|token| token == "{") {
            return Err("an inline module makes `super` ambiguous; move it to a file".to_owned());
        }
        let local = ["crate", "super", "self"].contains(&token);
        let starts = before != Some("::") && (local || below.iter().any(|layer| layer.name == token));
        if starts && next == Some("::") {
            place = read_path(&tokens, place, &mut Vec::new(), &mut found);
        } else if starts && before == Some("use") {
            return Err(format!("`use {token}` imports a whole crate, so its areas cannot be told apart"));
        } else {
            place += 1;
        }
    }
    Ok(found)
}

/// Reads the path or the tree of paths that begins at `place`, and returns the place behind it.
fn read_path(
    tokens: &[String],
    mut place: usize,
    path: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let depth = path.len();
    let text = |place: usize| tokens.get(place).map(String::as_str).unwrap_or_default();
    loop {
        if text(place) == "{" {
            place += 1;
            while !text(place).is_empty() && text(place) != "}" {
                place = if text(place) == "," { place + 1 } else { read_path(tokens, place, path, found) };
            }
            place += 1;
            break;
        }
        path.push(text(place).to_owned());
        place += 1;
        let next = text(place + 1);
        let goes_on = text(place) == "::" && (is_name(next) || next == "{" || next == "*");
        if !goes_on {
            found.push(path.clone());
            // `as name` gives what was found another name.
            if text(place) == "as" {
                place += 2;
            }
            break;
        }
        place += 1;
    }
    path.truncate(depth);
    place
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The tokens of a source: names, `::`, and single characters, without comments, texts and white space.
fn tokens(source: &str) -> Vec<String> {
    let characters: Vec<char> = source.chars().collect();
    let at = |place: usize| characters.get(place).copied().unwrap_or_default();
    let (mut tokens, mut place) = (Vec::new(), 0);
    while place < characters.len() {
        let rest = || characters[place..].iter();
        match (at(place), at(place + 1)) {
            ('/', '/') => place += rest().take_while(|character| **character != '\n').count(),
            ('/', '*') => {
                let mut end = place + 2;
                while end < characters.len() && (at(end), at(end + 1)) != ('*', '/') {
                    end += 1;
                }
                place = end + 2;
            }
            ('"', _) => place = end_of_text(&characters, place),
            ('r', '"' | '#') if raw_text(&characters, place).is_some() => {
                place = raw_text(&characters, place).unwrap_or(place + 1);
            }
            // A character, as opposed to a lifetime.
            ('\'', '\\') => {
                place += 3;
                while place < characters.len() && at(place - 1) != '\'' {
                    place += 1;
                }
            }
            ('\'', _) if at(place + 2) == '\'' => place += 3,
            (':', ':') => {
                tokens.push("::".to_owned());
                place += 2;
            }
            (first, _) if first.is_alphanumeric() || first == '_' => {
                let name: String = rest().take_while(|one| one.is_alphanumeric() || **one == '_').collect();
                place += name.chars().count();
                tokens.push(name);
            }
            (first, _) => {
                if !first.is_whitespace() {
                    tokens.push(first.to_string());
                }
                place += 1;
            }
        }
    }
    tokens
}

/// The place behind the text that begins with a quote at `place`.
fn end_of_text(characters: &[char], place: usize) -> usize {
    let mut end = place + 1;
    while end < characters.len() && characters[end] != '"' {
        end += if characters[end] == '\\' { 2 } else { 1 };
    }
    end + 1
}

/// The place behind the raw text that begins at `place`, if one does.
fn raw_text(characters: &[char], place: usize) -> Option<usize> {
    let hashes = characters[place + 1..].iter().take_while(|one| **one == '#').count();
    let start = place + 1 + hashes;
    if characters.get(start) != Some(&'"') {
        return None;
    }
    let closes = |end: &usize| {
        characters[*end] == '"' && (1..=hashes).all(|hash| characters.get(end + hash) == Some(&'#'))
    };
    (start + 1..characters.len()).find(closes).map(|end| end + hashes + 1)
}

/// The tokens without the items that only tests have.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut place) = (Vec::new(), 0);
    while place < tokens.len() {
        if !tokens[place..].iter().map(String::as_str).take(attribute.len()).eq(attribute) {
            kept.push(tokens[place].clone());
            place += 1;
            continue;
        }
        // The item ends with a semicolon, or with the brace that closes its body.
        let mut depth = 0;
        while place < tokens.len() {
            match tokens[place].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && ["}", ";"].contains(&tokens[place].as_str());
            place += 1;
            if ends {
                break;
            }
        }
    }
    kept
}

mod scanner {
    use super::*;

    const DOMAIN: Layer = Layer {
        name: "domain",
        folder: "",
        areas: &[
            Area { name: "kernel", uses: &[], below: &[] },
            Area { name: "payments", uses: &[], below: &[] },
            Area { name: "scheduling", uses: &[], below: &[] },
        ],
    };
    const APP: Layer = Layer {
        name: "app",
        folder: "app",
        areas: &[
            Area { name: "identity", uses: &[], below: &[] },
            Area { name: "payments", uses: &["identity"], below: &["scheduling"] },
            Area { name: "scheduling", uses: &["payments"], below: &[] },
        ],
    };

    /// What the module `payments::refunds` of `APP` uses when this is its source, as `same: …` and `below: …`.
    fn used(source: &str) -> Result<Vec<String>, String> {
        let exports = BTreeMap::from([
            ("app", exports_of("pub use scheduling::{Slot, holds as ended};", &names(&APP))),
            ("domain", exports_of("pub use kernel::Id; pub use payments::Payment;", &names(&DOMAIN))),
        ]);
        let module = ["payments".to_owned(), "refunds".to_owned()];
        let used = uses(&module, source, &APP, &[DOMAIN], &exports)?;
        let show = |(same, area): (bool, String)| format!("{}: {area}", if same { "same" } else { "below" });
        Ok(used.into_iter().map(show).collect())
    }

    #[track_caller]
    fn assert_uses(source: &str, expected: &[&str]) {
        assert_eq!(used(source).expect("a source"), expected, "{source}");
    }

    #[test]
    fn paths_are_found_in_imports_and_in_code() {
        assert_uses("use crate::scheduling::slots;", &["same: scheduling"]);
        assert_uses("use crate::{App, scheduling::{self, slots}};", &["same: scheduling"]);
        assert_uses("fn f() { crate::identity::check(1) }", &["same: identity"]);
        assert_uses("use domain::{Timestamp, payments::{gateway, ledger::*}};", &["below: payments"]);
        assert_uses(
            "let kind: domain::scheduling::Kind<crate::identity::Person>;",
            &["below: scheduling", "same: identity"],
        );
        assert_uses("use crate::identity as scheduling;", &["same: identity"]);
    }

    #[test]
    fn relative_paths_are_followed() {
        assert_uses("use super::super::scheduling::slots;", &["same: scheduling"]);
        assert_uses("use super::super::{App, scheduling};", &["same: scheduling"]);
        assert_uses("use self::super::super::scheduling;", &["same: scheduling"]);
        assert_uses("use super::orders::order;", &["same: payments"]);
        assert_uses("use super::*;", &["same: payments"]);
        assert!(used("use super::super::super::scheduling;").is_err());
    }

    #[test]
    fn items_that_the_root_exports_belong_to_their_area() {
        assert_uses("use crate::{App, Slot};", &["same: scheduling"]);
        assert_uses("use domain::{Id, Payment};", &["below: kernel", "below: payments"]);
    }

    #[test]
    fn imports_of_a_whole_crate_are_refused() {
        for source in [
            "use crate::*;",
            "use super::super::*;",
            "use crate as root;",
            "use crate::{self as root};",
            "use super::super as root;",
            "use domain::*;",
            "use domain as rules;",
            "mod inner { use super::super::scheduling; }",
        ] {
            assert!(used(source).is_err(), "{source}");
        }
    }

    #[test]
    fn comments_texts_and_tests_use_nothing() {
        assert_uses(
            "/// See [`crate::scheduling`].\n// crate::scheduling::x\n/* crate::scheduling::x */",
            &[],
        );
        assert_uses(
            r##"let x = ("crate::scheduling::x \" \\", r#"" crate::scheduling::x"#, '"', '\'');"##,
            &[],
        );
        assert_uses("#[cfg(test)] mod tests { fn f() { crate::scheduling::x() } }", &[]);
        assert_uses("#[cfg(test)]\nmod tests;\nuse crate::identity::x;", &["same: identity"]);
        assert_uses("pub(crate) fn f<'a>(self, scheduling: &'a str) { self.identity(scheduling::x) }", &[]);
    }

    #[test]
    fn forbidden_and_unused_dependencies_are_reported() {
        let payments = &APP.areas[1];
        let used =
            |list: &[(bool, &str)]| list.iter().map(|(same, name)| (*same, (*name).to_owned())).collect();
        let exact = used(&[(true, "identity"), (false, "scheduling")]);
        assert_eq!(compare(&APP, payments, &exact), Vec::<String>::new());
        let more = used(&[
            (true, "identity"),
            (false, "identity"),
            (true, "payments"),
            (false, "payments"),
            (false, "kernel"),
            (false, "scheduling"),
        ]);
        assert_eq!(compare(&APP, payments, &more), Vec::<String>::new(), "these are implied");
        let wrong = used(&[(true, "scheduling"), (false, "scheduling")]);
        assert_eq!(
            compare(&APP, payments, &wrong),
            [
                "app/payments may not use `scheduling` of the same layer",
                "app/payments need not be allowed to use `identity` of the same layer",
            ]
        );
    }

    #[test]
    fn cycles_are_found() {
        assert_eq!(cycle(APP.areas), BTreeSet::new());
        let area = |name, uses| Area { name, uses, below: &[] };
        let areas = [area("a", &["b"]), area("b", &["c"]), area("c", &["b"]), area("d", &[])];
        assert_eq!(cycle(&areas), BTreeSet::from(["a", "b", "c"]));
    }
}
