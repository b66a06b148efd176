//! Runs the unit tests that catch mutants outside of the simulation.

use std::path::Path;
use std::process::Command;

use super::copy::workspace;

/// The environment variable that selects the mutant of a test.
pub const SELECTED: &str = "EXPERT_CONNECT_MUTANT";

/// The unit tests that catch a mutant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct UnitTests {
    /// The package of the tests.
    pub package: String,
    /// A part of the names of the tests.
    pub name: String,
}

impl UnitTests {
    /// Returns whether the tests succeed without the mutant and fail with it.
    ///
    /// # Errors
    /// If the tests cannot be built, or do not succeed without the mutant.
    pub fn catch(&self, mutant: &str) -> Result<bool, String> {
        if !self.succeed("")? {
            return Err(format!("the tests {} of {} fail without the mutant", self.name, self.package));
        }
        Ok(!self.succeed(mutant)?)
    }

    fn succeed(&self, mutant: &str) -> Result<bool, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let built = program.ancestors().nth(2).ok_or("the program is not in a target directory")?;
        let target = built.ancestors().nth(2).unwrap_or(Path::new("target"));
        let mut tests = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        tests
            .args(["test", "--quiet", "--offline", "--lib", "--package", &self.package])
            .arg("--manifest-path");
        tests.arg(workspace().join("Cargo.toml")).arg("--").arg(&self.name);
        tests.env("CARGO_BUILD_BUILD_DIR", target).env("CARGO_TARGET_DIR", built).env(SELECTED, mutant);
        let output = tests.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.success() {
            true if text.contains(" 0 passed") => Err(format!("{} has no test {}", self.package, self.name)),
            false if !text.contains("test result: FAILED") => {
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
            succeeded => Ok(succeeded),
        }
    }
}
