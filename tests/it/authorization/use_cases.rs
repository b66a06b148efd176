//! The public use cases of `app`, found in its sources.

use std::fs;
use std::path::Path;

/// The public functions of `app` that take the `App`, each with its path, such as `scheduling::booking::book`, and the types of
/// its parameters.
pub fn all() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("shared/app/src");
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, module: &str, found: &mut Vec<(String, Vec<String>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let inner = if module.is_empty() { name.clone() } else { format!("{module}::{name}") };
        if path.is_dir() {
            collect(&path, &inner, found);
        } else {
            let module = if ["lib", "mod"].contains(&&*name) { module.to_owned() } else { inner };
            let source = fs::read_to_string(&path).expect("text");
            found.extend(
                use_cases(&source).into_iter().map(|(name, types)| (format!("{module}::{name}"), types)),
            );
        }
    }
}

/// The public functions in a source file that take the `App`, with the types of their parameters.
fn use_cases(source: &str) -> Vec<(String, Vec<String>)> {
    let source: String = source
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .flat_map(|line| [line, "\n"])
        .collect();
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for (start, _) in source.match_indices("pub ") {
        let item = &source[start + "pub ".len()..];
        let Some(signature) = item.strip_prefix("async ").unwrap_or(item).strip_prefix("fn ") else {
            continue;
        };
        let name: String = signature
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        let types: Vec<String> = parameters(signature)
            .into_iter()
            .map(|parameter| {
                parameter.split_once(':').map_or(parameter.as_str(), |(_, kind)| kind).trim().to_owned()
            })
            .collect();
        if types.iter().any(|kind| kind == "&App") {
            found.push((name, types));
        }
    }
    found
}

/// The parameters of the function whose signature `text` begins with.
fn parameters(text: &str) -> Vec<String> {
    let mut parameters = vec![String::new()];
    let mut depth = 0_usize;
    let list = text.split_once('(').map_or("", |(_, list)| list);
    for character in list.chars() {
        match character {
            '(' | '<' | '[' => depth += 1,
            ')' if depth == 0 => break,
            ')' | '>' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match character {
            ',' if depth == 0 => parameters.push(String::new()),
            _ => parameters.last_mut().expect("there is one").push(character),
        }
    }
    parameters.retain(|parameter| !parameter.trim().is_empty());
    parameters
}

#[test]
fn every_public_use_case_takes_an_actor() {
    let all = all();
    assert!(all.len() > 40, "the scanner finds the use cases: {all:#?}");
    for (name, types) in &all {
        assert_eq!(types[..2.min(types.len())], ["&App", "&Actor"], "{name} must take `&App, &Actor, …`");
    }
}

#[test]
fn the_scanner_sees_public_functions_that_take_the_app() {
    let source = "
        /// pub fn comment(app: &App) {}
        pub async fn one(
            app: &App,
            actor: &Actor,
            pairs: Vec<(u8, u8)>,
        ) -> Result<(), AppError> {}
        pub fn no_actor(app: &App, id: Id) {}
        pub(crate) fn inner(app: &App) {}
        pub fn pure(id: Id) {}
        impl Thing { pub fn method(&self, app: &App) {} }
        #[cfg(test)]
        mod tests { pub fn helper(app: &App) {} }
    ";
    let of =
        |name: &str, types: &[&str]| (name.to_owned(), types.iter().map(|kind| (*kind).to_owned()).collect());
    assert_eq!(
        use_cases(source),
        [
            of("one", &["&App", "&Actor", "Vec<(u8, u8)>"]),
            of("no_actor", &["&App", "Id"]),
            of("method", &["&self", "&App"]),
        ]
    );
}
