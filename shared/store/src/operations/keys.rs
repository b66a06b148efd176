//! Keys of outbox entries.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | run_payment_jobs, run_general_jobs, retry_job | the outbox entry of a job | table | `APT#<id>` or `EXPERT#<expert>` | `OUTBOX#<job>` |
//! | sweep_outbox | the outbox entries that are due | GSI1 | `OUTBOX#<shard>` | `<due_at>#<job>` |
//! | list_failing_jobs | the entries whose job fails or that cannot be read | GSI2 | `FAILING_JOBS` | `<since>#<partition>#<job>` |

use domain::Timestamp;

use super::outbox::Subject;
use crate::keys::{Key, appointment_partition, expert_partition, instant};

/// How many partitions of [`GSI1`](crate::keys::GSI1) share the outbox entries. Each takes about 1,000 writes per second. Every
/// release has the same partitions, with the jobs of all failure domains: a sweep must overlook no entry of another release.
const OUTBOX_SHARDS: u128 = 8;
/// The partition of [`GSI2`](crate::keys::GSI2) that lists failing jobs and unreadable entries.
pub const FAILING_JOBS: &str = "FAILING_JOBS";
/// The ranges of sort keys in a shard that are before and after all times until the year 2286.
pub(super) const NO_TIMES: [(&str, &str); 2] = [("\u{1}", "/\u{10FFFF}"), ("00:", "\u{10FFFF}")];
/// The prefix of the sort key of an outbox entry.
pub(super) const ENTRY: &str = "OUTBOX#";
/// DynamoDB allows 1,024 bytes in a sort key.
const MAX_SORT_KEY: usize = 1_000;

/// The partition of the appointment or the expert that a job is about.
pub fn subject_partition(subject: Subject) -> String {
    match subject {
        Subject::Appointment(id) => appointment_partition(id),
        Subject::Expert(id) => expert_partition(id),
    }
}

/// The outbox entry of a job, in the partition of the appointment or the expert that the job is about.
pub fn outbox_entry(partition: String, job: &str) -> Key {
    Key::new(partition, format!("{ENTRY}{job}"))
}

/// The shard in which the jobs of the appointment or the expert with this id are.
pub fn outbox_shard(id_bits: u128) -> String {
    // The low bits of an id are random; the high bits may be a time.
    format!("OUTBOX#{}", id_bits % OUTBOX_SHARDS)
}

/// The partitions of all shards.
pub fn outbox_shards() -> Vec<String> {
    (0..OUTBOX_SHARDS).map(outbox_shard).collect()
}

/// The sort key of an outbox entry in its shard.
pub fn outbox_order(due_at: Timestamp, job: &str) -> String {
    cut(format!("{}#{job}", instant(due_at)))
}

/// The sort key of an outbox entry in [`FAILING_JOBS`]. `since` is when the job began to fail, or when the entry was set aside.
pub fn failing_order(since: Timestamp, entry: &Key) -> String {
    let job = entry.sk.strip_prefix(ENTRY).unwrap_or(&entry.sk);
    cut(format!("{}#{}#{job}", instant(since), entry.pk))
}

/// A sort key that is not too long. The keys of an unreadable entry can be any text.
fn cut(mut order: String) -> String {
    order.truncate(order.floor_char_boundary(MAX_SORT_KEY));
    order
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{APPOINTMENT, EXPERT, Example, ZEROS, indexed, row, start};
    use crate::keys::{GSI1, GSI2};

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        let entry = outbox_entry(subject_partition(Subject::Appointment(APPOINTMENT)), "payment:apt_1");
        let order = outbox_order(start(), "payment:apt_1");
        vec![
            row(outbox_entry(subject_partition(Subject::Expert(EXPERT)), "payouts:exp_1:stripe")),
            indexed(GSI1, outbox_shard(APPOINTMENT.bits()), order),
            indexed(GSI2, FAILING_JOBS, failing_order(start(), &entry)),
            row(entry),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(outbox_shard(APPOINTMENT.bits()), "OUTBOX#2");
        let entry = outbox_entry(subject_partition(Subject::Appointment(APPOINTMENT)), "e");
        assert_eq!(entry.to_string(), format!("APT#apt_{ZEROS}a / OUTBOX#e"));
        assert_eq!(outbox_order(start(), "e"), "001804237200#e");
        assert_eq!(failing_order(start(), &entry), format!("001804237200#APT#apt_{ZEROS}a#e"));
    }

    #[test]
    fn every_shard_is_swept() {
        let shards = outbox_shards();
        assert_eq!(shards.len(), 8);
        assert!((0..20).all(|bits| shards.contains(&outbox_shard(bits))));
    }

    #[test]
    fn keys_that_are_no_times_are_found() {
        let found = |key: &str| NO_TIMES.iter().any(|(from, to)| (*from..=*to).contains(&key));
        for key in
            ["soon#x", "2027-01-05T10:00:00Z#x", "-1#x", "1804237200#x", "00:x", " ", "#", "~", "\u{1F600}"]
        {
            assert!(found(key), "{key}");
        }
        for at in [Timestamp::from_seconds(0), start(), Timestamp::from_seconds(9_999_999_999)] {
            assert!(!found(&outbox_order(at, "payment:apt_1")), "{at}");
        }
    }

    #[test]
    fn long_keys_of_unreadable_entries_are_cut() {
        let long = "ä".repeat(1_000);
        for order in [outbox_order(start(), &long), failing_order(start(), &Key::new("p", long.clone()))] {
            assert!((MAX_SORT_KEY - 1..=MAX_SORT_KEY).contains(&order.len()));
        }
    }
}
