//! Mutants: defects that prove that the simulation finds defects.
//!
//! `mutants.toml` is their catalog. Those of the product are text to replace in its sources, in a copy that [`copy`] builds. Those
//! of the simulated ports are in the code of the ports: a table that ignores conditions, a gateway that loses refunds.

use std::sync::LazyLock;

use serde::Deserialize;

pub mod copy;
pub mod rewrite;
pub mod search;
pub mod switch;
pub mod table;
pub mod tested;

/// A mutant of the product or of a simulated port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mutant {
    /// Its unique name.
    pub name: String,
    /// What it does, in a sentence.
    pub what: String,
    /// Parts of the messages of the invariants that it breaks. Any other message does not count.
    #[serde(default)]
    pub caught_by: Vec<String>,
    /// The flow that shows it, if it is too rare for seeds.
    pub flow: Option<String>,
    /// The unit tests that catch it, if the simulation does not run its code.
    pub test: Option<tested::UnitTests>,
}

/// What a mutant changes in the sources of the product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Change {
    /// The file, by its path from the root of the workspace.
    pub file: String,
    /// Text that occurs exactly once in the file.
    pub before: String,
    /// The text that replaces it.
    pub after: String,
}

#[derive(Deserialize)]
struct ProductMutant {
    #[serde(flatten)]
    mutant: Mutant,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
struct Catalog {
    port: Vec<Mutant>,
    product: Vec<ProductMutant>,
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    toml::from_str(include_str!("../mutants.toml")).unwrap_or_else(|error| panic!("mutants.toml: {error}"))
});

/// The mutants of the simulated ports.
pub fn ports() -> impl Iterator<Item = &'static Mutant> {
    CATALOG.port.iter()
}

/// The mutants of the product, and what each changes.
pub fn product() -> impl Iterator<Item = (&'static Mutant, &'static Change)> {
    CATALOG.product.iter().map(|ProductMutant { mutant, change }| (mutant, change))
}

/// All mutants.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    ports().chain(product().map(|(mutant, _)| mutant))
}

/// Whether a mutant can run in this build: any of the ports, and one of the product only in the copy.
pub fn is_built_in(name: &str) -> bool {
    switch::PRODUCT_MUTANTS || !product().any(|(mutant, _)| mutant.name == name)
}
