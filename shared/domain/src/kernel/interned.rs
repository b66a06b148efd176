//! Names that stored rows contain and that a library no longer knows, such as the code of a withdrawn currency.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// How many different names are kept. There are only as many as names were withdrawn; the limit protects the memory from damaged
/// rows.
const MAX_NAMES: usize = 1_000;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// A text with a static lifetime, so that the types that contain it are `Copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(&'static str);

impl Name {
    /// A name that a library knows.
    pub(crate) const fn known(name: &'static str) -> Self {
        Self(name)
    }

    /// A name from a stored row. Each different name is kept in memory once, until the process ends.
    pub(crate) fn from_stored(name: &str) -> Self {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = names.get(name) {
            return Self(kept);
        }
        if names.len() >= MAX_NAMES {
            return Self("unknown");
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.insert(kept);
        Self(kept)
    }

    /// Returns the text.
    pub(crate) const fn as_str(self) -> &'static str {
        self.0
    }
}
