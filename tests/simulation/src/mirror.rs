//! The same history on a real store: whatever the model decides is asked of the embedded DynamoDB too, through the product's own
//! adapter, in the order in which it is decided, and has to be decided the same.
//!
//! - A write is asked when the model decides it: when it takes effect, is told what moved, or is refused for good. Conflicts,
//!   throttling and lost requests are weather, and never reach the real store.
//! - A transaction whose answer the client library did not hear loses its first answer here too, so the library itself repeats
//!   it under its token. A single write is repeated by the model, with others in between, and is asked twice.
//! - A read is compared as the rows stand at that instant. What lags or is torn in the model is weather too. An index is
//!   compared where the model's does not lag, and at rest.
//!
//! Everything the model holds is compared in the end: all rows, and both indexes.

use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{GSI1, GSI2, Key, PK, SK};
use store::table::{Consistency, Query, Table, Write, WriteError};
use store::{Item, TableError};

use crate::core::Core;
use crate::real::Real;

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// Writes that were done, of one row or of several.
    pub done: u64,
    /// Writes that were not.
    pub refused: u64,
    /// Reads.
    pub reads: u64,
    /// Rows in the end, and rows of both indexes.
    pub rows: u64,
}

impl Mirrored {
    /// Adds what another history came to.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.refused += other.refused;
        self.reads += other.reads;
        self.rows += other.rows;
    }
}

/// The real store, and what was compared with it so far.
pub struct Mirror {
    real: Real,
    compared: Mirrored,
}

impl Mirror {
    /// An empty one.
    ///
    /// # Errors
    /// When the embedded DynamoDB does not start.
    pub fn new() -> Result<Self, String> {
        Ok(Self { real: Real::start()?, compared: Mirrored::default() })
    }
}

/// Asks the mirror, when there is one.
fn ask(core: &mut Core, question: impl FnOnce(&mut Core, &mut Mirror) -> Result<(), String>) {
    let Some(mut mirror) = core.mirror.take() else { return };
    if let Err(difference) = question(core, &mut mirror) {
        core.wrong(format!("the embedded DynamoDB disagrees: {difference}"));
    }
    mirror.real.cost();
    core.mirror = Some(mirror);
}

/// An answer without its words, which are each store's own: what remains of a failure is its kind.
pub fn wordless<T>(answer: Result<T, WriteError>) -> Result<T, WriteError> {
    answer.map_err(|error| match error {
        WriteError::Table(TableError::Busy(_)) => TableError::Busy(String::new()).into(),
        WriteError::Table(TableError::Unavailable(_)) => TableError::Unavailable(String::new()).into(),
        moved => moved,
    })
}

/// Compares what became of a write; `unheard` when the client library does not hear of it at first.
pub(crate) fn write(core: &mut Core, writes: &[Write], decided: Result<(), &WriteError>, unheard: bool) {
    let decided = decided.map_err(Clone::clone);
    ask(core, |_, mirror| {
        let keys: Vec<String> = writes.iter().map(|write| write.key.to_string()).collect();
        mirror.real.lose_answer(unheard);
        let real = mirror.real.wait(mirror.real.table.write(writes.to_vec()));
        mirror.real.lose_answer(false);
        match real {
            Ok(()) => mirror.compared.done += 1,
            Err(_) => mirror.compared.refused += 1,
        }
        if wordless(real.clone()) == wordless(decided.clone()) {
            return Ok(());
        }
        Err(format!("the write of {} is {decided:?} in the model and {real:?} there", keys.join(", ")))
    });
}

/// Compares one row.
pub(crate) fn get(core: &mut Core, key: &Key) {
    ask(core, |core, mirror| {
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
    ask(core, |core, mirror| {
        mirror.compared.reads += 1;
        let real = mirror.real.wait(mirror.real.table.get_many(keys, Consistency::Strong)).map(sorted);
        let model = sorted(keys.iter().filter_map(|key| core.table.get(key)).map(|item| Item::clone(item)));
        same(&format!("{} rows", keys.len()), &model, real.map_err(|error| error.to_string()))
    });
}

/// Compares a range.
pub(crate) fn query(core: &mut Core, query: &Query) {
    if query.index.is_some() && core.weather.index_lag > 1 {
        return;
    }
    ask(core, |core, mirror| {
        mirror.compared.reads += 1;
        let real = mirror.real.wait(mirror.real.table.query(query)).map_err(|error| error.to_string());
        let model: Vec<Item> =
            core.table.standing(query).into_iter().map(|item| Item::clone(&item)).collect();
        same(&format!("{query:?}"), &model, real)
    });
}

/// Compares everything, and says how much was compared in all.
pub(crate) fn everything(core: &mut Core) -> Mirrored {
    let mut compared = Mirrored::default();
    ask(core, |core, mirror| {
        for index in [None, Some(GSI1), Some(GSI2)] {
            let of = index.map_or("the table", |index| index.name);
            let model = core.table.everything(index);
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

/// Rows in the order of their keys.
pub fn sorted(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let part = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let mut items: Vec<Item> = items.into_iter().collect();
    items.sort_by_cached_key(|item| (part(item, PK), part(item, SK)));
    items
}

/// Whether rows are the same and in the same order; says how the first differs.
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

/// A row, with its attributes in order and long ones cut.
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
