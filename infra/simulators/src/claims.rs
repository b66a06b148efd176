//! What only one task at a time may have in its hands.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The things that somebody holds now.
#[derive(Debug)]
pub(crate) struct Claims<T>(Mutex<HashSet<T>>);

impl<T> Default for Claims<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Eq + Hash> Claims<T> {
    /// Holds a thing; `None` when somebody else does.
    pub(crate) fn take(&self, thing: T) -> Option<Claim<'_, T>> {
        self.held().insert(thing.clone()).then(|| Claim { claims: self, thing })
    }

    /// Whether somebody holds the thing.
    pub(crate) fn holds(&self, thing: &T) -> bool {
        self.held().contains(thing)
    }

    fn held(&self) -> MutexGuard<'_, HashSet<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a thing. Dropping it, also because a caller went away, frees the thing.
#[derive(Debug)]
pub(crate) struct Claim<'a, T: Clone + Eq + Hash> {
    claims: &'a Claims<T>,
    thing: T,
}

impl<T: Clone + Eq + Hash> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        self.claims.held().remove(&self.thing);
    }
}
