//! Rows in the order of their creation, found by id.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Error, Value};

use crate::journal::Journaled;

/// A row with a unique id.
pub trait Row {
    /// The id of the row.
    fn id(&self) -> &str;
}

/// Implements [`Row`] for types with a field `id`.
macro_rules! rows {
    ($($row:ty),+ $(,)?) => { $(impl $crate::table::Row for $row { fn id(&self) -> &str { &self.id } })+ };
}
pub(crate) use rows;

/// Defines enums that are written in the state, and to the API, in this case.
macro_rules! statuses {
    ($case:literal; $($(#[$doc:meta])* $name:ident { $($value:ident),+ })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = $case)]
        pub(super) enum $name { $($value),+ }
    )+ };
}
pub(crate) use statuses;

/// Rows that are added and changed, and never removed. In the state file they are a list.
#[derive(Debug)]
pub struct Table<T> {
    rows: IndexMap<String, T>,
    /// The places of the rows that are added or may have changed.
    changed: BTreeSet<usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: IndexMap::new(), changed: BTreeSet::new() }
    }
}

impl<T: Row> Table<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let (place, _, row) = self.rows.get_full_mut(id)?;
        self.changed.insert(place);
        Some(row)
    }

    pub(crate) fn add(&mut self, row: T) {
        let (place, _) = self.rows.insert_full(row.id().to_owned(), row);
        self.changed.insert(place);
    }

    /// Changes the row with this id, which must exist.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        match self.get_mut(id) {
            Some(row) => change(row),
            None => tracing::error!(id, "a row to change does not exist"),
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.values())
    }
}

impl<'de, T: Row + Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Self::default();
        for row in Vec::<T>::deserialize(deserializer)? {
            if table.get(row.id()).is_some() {
                return Err(serde::de::Error::custom(format_args!("{} is there twice", row.id())));
            }
            table.add(row);
        }
        table.changed.clear();
        Ok(table)
    }
}

impl<T: Row + Serialize + DeserializeOwned> Journaled for Table<T> {
    fn take_changes(&mut self) -> Result<Option<Value>, Error> {
        let changed = std::mem::take(&mut self.changed);
        let rows: Vec<&T> =
            changed.iter().filter_map(|place| self.rows.get_index(*place)).map(|(_, row)| row).collect();
        (!rows.is_empty()).then(|| serde_json::to_value(rows)).transpose()
    }

    fn apply(&mut self, changes: Value) -> Result<(), Error> {
        for row in serde_json::from_value::<Vec<T>>(changes)? {
            self.rows.insert(row.id().to_owned(), row);
        }
        Ok(())
    }
}
