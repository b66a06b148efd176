//! Parts of a state that know what has changed, so that a change writes only itself.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Error, Value, json};

/// A part of a state that knows what has changed.
pub trait Journaled {
    /// What has changed since the last call; `None` when nothing has.
    ///
    /// # Errors
    /// When a part cannot be written as JSON.
    fn take_changes(&mut self) -> Result<Option<Value>, Error>;

    /// Applies changes to the state that they were made to.
    ///
    /// # Errors
    /// When the changes are not those of this part.
    fn apply(&mut self, changes: Value) -> Result<(), Error>;
}

/// Implements [`Journaled`] for a struct, of whose members only the layout never changes.
macro_rules! journaled {
    ($state:ident { $($field:ident),+ $(,)? } $(except $constant:ident)?) => {
        impl $crate::journal::Journaled for $state {
            fn take_changes(&mut self) -> Result<Option<serde_json::Value>, serde_json::Error> {
                // A member that is not listed here does not compile.
                let Self { $($field,)+ $($constant: _)? } = self;
                let mut changes = serde_json::Map::new();
                $(if let Some(changed) = $field.take_changes()? {
                    changes.insert(stringify!($field).to_owned(), changed);
                })+
                Ok((!changes.is_empty()).then(|| changes.into()))
            }

            fn apply(&mut self, changes: serde_json::Value) -> Result<(), serde_json::Error> {
                let mut changes: serde_json::Map<String, serde_json::Value> = serde_json::from_value(changes)?;
                $(if let Some(changed) = changes.remove(stringify!($field)) {
                    self.$field.apply(changed)?;
                })+
                match changes.keys().next() {
                    Some(name) => Err(serde::de::Error::custom(format_args!("{name} is not known"))),
                    None => Ok(()),
                }
            }
        }
    };
}
pub(crate) use journaled;

/// A small value that is written as a whole when it may have changed.
#[derive(Debug, Default)]
pub(crate) struct Whole<T> {
    value: T,
    changed: bool,
}

impl<T> Deref for Whole<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Whole<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: Serialize> Serialize for Whole<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { value: T::deserialize(deserializer)?, changed: false })
    }
}

impl<T: Serialize + DeserializeOwned> Journaled for Whole<T> {
    fn take_changes(&mut self) -> Result<Option<Value>, Error> {
        std::mem::take(&mut self.changed).then(|| serde_json::to_value(&self.value)).transpose()
    }

    fn apply(&mut self, changes: Value) -> Result<(), Error> {
        self.value = serde_json::from_value(changes)?;
        Ok(())
    }
}

/// A list that only grows at its end, and forgets its oldest rows when it is longer than a limit.
#[derive(Debug)]
pub(crate) struct Log<T> {
    rows: Vec<T>,
    /// How many rows at the end are not written yet.
    unwritten: usize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), unwritten: 0 }
    }
}

impl<T> Deref for Log<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T> Log<T> {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: T) {
        self.rows.push(row);
        self.unwritten += 1;
    }

    /// Forgets all rows but the last ones.
    pub(crate) fn keep_last(&mut self, most: usize) {
        let surplus = self.rows.len().saturating_sub(most);
        self.rows.drain(..surplus);
        self.unwritten = self.unwritten.min(self.rows.len());
    }
}

impl<T: Serialize> Serialize for Log<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Log<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { rows: Vec::deserialize(deserializer)?, unwritten: 0 })
    }
}

impl<T: Serialize + DeserializeOwned> Journaled for Log<T> {
    fn take_changes(&mut self) -> Result<Option<Value>, Error> {
        let unwritten = std::mem::take(&mut self.unwritten);
        let new = self.rows.split_at(self.rows.len() - unwritten).1;
        // The number of rows that are left says how many of the oldest are forgotten.
        (unwritten > 0)
            .then(|| serde_json::to_value(json!({ "rows": new, "left": self.rows.len() })))
            .transpose()
    }

    fn apply(&mut self, changes: Value) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Changes<T> {
            rows: Vec<T>,
            left: usize,
        }
        let Changes { rows, left } = serde_json::from_value(changes)?;
        self.rows.extend(rows);
        self.keep_last(left);
        Ok(())
    }
}

/// Values by key, of which the changed ones are written.
#[derive(Debug)]
pub(crate) struct Keyed<T> {
    values: BTreeMap<String, T>,
    /// The keys that are added, changed or removed.
    changed: Vec<String>,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), changed: Vec::new() }
    }
}

impl<T> Keyed<T> {
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.values.get(key)
    }

    pub(crate) fn insert(&mut self, key: String, value: T) {
        self.changed.push(key.clone());
        self.values.insert(key, value);
    }

    /// Removes the values for which `keep` is false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let Self { values, changed } = self;
        values.retain(|key, value| {
            let kept = keep(value);
            if !kept {
                changed.push(key.clone());
            }
            kept
        });
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { values: BTreeMap::deserialize(deserializer)?, changed: Vec::new() })
    }
}

impl<T: Serialize + DeserializeOwned> Journaled for Keyed<T> {
    fn take_changes(&mut self) -> Result<Option<Value>, Error> {
        let changed: BTreeMap<String, Option<&T>> = std::mem::take(&mut self.changed)
            .into_iter()
            .map(|key| (key.clone(), self.values.get(&key)))
            .collect();
        (!changed.is_empty()).then(|| serde_json::to_value(changed)).transpose()
    }

    fn apply(&mut self, changes: Value) -> Result<(), Error> {
        let changed: BTreeMap<String, Option<Value>> = serde_json::from_value(changes)?;
        for (key, value) in changed {
            match value {
                Some(value) => drop(self.values.insert(key, serde_json::from_value(value)?)),
                None => drop(self.values.remove(&key)),
            }
        }
        Ok(())
    }
}
