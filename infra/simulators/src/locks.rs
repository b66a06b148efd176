//! Locks on single values, such as idempotency keys: at most one task holds each.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The values that are locked now.
#[derive(Debug)]
pub(crate) struct Locks<T>(Mutex<HashSet<T>>);

impl<T> Default for Locks<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Eq + Hash> Locks<T> {
    /// Locks a value; `None` when it is locked already.
    pub(crate) fn try_lock(&self, value: T) -> Option<Lock<'_, T>> {
        self.held().insert(value.clone()).then(|| Lock { locks: self, value })
    }

    /// Whether the value is locked.
    pub(crate) fn is_locked(&self, value: &T) -> bool {
        self.held().contains(value)
    }

    fn held(&self) -> MutexGuard<'_, HashSet<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock on a value. Dropping it, also because the caller of an API went away, unlocks the value.
#[derive(Debug)]
pub(crate) struct Lock<'a, T: Clone + Eq + Hash> {
    locks: &'a Locks<T>,
    value: T,
}

impl<T: Clone + Eq + Hash> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        self.locks.held().remove(&self.value);
    }
}
