//! DynamoDB's limits, and what requests cost there.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use store::table::{Action, Consistency, Write};
use store::{Item, TableError};

use super::Capacity;

/// Most rows of one transaction, and of one read of many.
pub(super) const MOST_ROWS: usize = 100;
const LARGEST_ROW: usize = 400 * 1024;
const LARGEST_TRANSACTION: usize = 4 * 1024 * 1024;

/// What an attribute's value counts for, in bytes, by the rules of
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        _ => 1,
    }
}

fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn units(bytes: usize, each: usize) -> u64 {
    u64::try_from(bytes.div_ceil(each).max(1)).unwrap_or(u64::MAX)
}

/// Whether DynamoDB would take the writes at all.
///
/// Its limit of 300 operators in an expression cannot be met: what a write expects is one comparison, and nothing is filtered.
pub(super) fn check(writes: &[Write]) -> Result<(), TableError> {
    let refuse = |why: &str| Err(TableError::Unavailable(format!("ValidationException: {why}")));
    if writes.len() > MOST_ROWS {
        return refuse("more than 100 rows");
    }
    let mut whole = 0;
    for (place, write) in writes.iter().enumerate() {
        if writes[..place].iter().any(|before| before.key == write.key) {
            return refuse(&format!("two writes of {}", write.key));
        }
        if let Action::Put(item) = &write.action {
            let bytes = size(item);
            whole += bytes;
            if bytes > LARGEST_ROW {
                return refuse("a row above 400 KB");
            }
        }
    }
    if whole > LARGEST_TRANSACTION { refuse("more than 4 MB") } else { Ok(()) }
}

/// Counts a read.
pub(super) fn count_read<'a>(
    capacity: &mut Capacity,
    items: impl Iterator<Item = &'a Arc<Item>>,
    consistency: Consistency,
) {
    let bytes: usize = items.map(|item| size(item)).sum();
    let halves = if consistency == Consistency::Strong { 2 } else { 1 };
    capacity.half_reads += halves * units(bytes, 4 * 1024);
}

/// Counts a write.
pub(super) fn count_write(capacity: &mut Capacity, writes: &[Write], transaction: bool) {
    let times = if transaction { 2 } else { 1 };
    for write in writes {
        let bytes = match &write.action {
            Action::Put(item) => size(item),
            Action::Delete | Action::Check => 0,
        };
        capacity.writes += times * units(bytes, 1024);
    }
}
