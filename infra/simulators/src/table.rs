//! Rows in the order of their creation, found by id.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
pub struct Table<T>(IndexMap<String, T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<T: Row> Table<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.0.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.0.get_mut(id)
    }

    pub(crate) fn add(&mut self, row: T) {
        self.0.insert(row.id().to_owned(), row);
    }

    /// Changes the row with this id, which must exist.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        match self.get_mut(id) {
            Some(row) => change(row),
            None => tracing::error!(id, "a row to change does not exist"),
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.values())
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
        Ok(table)
    }
}
