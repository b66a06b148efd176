//! Runs the same history on a real store: each request that the model decides is also sent to the embedded DynamoDB through
//! the product's own adapter, in the same order, and must have the same result.
//!
//! - A write is sent when the model decides it: when it takes effect, fails its conditions or is invalid. Conflicts,
//!   throttling and lost requests are simulated faults and never reach the real store.
//! - If the SDK loses the response to a transaction in the model, it loses the first response here too, so that it repeats
//!   the transaction with its token. The model repeats single writes itself, with other requests in between, so they are
//!   sent twice.
//! - A read is compared with the rows at that time. Lag and torn reads are simulated faults. A query of an index is
//!   compared if the model's indexes do not lag, and in the quiescent state.
//!
//! At the end all rows of the table and of both indexes are compared.

use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{GSI1, GSI2, Key, PK, SK};
use store::table::{Consistency, Query, Table, Write, WriteError};
use store::{Item, TableError};

use crate::core::Core;
use crate::embedded::EmbeddedDynamo;

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MirrorStats {
    /// The number of successful writes.
    pub done: u64,
    /// The number of refused writes.
    pub refused: u64,
    /// The number of reads.
    pub reads: u64,
    /// The number of rows at the end, in the table and both indexes.
    pub rows: u64,
}

impl MirrorStats {
    /// Adds the figures of another history.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.refused += other.refused;
        self.reads += other.reads;
        self.rows += other.rows;
    }
}

/// The real store, and what was compared with it so far.
pub struct Mirror {
    real: EmbeddedDynamo,
    compared: MirrorStats,
}

impl Mirror {
    /// Creates an empty store.
    ///
    /// # Errors
    /// If the embedded DynamoDB does not start.
    pub fn new() -> Result<Self, String> {
        Ok(Self { real: EmbeddedDynamo::start()?, compared: MirrorStats::default() })
    }
}

/// Runs a comparison, if there is a mirror.
fn compare(core: &mut Core, question: impl FnOnce(&mut Core, &mut Mirror) -> Result<(), String>) {
    let Some(mut mirror) = core.mirror.take() else { return };
    if let Err(difference) = question(core, &mut mirror) {
        core.violation(format!("the embedded DynamoDB disagrees: {difference}"));
    }
    mirror.real.cost();
    core.mirror = Some(mirror);
}

/// Removes the message of an error, which differs between stores, and keeps its kind.
pub fn without_message<T>(answer: Result<T, WriteError>) -> Result<T, WriteError> {
    answer.map_err(|error| match error {
        WriteError::Table(TableError::Busy(_)) => TableError::Busy(String::new()).into(),
        WriteError::Table(TableError::Unavailable(_)) => TableError::Unavailable(String::new()).into(),
        moved => moved,
    })
}

/// Compares the result of a write. `response_lost` says that the SDK gets no response at first.
pub(crate) fn write(
    core: &mut Core,
    writes: &[Write],
    decided: Result<(), &WriteError>,
    response_lost: bool,
) {
    let decided = decided.map_err(Clone::clone);
    compare(core, |_, mirror| {
        let keys: Vec<String> = writes.iter().map(|write| write.key.to_string()).collect();
        mirror.real.lose_answer(response_lost);
        let real = mirror.real.wait(mirror.real.table.write(writes.to_vec()));
        mirror.real.lose_answer(false);
        match real {
            Ok(()) => mirror.compared.done += 1,
            Err(_) => mirror.compared.refused += 1,
        }
        if without_message(real.clone()) == without_message(decided.clone()) {
            return Ok(());
        }
        Err(format!("the write of {} is {decided:?} in the model and {real:?} there", keys.join(", ")))
    });
}

/// Compares the result of a count.
pub(crate) fn count(core: &mut Core, key: &Key, attributes: &Item, counted: u64) {
    compare(core, |_, mirror| {
        mirror.compared.done += 1;
        match mirror.real.wait(mirror.real.table.count(key, attributes.clone())) {
            Ok(real) if real == counted => Ok(()),
            real => Err(format!("the count of {key} is {counted} in the model and {real:?} there")),
        }
    });
}

/// Compares a row.
pub(crate) fn get(core: &mut Core, key: &Key) {
    compare(core, |core, mirror| {
        mirror.compared.reads += 1;
        let real = mirror.real.wait(mirror.real.table.get(key, Consistency::Strong));
        let model = core.table.get(key).map(|item| &**item);
        if real.as_ref().map(Option::as_ref) == Ok(model) {
            return Ok(());
        }
        Err(format!("{key} is {model:?} in the model and {real:?} there"))
    });
}

/// Compares several rows.
pub(crate) fn get_many(core: &mut Core, keys: &[Key]) {
    compare(core, |core, mirror| {
        mirror.compared.reads += 1;
        let real = mirror.real.wait(mirror.real.table.get_many(keys, Consistency::Strong)).map(sorted);
        let model = sorted(keys.iter().filter_map(|key| core.table.get(key)).map(|item| Item::clone(item)));
        same(&format!("{} rows", keys.len()), &model, real.map_err(|error| error.to_string()))
    });
}

/// Compares a range.
pub(crate) fn query(core: &mut Core, query: &Query) {
    if query.index.is_some() && core.faults.max_index_lag > 1 {
        return;
    }
    compare(core, |core, mirror| {
        mirror.compared.reads += 1;
        let real = mirror.real.wait(mirror.real.table.query(query)).map_err(|error| error.to_string());
        let model: Vec<Item> = core.table.current(query).into_iter().map(|item| Item::clone(&item)).collect();
        same(&format!("{query:?}"), &model, real)
    });
}

/// Compares all rows, and returns how much was compared in total.
pub(crate) fn compare_all(core: &mut Core) -> MirrorStats {
    let mut compared = MirrorStats::default();
    compare(core, |core, mirror| {
        for index in [None, Some(GSI1), Some(GSI2)] {
            let of = index.map_or("the table", |index| index.name);
            let model = core.table.all_items(index);
            let model = sorted(model.into_iter().map(|item| Item::clone(&item)));
            mirror.compared.rows += model.len() as u64;
            same(of, &model, mirror.real.all(index).map(sorted))?;
        }
        Ok(())
    });
    if let Some(mirror) = &core.mirror {
        compared = mirror.compared;
    }
    compared
}

/// Sorts rows by key.
pub fn sorted(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let part = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let mut items: Vec<Item> = items.into_iter().collect();
    items.sort_by_cached_key(|item| (part(item, PK), part(item, SK)));
    items
}

/// Compares rows and their order. Returns a description of the first difference.
pub fn same(what: &str, model: &[Item], real: Result<Vec<Item>, String>) -> Result<(), String> {
    let real = real.map_err(|error| format!("{what}: {} rows in the model, there {error}", model.len()))?;
    let first = model.iter().zip(&real).find(|(model, real)| model != real);
    match first {
        Some((model, real)) => Err(format!("{what}: {} in the model, {} there", shown(model), shown(real))),
        None if model.len() != real.len() => {
            Err(format!("{what}: {} rows in the model, {} there", model.len(), real.len()))
        }
        None => Ok(()),
    }
}

/// Formats a row with its attributes in order and long values cut.
pub fn shown(item: &Item) -> String {
    let mut attributes: Vec<String> = item
        .iter()
        .map(|(name, value)| match value {
            AttributeValue::S(text) if text.len() > 60 => format!("{name}: {} bytes of text", text.len()),
            AttributeValue::S(text) => format!("{name}: {text:?}"),
            AttributeValue::N(number) => format!("{name}: {number}"),
            other => format!("{name}: {other:?}"),
        })
        .collect();
    attributes.sort();
    format!("{{{}}}", attributes.join(", "))
}
