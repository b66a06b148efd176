//! Jobs keep their payloads, and entries of other releases are read or recognized as unreadable.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use domain::payments::gateway::GatewayKind;
use domain::{AppointmentId, ExpertId, PersonId};
use serde_json::Value;
use store::{Item, Store, Transaction};

use super::*;
use crate::events::PartyName;
use crate::messaging::jobs::CausedBy;
use crate::testing::Rows;

/// A job of each kind.
fn examples() -> Vec<Job> {
    let (appointment, expert) = (AppointmentId::from_bits(1), ExpertId::from_bits(2));
    let mut jobs: Vec<Job> =
        vec![PaymentsJob::Payment { appointment }.into(), ReceiptsJob::Issue { appointment }.into()];
    jobs.push(SchedulingJob::ExpireProposal { appointment }.into());
    for gateway in GatewayKind::ALL {
        jobs.push(PaymentsJob::PaymentAccount { expert, gateway }.into());
        jobs.push(PaymentsJob::Payouts { expert, gateway }.into());
    }
    let events = crate::events::tests::examples();
    jobs.extend(events.into_iter().map(|event| Job::from(SchedulingJob::PublishEvent(Box::new(event)))));
    let person = PersonId::from_bits(u128::MAX);
    for event in crate::events::tests::examples() {
        jobs.push(
            MessagingJob::Notify { event: Box::new(event), by: CausedBy::Administrator(person) }.into(),
        );
    }
    jobs.push(MessagingJob::ApplyConsequences { person, side: PartyName::Client, appointment }.into());
    for job in &jobs {
        // A new kind of job needs an example above.
        match job {
            Job::Messaging(MessagingJob::Notify { .. } | MessagingJob::ApplyConsequences { .. })
            | Job::Payments(
                PaymentsJob::Payment { .. }
                | PaymentsJob::PaymentAccount { .. }
                | PaymentsJob::Payouts { .. },
            )
            | Job::Receipts(ReceiptsJob::Issue { .. })
            | Job::Scheduling(SchedulingJob::PublishEvent(_) | SchedulingJob::ExpireProposal { .. }) => {}
        }
    }
    jobs
}

/// The stored entry of a job after `change`, and its size in bytes.
async fn stored(job: &Job, change: impl FnOnce(&mut Item)) -> (StoredEntry, usize) {
    let due_at = Timestamp::from_seconds(1_800_000_000);
    stored_entry(&job.entry(due_at, (1 << 53) - 1).expect("JSON"), change).await
}

async fn stored_entry(entry: &OutboxEntry, change: impl FnOnce(&mut Item)) -> (StoredEntry, usize) {
    let rows = Arc::new(Rows::default());
    let store = Store::new(rows.clone());
    let mut transaction = Transaction::new();
    transaction.enqueue(FailureDomain::Payments, entry).expect("storable");
    store.commit(transaction).await.expect("new");
    let size = {
        let mut rows = rows.0.lock().expect("no poisoned lock");
        let item = rows.values_mut().next().expect("a row");
        change(item);
        let bytes = |name: &String| match (item[name].as_s(), item[name].as_n()) {
            (Ok(text), _) => text.len(),
            (_, Ok(number)) => number.len() / 2 + 2,
            _ => 100,
        };
        item.keys().map(|name| name.len() + bytes(name)).sum()
    };
    (store.outbox_entry(&entry.name).await.expect("readable").expect("stored"), size)
}

#[tokio::test]
async fn every_job_is_read_as_it_was_written() {
    for job in examples() {
        let (stored, _) = stored(&job, |_| ()).await;
        let (entry, read) = Job::read(&stored).expect("readable");
        assert_eq!(read, job);
        assert_eq!(entry.name.to_string().parse(), Ok(job.name()));
    }
}

/// The version of the payloads that the code writes now.
const LATEST: u32 = 1;

/// The payloads in entries of this version, by the name of the job.
fn golden(version: u32) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(golden_file(version)).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

fn golden_file(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/jobs-{version}.json"))
}

/// The payload of each job as the code writes it. The names of events are distinct.
fn written() -> BTreeMap<String, Value> {
    let payload = |job: &Job| serde_json::to_value(job).expect("JSON");
    examples().iter().map(|job| (job.name().to_string(), payload(job))).collect()
}

#[test]
#[ignore = "writes the file of the latest version"]
fn write_golden_jobs() {
    let text = serde_json::to_string_pretty(&written()).expect("JSON");
    std::fs::write(golden_file(LATEST), text + "\n").expect("a file");
}

#[test]
fn payloads_are_written_as_the_latest_golden_payloads() {
    let (golden, written) = (golden(LATEST), written());
    assert_eq!(written.len(), examples().len(), "each example has a name of its own");
    assert_eq!(written.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>());
    for (name, payload) in &written {
        assert_eq!(
            payload, &golden[name],
            "{name}: the payload has changed; entries of the released form would no longer run"
        );
    }
}

#[tokio::test]
async fn payloads_of_every_released_version_are_read() {
    for version in 1..=LATEST {
        for (name, payload) in golden(version) {
            let name: JobName = name.parse().expect("a name");
            let due_at = Timestamp::from_seconds(1_800_000_000);
            let entry = OutboxEntry::new(name.clone(), payload.to_string(), due_at, 7);
            let (stored, _) = stored_entry(&entry, |_| ()).await;
            let (_, job) = Job::read(&stored).expect("readable");
            assert_eq!(job.name(), name, "version {version}");
        }
    }
}

#[tokio::test]
async fn an_entry_costs_one_write_unit() {
    for job in examples() {
        let (_, size) = stored(&job, |_| ()).await;
        assert!(size <= 1_024, "{}: {size} bytes", job.name());
    }
}

#[tokio::test]
async fn entries_without_a_payload_are_read() {
    for job in examples() {
        let (stored, _) = stored(&job, |item| {
            item.retain(|name, _| !["schema", "payload"].contains(&name.as_str()));
        })
        .await;
        match &job {
            // Without the data, there is nothing to publish.
            Job::Messaging(_) | Job::Scheduling(_) => {
                assert_eq!(Job::read(&stored), Err(UnreadableEntry::Payload))
            }
            Job::Payments(_) | Job::Receipts(_) => assert_eq!(Job::read(&stored).expect("readable").1, job),
        }
    }
}

#[tokio::test]
async fn unreadable_entries_are_recognized() {
    let (job, other) = (&examples()[0], &examples()[1]);
    for name in ["job", "due_at", "version", "GSI1SK"] {
        // The attribute has a value that no release writes.
        let (stored, _) = stored(job, |item| {
            let value = item["PK"].clone();
            item.insert(name.to_owned(), value);
        })
        .await;
        assert_eq!(Job::read(&stored), Err(UnreadableEntry::Attributes), "{name}");
    }
    let entry = job.entry(Timestamp::from_seconds(1_800_000_000), 7).expect("JSON");
    let payload = |payload: &str| OutboxEntry { payload: payload.to_owned(), ..entry.clone() };
    for (entry, expected) in [
        (OutboxEntry { schema: SCHEMA + 1, ..entry.clone() }, UnreadableEntry::Schema),
        (payload("{"), UnreadableEntry::Payload),
        (payload(r#"{"later":{}}"#), UnreadableEntry::Payload),
        // The payload belongs to another job.
        (payload(&serde_json::to_string(other).expect("JSON")), UnreadableEntry::Payload),
    ] {
        assert_eq!(Job::read(&stored_entry(&entry, |_| ()).await.0), Err(expected), "{entry:?}");
    }
}
