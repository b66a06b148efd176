//! Keys of outbox entries.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | run_payment_jobs, run_general_jobs, retry_job | the outbox entry of a job | table | `APT#<id>` or `EXPERT#<expert>` | `OUTBOX#<job>` |
//! | sweep_outbox | the outbox entries of a failure domain that are due | GSI1 | `OUTBOX#<domain>#<shard>` | `<due_at>#<job>` |
//! | sweep_outbox | the same, written by a release without failure domains | GSI1 | `OUTBOX#<shard>` | `<due_at>#<job>` |
//! | list_failing_jobs | the entries whose job fails or that cannot be read | GSI2 | `FAILING_JOBS` | `<since>#<partition>#<job>` |

use domain::Timestamp;

use super::outbox::{FailureDomain, Subject};
use crate::keys::{Key, appointment_partition, expert_partition, instant};

/// How many partitions of [`GSI1`](crate::keys::GSI1) share the outbox entries of a failure domain. Each takes about 1,000
/// writes per second.
pub const OUTBOX_SHARDS: u8 = 8;
/// The partition of [`GSI2`](crate::keys::GSI2) that lists failing jobs and unreadable entries.
pub const FAILING_JOBS: &str = "FAILING_JOBS";
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

/// The shard of a failure domain in which the jobs of the appointment or the expert with this id are.
pub fn outbox_shard(domain: FailureDomain, id_bits: u128) -> String {
    // The low bits of an id are random; the high bits may be a time.
    outbox_shard_number(domain, u8::try_from(id_bits % u128::from(OUTBOX_SHARDS)).unwrap_or(0))
}

/// The partition of a shard, which is a number below [`OUTBOX_SHARDS`].
pub fn outbox_shard_number(domain: FailureDomain, shard: u8) -> String {
    format!("OUTBOX#{domain}#{shard}")
}

/// The partition of a shard of a release without failure domains.
fn outbox_shard_without_domain(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// The partitions of all shards.
pub fn outbox_shards() -> Vec<String> {
    let of = |domain| (0..OUTBOX_SHARDS).map(move |shard| outbox_shard_number(domain, shard));
    let with_domain = FailureDomain::ALL.into_iter().flat_map(of);
    with_domain.chain((0..OUTBOX_SHARDS).map(outbox_shard_without_domain)).collect()
}

/// The sort key of an outbox entry in its shard.
pub fn outbox_order(due_at: Timestamp, job: &str) -> String {
    format!("{}#{job}", instant(due_at))
}

/// The sort key of an outbox entry in [`FAILING_JOBS`]. `since` is when the job began to fail, or when the entry was set aside.
pub fn failing_order(since: Timestamp, entry: &Key) -> String {
    let job = entry.sk.strip_prefix(ENTRY).unwrap_or(&entry.sk);
    let mut order = format!("{}#{}#{job}", instant(since), entry.pk);
    // The keys of an unreadable entry can be any text.
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
            indexed(GSI1, outbox_shard(FailureDomain::Payments, APPOINTMENT.bits()), order.clone()),
            indexed(GSI1, outbox_shard_without_domain(7), order),
            indexed(GSI2, FAILING_JOBS, failing_order(start(), &entry)),
            row(entry),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(outbox_shard(FailureDomain::General, APPOINTMENT.bits()), "OUTBOX#general#2");
        let entry = outbox_entry(subject_partition(Subject::Appointment(APPOINTMENT)), "e");
        assert_eq!(entry.to_string(), format!("APT#apt_{ZEROS}a / OUTBOX#e"));
        assert_eq!(outbox_order(start(), "e"), "001804237200#e");
        assert_eq!(failing_order(start(), &entry), format!("001804237200#APT#apt_{ZEROS}a#e"));
    }

    #[test]
    fn every_shard_is_swept() {
        let shards = outbox_shards();
        assert_eq!(shards.len(), 8 * (FailureDomain::ALL.len() + 1));
        for domain in FailureDomain::ALL {
            for bits in 0..20 {
                assert!(shards.contains(&outbox_shard(domain, bits)));
            }
        }
        assert!(shards.contains(&"OUTBOX#0".to_owned()));
    }

    #[test]
    fn long_keys_of_unreadable_entries_are_cut() {
        let order = failing_order(start(), &Key::new("p", "ä".repeat(1_000)));
        assert!((MAX_SORT_KEY - 1..=MAX_SORT_KEY).contains(&order.len()));
    }
}
