//! Each value of the golden rows that a newer release could replace by one that this release does not know: the row is not read, or
//! it is not written, or it is written with the value as it is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LATEST, golden, is_occupancy};
use crate::experts::rows::*;
use crate::idempotency::IdempotencyRow;
use crate::identity::rows::*;
use crate::keys::{EXPIRES_AT, Key, PK, SK, VERSION};
use crate::messaging::rows::*;
use crate::payments::refund_costs::RefundCostsRow;
use crate::payments::rows::*;
use crate::receipts::rows::*;
use crate::row::{Row, read_row};
use crate::scheduling::client_bookings::ClientBookingsRow;
use crate::scheduling::rows::*;
use crate::table::{Action, Condition, Item};
use crate::{CommitError, ReadError, Transaction};

const LATER: &str = "from_a_newer_release";

/// What becomes of a row that is read and written again.
#[derive(Debug)]
enum Rewritten {
    NotRead,
    NotWritten,
    Written(Item),
}

fn rewrite<R: Row<D>, D>(item: Item) -> Rewritten {
    let value = match read_row::<R, D>(item) {
        Ok(value) => value,
        Err(ReadError::NewerRelease { .. }) => return Rewritten::NotRead,
        Err(error) => panic!("{error}"),
    };
    let mut transaction = Transaction::new();
    let key = Key { pk: "P".to_owned(), sk: "S".to_owned() };
    match transaction.put_row::<R, D>(key, Condition::None, &value, []) {
        Ok(()) => {}
        Err(CommitError::NewerRelease(_)) => return Rewritten::NotWritten,
        Err(error) => panic!("{error}"),
    }
    match &transaction.writes()[0].action {
        Action::Put(item) => Rewritten::Written(item.clone()),
        other => panic!("{other:?}"),
    }
}

/// Reads and writes the row with this key. `None` for rows that are stored in another way and have tests of their own.
fn rewritten(key: &str, item: Item) -> Option<Rewritten> {
    let (pk, sk) = key.split_once(" / ").expect("two keys");
    let name = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    Some(match (name(pk).as_str(), name(sk).as_str()) {
        // Entries of a history and notifications are written once.
        (_, "OUTBOX") | ("APT", "history") | ("PERSON", "notification" | "warning") => return None,
        _ if is_occupancy(key) => return None,
        ("ACCOUNT", "R") => rewrite::<AccountOwnerRow, _>(item),
        (_, "DECLINES") => rewrite::<DeclinedAttemptsRow, _>(item),
        ("APT", "A") => rewrite::<AppointmentRow, _>(item),
        ("APT", "DETAILS") => rewrite::<DetailsRow, _>(item),
        ("APT", "DOC") => rewrite::<ReceiptRow, _>(item),
        ("APT", "ENTRY") | ("LEDGER", "PAYOUT") => rewrite::<EntryRow, _>(item),
        ("APT", "PAY") => rewrite::<PaymentRow, _>(item),
        ("APT", "TAX") => rewrite::<TaxCalculationRow, _>(item),
        ("APT", "note") => rewrite::<NoteRow, _>(item),
        ("APT", "notes") => rewrite::<NotesWrittenRow, _>(item),
        ("BOOKS", "COMPARED") => rewrite::<ReconciliationProgressRow, _>(item),
        ("CLIENT", "BOOKINGS") => rewrite::<ClientBookingsRow, _>(item),
        ("DIFFERENCES", _) => rewrite::<DifferenceRow, _>(item),
        ("EVT", "R") => rewrite::<ReceivedEventRow, _>(item),
        ("EXPERT", "ACCOUNT") => rewrite::<PaymentAccountRow, _>(item),
        ("EXPERT", "BILLING") => rewrite::<BillingRow, _>(item),
        ("EXPERT", "CLIENTS") => rewrite::<AdmissionsRow, _>(item),
        ("EXPERT", "DEBT") => rewrite::<DebtRow, _>(item),
        ("EXPERT", "FEE") => rewrite::<ExpertTermsRow, _>(item),
        ("EXPERT", "INVITE") => rewrite::<InvitationRow, _>(item),
        ("EXPERT", "LEFT") => rewrite::<FormerMemberRow, _>(item),
        ("EXPERT", "MEMBER") => rewrite::<MemberRow, _>(item),
        ("EXPERT", "PROFILE") => rewrite::<ExpertRow, _>(item),
        ("EXPERT", "RECEIPTS") => rewrite::<CounterRow, _>(item),
        ("REFUND_COSTS", _) => rewrite::<RefundCostsRow, _>(item),
        ("EXPERT", "RULES") => rewrite::<RulesRow, _>(item),
        ("EXPERT", "TEAM") => rewrite::<TeamRow, _>(item),
        ("EXPERT", "TRACK") => rewrite::<TrackRecordRow, _>(item),
        ("EXPERT", "TYPE") => rewrite::<SessionTypeRow, _>(item),
        ("EXPERT", "TYPES") => rewrite::<ActivationsRow, _>(item),
        ("IDEM", "R") => rewrite::<IdempotencyRow, _>(item),
        ("PERSON", "R") => rewrite::<PersonRow, _>(item),
        ("PERSON", "SUSPENSION") => rewrite::<SuspensionRow, _>(item),
        ("PERSON", "notifications-read") => rewrite::<ReadMarkRow, _>(item),
        ("RATES", _) => rewrite::<ExchangeRatesRow, _>(item),
        ("RELIABILITY", _) => rewrite::<IncidentRow, _>(item),
        _ => panic!("{key}: say how the row is read and written"),
    })
}

/// Whether a text could be the value of an enum.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The places of the words in a row, as JSON pointers.
fn words(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_word(text) => found.push(place.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| words(item, &format!("{place}/{at}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| words(member, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
}

/// Whether a row that was written says the same as the one that was read. It has no keys and no attributes beside the value's.
fn is_same(read: &Value, written: Item) -> bool {
    let written: Value = serde_dynamo::from_item(written).expect("plain JSON");
    let besides = |name: &str| [PK, SK, EXPIRES_AT, VERSION].contains(&name) || name.starts_with("GSI");
    let members = read.as_object().expect("a row");
    members.iter().all(|(name, member)| besides(name) || written.get(name) == Some(member))
}

/// Checks a row. Returns whether it is changeable with the unknown value.
fn check(key: &str, row: &Value, place: &str) -> bool {
    let item = serde_dynamo::to_item(row).expect("a row");
    match rewritten(key, item) {
        None | Some(Rewritten::NotRead | Rewritten::NotWritten) => false,
        Some(Rewritten::Written(written)) => {
            assert!(is_same(row, written), "{key}: {place} is overwritten");
            true
        }
    }
}

#[test]
fn no_unknown_value_is_overwritten() {
    let mut refused = BTreeSet::new();
    for (key, row) in golden(LATEST) {
        let mut places = Vec::new();
        words(&row, "", &mut places);
        check(&key, &row, "nothing");
        for place in places.iter().filter(|place| !place.starts_with("/GSI") && !key.contains("OUTBOX")) {
            let mut row = row.clone();
            *row.pointer_mut(place).expect("a word") = LATER.into();
            if !check(&key, &row, place) {
                refused.insert(place.trim_start_matches('/').to_owned());
            }
        }
    }
    for enums in EXPECTED {
        assert!(refused.contains(*enums), "{enums} is not among {refused:#?}");
    }
}

/// Some places of enums; the test finds all of them.
const EXPECTED: &[&str] = &[
    "status",
    "rescheduling/price",
    "no_show_report/state",
    "moves/proposal/state",
    "moves/proposal/by",
    "cancelled_by",
    "missed_by",
    "state/state",
    "plan",
    "gateway",
    "decline",
    "escalation/because",
    "payout_timing",
    "terms/collection",
    "terms/booking_window/kind",
    "terms/rescheduling/price",
    "role",
    "visibility",
    "author",
    "kind",
    "side",
];

/// The names of members that are values.
#[test]
fn no_unknown_name_is_overwritten() {
    let mut checked = 0;
    for (key, row) in golden(LATEST) {
        for name in ["refused", "taxes"] {
            let mut row = row.clone();
            let Some(Value::Object(members)) = row.get_mut(name) else { continue };
            let Some(first) = members.keys().next().cloned() else { continue };
            let value = members.remove(&first).expect("a member");
            members.insert(LATER.to_owned(), value);
            assert!(!check(&key, &row, name), "{key}: {name}");
            checked += 1;
        }
    }
    assert!(checked >= 2, "{checked}");
}
