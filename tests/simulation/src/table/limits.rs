//! DynamoDB's limits, and what requests cost there.
//!
//! The rules are those of <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html> and
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{GSI1, GSI2, Index, Key};
use store::table::{Action, Condition, Consistency, Query, Write};
use store::{Item, TableError};

use super::{Capacity, TableState, text};

/// The number of rows of a transaction or a batch read.
pub(super) const MAX_ROWS: usize = 100;
const MAX_ROW: usize = 400 * 1024;
const MAX_TRANSACTION: usize = 4 * 1024 * 1024;
const MAX_PAGE: usize = 1024 * 1024;
const MAX_BATCH: usize = 16 * 1024 * 1024;
const MAX_PARTITION_KEY: usize = 2_048;
const MAX_SORT_KEY: usize = 1_024;

/// The size of an attribute value, in bytes.
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// One byte for two significant digits, one more, and one for a sign. The store writes only integers.
fn number_size(number: &str) -> usize {
    let digits = number.trim_start_matches('-').trim_matches('0').len();
    1 + digits.div_ceil(2) + usize::from(number.starts_with('-'))
}

/// The size of a row, in bytes.
pub fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn units(bytes: usize, each: usize) -> u64 {
    u64::try_from(bytes.div_ceil(each).max(1)).unwrap_or(u64::MAX)
}

fn refused(why: &str) -> TableError {
    TableError::Unavailable(format!("ValidationException: {why}"))
}

/// Checks whether DynamoDB accepts the writes, whatever the table contains.
///
/// The limit of 300 operators per expression does not apply: each condition is one comparison, and there are no filters.
pub(super) fn check(writes: &[Write]) -> Result<(), TableError> {
    if writes.is_empty() || writes.len() > MAX_ROWS {
        return Err(refused("no rows, or more than 100"));
    }
    let mut seen = BTreeSet::new();
    let mut whole = 0;
    for Write { key, condition, action } in writes {
        if !seen.insert(key) {
            return Err(refused(&format!("two writes of {key}")));
        }
        has_text(key)?;
        match action {
            Action::Put(item) => {
                let bytes = size(item);
                whole += bytes;
                if bytes > MAX_ROW {
                    return Err(refused("a row over 400 KB"));
                }
                let empty =
                    |name: &str| matches!(item.get(name), Some(AttributeValue::S(text)) if text.is_empty());
                if index_attributes().iter().any(|(name, _)| empty(name)) {
                    return Err(refused("an empty index key"));
                }
            }
            Action::Check if *condition == Condition::None => {
                return Err(refused("a check without a condition"));
            }
            Action::Delete | Action::Check => {}
        }
    }
    if whole > MAX_TRANSACTION { Err(refused("more than 4 MB")) } else { Ok(()) }
}

fn index_attributes() -> [(&'static str, usize); 4] {
    let of = |index: Index| [(index.pk, MAX_PARTITION_KEY), (index.sk, MAX_SORT_KEY)];
    let ([a, b], [c, d]) = (of(GSI1), of(GSI2));
    [a, b, c, d]
}

fn has_text(key: &Key) -> Result<(), TableError> {
    if key.pk.is_empty() || key.sk.is_empty() { Err(refused("an empty key")) } else { Ok(()) }
}

/// Checks whether a row can ever be written. A transaction reports this per row, next to failed conditions.
pub(super) fn check_row(write: &Write) -> Result<(), TableError> {
    is_short(&write.key)?;
    if let Action::Put(item) = &write.action {
        let violations = |name: &str| item.get(name).is_some_and(|value| value.as_s().is_err());
        if index_attributes().iter().any(|(name, _)| violations(name)) {
            return Err(refused("an index key that is not a string"));
        }
    }
    Ok(())
}

fn is_short(key: &Key) -> Result<(), TableError> {
    if key.pk.len() > MAX_PARTITION_KEY || key.sk.len() > MAX_SORT_KEY {
        return Err(refused("a key that is too long"));
    }
    Ok(())
}

/// Checks whether DynamoDB accepts a read of these rows.
pub(super) fn check_keys(keys: &[Key]) -> Result<(), TableError> {
    for keys in keys.chunks(MAX_ROWS) {
        let mut seen = BTreeSet::new();
        for key in keys {
            has_text(key)?;
            is_short(key)?;
            if !seen.insert(key) {
                return Err(refused(&format!("{key} is requested twice")));
            }
        }
    }
    Ok(())
}

/// Checks whether DynamoDB accepts a query.
pub(super) fn check_query(query: &Query) -> Result<(), TableError> {
    if query.pk.is_empty() || query.from.is_empty() || query.to.is_empty() {
        return Err(refused("an empty key"));
    }
    if query.from > query.to {
        return Err(refused("a range that ends before it starts"));
    }
    if query.limit == Some(0) {
        return Err(refused("a limit of 0"));
    }
    if query.index.is_some() && query.consistency == Consistency::Strong {
        return Err(refused("a strongly consistent read of an index"));
    }
    Ok(())
}

fn halves(bytes: usize, consistency: Consistency) -> u64 {
    let times = if consistency == Consistency::Strong { 2 } else { 1 };
    times * units(bytes, 4 * 1024)
}

/// Counts reads of single rows. Each is rounded up; a missing row counts as the smallest.
///
/// # Errors
/// If the rows exceed one response.
pub(super) fn count_rows(
    capacity: &mut Capacity,
    rows: &[Option<Arc<Item>>],
    consistency: Consistency,
) -> Result<(), TableError> {
    for rows in rows.chunks(MAX_ROWS) {
        let sizes = || rows.iter().map(|row| row.as_deref().map_or(0, size));
        if sizes().sum::<usize>() > MAX_BATCH {
            return Err(TableError::Busy("not all rows were read".to_owned()));
        }
        capacity.half_reads += sizes().map(|bytes| halves(bytes, consistency)).sum::<u64>();
    }
    Ok(())
}

/// Counts a query: the rows of a page are rounded up together.
pub(super) fn count_query(capacity: &mut Capacity, items: &[Arc<Item>], consistency: Consistency) {
    let mut page = 0;
    for item in items {
        let bytes = size(item);
        if page > 0 && page + bytes > MAX_PAGE {
            capacity.half_reads += halves(page, consistency);
            page = 0;
        }
        page += bytes;
    }
    capacity.half_reads += halves(page, consistency);
}

/// Counts a write before it takes effect: the larger of the row before and after, doubled in a transaction, and the changes
/// of the indexes.
pub(super) fn count_write(table: &mut TableState, writes: &[Write], transaction: bool) {
    let times = if transaction { 2 } else { 1 };
    let mut sum = 0;
    for Write { key, action, .. } in writes {
        let before = table.get(key).map(|item| &**item);
        let after = match action {
            Action::Put(item) => Some(item),
            Action::Delete => None,
            Action::Check => before,
        };
        let larger = before.map_or(0, size).max(after.map_or(0, size));
        sum += times * units(larger, 1024);
        sum += [GSI1, GSI2].iter().map(|index| count_index(index, before, after)).sum::<u64>();
    }
    table.capacity.writes += sum;
}

/// The cost of a change in an index: nothing if the row stays the same, two writes if it moves.
fn count_index(index: &Index, before: Option<&Item>, after: Option<&Item>) -> u64 {
    let place = |item: &'_ Item| Some((text(item, index.pk)?.to_owned(), text(item, index.sk)?.to_owned()));
    let shown = |item: &'_ Item| place(item).map(|place| (place, units(size(item), 1024)));
    match (before.and_then(shown), after.and_then(shown)) {
        (None, None) => 0,
        (Some((_, units)), None) | (None, Some((_, units))) => units,
        (Some(_), Some(_)) if before == after => 0,
        (Some((from, old)), Some((to, new))) => {
            if from == to {
                old.max(new)
            } else {
                old + new
            }
        }
    }
}
