//! Keys of outbox entries.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | run_jobs | the outbox entry of a job | table | `APT#<id>` or `EXPERT#<expert>` | `OUTBOX#<job>` |
//! | sweep_outbox | the outbox entries that are due | GSI1 | `OUTBOX#<shard>` | `<due_at>#<job>` |

use domain::Timestamp;

use crate::keys::{Key, instant};

/// How many partitions of [`GSI1`](crate::keys::GSI1) share the outbox entries. Each takes about 1,000 writes per second.
pub const OUTBOX_SHARDS: u8 = 8;

/// The outbox entry of a job, in the partition of the appointment or the expert that the job is about.
pub fn outbox_entry(partition: String, job: &str) -> Key {
    Key::new(partition, format!("OUTBOX#{job}"))
}

/// The shard of the jobs of the appointment or the expert with this id.
pub fn outbox_shard(id_bits: u128) -> String {
    // The low bits of an id are random; the high bits may be a time.
    outbox_shard_number(u8::try_from(id_bits % u128::from(OUTBOX_SHARDS)).unwrap_or(0))
}

/// The partition of a shard, which is a number below [`OUTBOX_SHARDS`].
pub fn outbox_shard_number(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// The sort key of an outbox entry in its shard.
pub fn outbox_order(due_at: Timestamp, job: &str) -> String {
    format!("{}#{job}", instant(due_at))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{APPOINTMENT, EXPERT, Example, ZEROS, indexed, row, start};
    use crate::keys::{GSI1, appointment_partition, expert_partition};

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        vec![
            row(outbox_entry(appointment_partition(APPOINTMENT), "payment:apt_1")),
            row(outbox_entry(expert_partition(EXPERT), "payouts:exp_1:stripe")),
            indexed(GSI1, outbox_shard(APPOINTMENT.bits()), outbox_order(start(), "payment:apt_1")),
        ]
    }

    #[test]
    fn key_strings_do_not_change() {
        assert_eq!(outbox_shard(APPOINTMENT.bits()), "OUTBOX#2");
        assert_eq!(
            outbox_entry(appointment_partition(APPOINTMENT), "e").to_string(),
            format!("APT#apt_{ZEROS}a / OUTBOX#e")
        );
        assert_eq!(outbox_order(start(), "e"), "001804237200#e");
    }
}
