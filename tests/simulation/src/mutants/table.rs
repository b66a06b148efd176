//! The mutants of the simulated table.

use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{EXPIRES_AT, GSI1};
use store::table::{Action, Condition, Write};

/// Changes the writes of a transaction as a mutant of the table does.
pub fn change_writes(mutant: &str, mut writes: Vec<Write>) -> Vec<Write> {
    fn is_day(write: &Write) -> bool {
        write.key.pk.starts_with("EXPERT#") && write.key.sk.starts_with("D#")
    }
    // A row that is only checked is then not in the transaction at all, as long as anything is.
    let without_conditions = |writes: &mut Vec<Write>, of: fn(&Write) -> bool| {
        let checks = |write: &Write| write.action == Action::Check && of(write);
        if !writes.iter().all(checks) {
            writes.retain(|write| !checks(write));
        }
        let others = writes.iter_mut().filter(|write| write.action != Action::Check && of(write));
        others.for_each(|write| write.condition = Condition::None);
    };
    match mutant {
        "table_ignores_occupancy_conditions" => without_conditions(&mut writes, is_day),
        "table_ignores_condition_checks" if writes.iter().any(|write| write.action != Action::Check) => {
            writes.retain(|write| write.action != Action::Check);
        }
        "table_ignores_idempotency_conditions" => {
            // The row of the client would also notice the second request.
            without_conditions(&mut writes, |write| {
                write.key.pk.starts_with("IDEM#") || write.key.pk.starts_with("CLIENT#")
            });
        }
        "table_ignores_payment_conditions" => without_conditions(&mut writes, |write| write.key.sk == "PAY"),
        "table_ignores_appointment_conditions" => {
            without_conditions(&mut writes, |write| write.key.sk == "A")
        }
        "table_ignores_receipt_counter_conditions" => {
            without_conditions(&mut writes, |write| write.key.sk.starts_with("RECEIPTS#"));
        }
        "table_ignores_outbox_conditions" => {
            without_conditions(&mut writes, |write| write.key.sk.starts_with("OUTBOX#"))
        }
        "table_loses_one_of_two_days" if writes.iter().filter(|write| is_day(write)).count() > 1 => {
            let last = writes.iter().rposition(is_day);
            last.map(|place| writes.remove(place));
        }
        "table_loses_payment_jobs" if writes.len() > 1 => {
            let due = |write: &Write| {
                write.key.sk.starts_with("OUTBOX#payment") && write.condition == Condition::None
            };
            writes.retain(|write| !due(write));
        }
        "table_loses_event_jobs" if writes.iter().any(|write| write.key.sk == "A") => {
            writes.retain(|write| !write.key.sk.starts_with("OUTBOX#event"));
        }
        "outbox_entries_expire_by_ttl" => {
            for write in writes.iter_mut().filter(|write| write.key.sk.starts_with("OUTBOX#")) {
                if let Action::Put(item) = &mut write.action
                    && let Some(due) = item.get(GSI1.sk).and_then(|order| order.as_s().ok())
                    && let Some(due) = due.split('#').next().and_then(|due| due.parse::<i64>().ok())
                {
                    item.insert(EXPIRES_AT.to_owned(), AttributeValue::N(due.to_string()));
                }
            }
        }
        _ => {}
    }
    writes
}
