//! A copy of the sources in which every product mutant can be switched on at run time.
//!
//! The product has no test switches. Instead, the mutants are written into a copy below `target/mutants`. The copy is built
//! once and runs with the arguments of this program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use super::rewrite::rewrite;
use super::{Change, product};

/// The files and directories of the workspace.
const SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", "functions", "infra", "shared", "tests"];

/// The file of the copy that gets the switch.
const DOMAIN: &str = "shared/domain/src/lib.rs";

/// The switch.
const IS_ON: &str = r#"
extern crate self as domain;

/// The mutant that a thread runs.
pub mod mutants {
    use std::cell::Cell;

    use std::sync::LazyLock;

    thread_local! {
        static SELECTED: Cell<&'static str> = const { Cell::new("") };
    }

    /// The mutant of a run of unit tests.
    static OF_TESTS: LazyLock<String> = LazyLock::new(|| std::env::var("EXPERT_CONNECT_MUTANT").unwrap_or_default());

    /// Selects the mutant that this thread runs from now on, or none with an empty name.
    pub fn select(name: &'static str) {
        SELECTED.set(name);
    }

    /// Whether this thread runs a mutant.
    pub fn is_on(name: &str) -> bool {
        SELECTED.get() == name || *OF_TESTS == name
    }
}
"#;

/// The file that the simulation selects mutants with, and its content in the copy.
const SWITCH: (&str, &str) = (
    "tests/simulation/src/mutants/switch.rs",
    "//! The switch of a copy with product mutants.\n\n\
     /// Whether this build holds the product mutants.\n\
     pub const PRODUCT_MUTANTS: bool = true;\n\n\
     pub use domain::mutants::select;\n",
);

/// The root directory of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Copies, rewrites and builds the sources, and runs the copy of this program with the same arguments.
///
/// # Errors
/// If the sources cannot be copied, a mutant does not match them, or the copy does not build.
pub fn run() -> Result<ExitCode, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let profile = program.parent().ok_or("the program is not in a directory")?;
    let target = profile.parent().ok_or("the program is not in a target directory")?;
    let (copy, built) = (target.join("mutants/source"), target.join("mutants/target"));
    write(&copy)?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--offline", "--package", "simulation", "--manifest-path"]);
    build.arg(copy.join("Cargo.toml"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    // Both builds share their dependencies; only the final artifacts of the copy have a directory of their own.
    build.env("CARGO_BUILD_BUILD_DIR", target).env("CARGO_TARGET_DIR", &built).current_dir(workspace());
    let done = build.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !done.success() {
        return Err(format!("the copy in {} does not build", copy.display()));
    }
    let name = profile.file_name().unwrap_or_default();
    let mut run = Command::new(built.join(name).join(program.file_name().unwrap_or_default()));
    let code = run.args(std::env::args_os().skip(1)).status();
    let code = code.map_err(|error| format!("the copy cannot be started: {error}"))?.code();
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Writes the copy. Files that do not change are not written, so that only changed crates are rebuilt.
fn write(copy: &Path) -> Result<(), String> {
    let told = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut files = BTreeSet::new();
    for source in SOURCES {
        list(&workspace(), Path::new(source), &mut files).map_err(|error| told(Path::new(source), error))?;
    }
    let mut rewritten = changed()?;
    for file in &files {
        let (from, to) = (workspace().join(file), copy.join(file));
        let content = match rewritten.remove(file) {
            Some(content) => content.into_bytes(),
            None => fs::read(&from).map_err(|error| told(&from, error))?,
        };
        if fs::read(&to).ok().as_ref() != Some(&content) {
            let made = to.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&to, content)).map_err(|error| told(&to, error))?;
        }
    }
    let mut stale = BTreeSet::new();
    list(copy, Path::new(""), &mut stale).map_err(|error| told(copy, error))?;
    for file in stale.difference(&files) {
        fs::remove_file(copy.join(file)).map_err(|error| told(file, error))?;
    }
    match rewritten.pop_first() {
        Some((file, _)) => Err(format!("{} is missing", file.display())),
        None => Ok(()),
    }
}

/// The files that differ in the copy, and their content.
///
/// # Errors
/// If a file cannot be read, or a mutant does not match it.
pub fn changed() -> Result<BTreeMap<PathBuf, String>, String> {
    let read =
        |file: &str| fs::read_to_string(workspace().join(file)).map_err(|error| format!("{file}: {error}"));
    let mut by_file: BTreeMap<&str, Vec<(&str, &Change)>> = BTreeMap::from([(DOMAIN, Vec::new())]);
    for (mutant, change) in product() {
        by_file.entry(&change.file).or_default().push((mutant.name.as_str(), change));
    }
    let mut changed = BTreeMap::new();
    for (file, mutants) in by_file {
        let mut content = rewrite(&read(file)?, &mutants).map_err(|error| format!("{file}: {error}"))?;
        if file == DOMAIN {
            content += IS_ON;
        }
        changed.insert(PathBuf::from(file), content);
    }
    changed.insert(PathBuf::from(SWITCH.0), SWITCH.1.to_owned());
    // A version of their own prevents that the packages replace those of this build in the shared build directory.
    let manifest = read("Cargo.toml")?;
    let header = "[workspace.package]\nversion = \"";
    let version = manifest.find(header).map(|place| place + header.len());
    let end = version.and_then(|version| Some(version + manifest[version..].find('"')?));
    let end = end.ok_or("Cargo.toml: [workspace.package] does not begin with a version")?;
    let manifest = format!("{}-mutants{}", &manifest[..end], &manifest[end..]);
    // Mutants leave variables and patterns unused.
    let lints = "[workspace.lints.rust]\n";
    let manifest =
        manifest.replace(lints, &format!("{lints}unused = {{ level = \"allow\", priority = -1 }}\n"));
    changed.insert(PathBuf::from("Cargo.toml"), manifest);
    Ok(changed)
}

/// Lists a file, or the files below a directory, by their paths from `root`. Skips hidden files and build directories.
fn list(root: &Path, path: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let whole = root.join(path);
    if !whole.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(whole)? {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with('.') && name != "target" && name != "__pycache__" {
            list(root, &path.join(name), files)?;
        }
    }
    Ok(())
}
