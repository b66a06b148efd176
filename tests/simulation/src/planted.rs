//! Mistakes, planted to prove that the simulation finds them.
//!
//! Those of this file are planted at the ports: a table that drops conditions, a gateway that is called without keys. Those of
//! the product's own code are behind the feature `planted-bugs`.

use store::table::{Action, Expect, Write};

/// Mistakes at the ports.
pub const AT_THE_PORTS: &[&str] = &[
    "drop_day_conditions",
    "drop_checks",
    "drop_request_conditions",
    "drop_payment_conditions",
    "drop_appointment_conditions",
    "drop_receipt_conditions",
    "drop_due_conditions",
    "forget_one_of_two_days",
    "forget_what_is_owed",
    "forget_announcements",
    "stale_reads",
    "refunds_are_repeated_without_key",
    "captures_everything",
    "cancel_does_nothing",
    "processing_counts_as_paid",
    "failed_refunds_unseen",
    "unnoted_intents_are_lost",
];

/// Mistakes in the product's own code.
pub const IN_THE_PRODUCT: &[&str] = &[
    "buffers_end_at_midnight",
    "ignore_their_buffers",
    "holds_last_until_swept",
    "moving_keeps_the_old_time",
    "group_versions_begin_anew",
    "days_that_decided_may_move",
    "confirm_on_redirect",
    "expire_before_cancelling",
    "late_payments_are_kept",
    "refund_everything",
    "experts_are_never_made_whole",
    "take_before_it_is_decided",
    "refund_before_it_is_decided",
    "old_news_are_news",
    "the_last_tier_counts",
    "no_grace",
    "torn_reads_count",
    "order_without_checking",
    "every_order_has_the_same_key",
    "delete_first",
    "failures_are_given_up",
    "sweep_forgets_a_shard",
    "repeats_book_again",
    "take_over_without_expiring",
    "take_over_without_cancelling",
    "call_off_keeps_the_time",
    "promises_are_forgotten",
    "nobody_owes_the_refund",
    "silence_counts_as_done",
    "note_messages_before_owing",
];

/// Every mistake that can be planted in this build.
pub fn all() -> Vec<&'static str> {
    let product = if cfg!(feature = "planted-bugs") { IN_THE_PRODUCT } else { &[] };
    AT_THE_PORTS.iter().chain(product).copied().collect()
}

/// Plants a mistake in the product's code as this thread runs it; none by an empty name.
pub fn plant(name: &'static str) {
    #[cfg(feature = "planted-bugs")]
    domain::planted::plant(name);
    #[cfg(not(feature = "planted-bugs"))]
    let _ = name;
}

/// What a mistaken table adapter makes of a transaction.
pub fn at_the_table(planted: &str, mut writes: Vec<Write>) -> Vec<Write> {
    let is_day = |write: &Write| write.key.pk.starts_with("CAL#") && write.key.sk.starts_with("D#");
    match planted {
        "drop_day_conditions" => {
            writes.iter_mut().filter(|write| is_day(write)).for_each(|write| write.expect = Expect::Anything);
        }
        "drop_checks" => writes.retain(|write| write.action != Action::Check),
        "drop_request_conditions" => {
            let requests = writes.iter_mut().filter(|write| write.key.pk.starts_with("IDEM#"));
            requests.for_each(|write| write.expect = Expect::Anything);
        }
        "drop_payment_conditions" => {
            writes
                .iter_mut()
                .filter(|write| write.key.sk == "PAY")
                .for_each(|write| write.expect = Expect::Anything);
        }
        "drop_appointment_conditions" => {
            writes
                .iter_mut()
                .filter(|write| write.key.sk == "A")
                .for_each(|write| write.expect = Expect::Anything);
        }
        "drop_receipt_conditions" => {
            let counters = writes.iter_mut().filter(|write| write.key.sk.starts_with("RECEIPTS#"));
            counters.for_each(|write| write.expect = Expect::Anything);
        }
        "drop_due_conditions" => {
            let due = writes.iter_mut().filter(|write| write.key.sk.starts_with("DUE#"));
            due.for_each(|write| write.expect = Expect::Anything);
        }
        "forget_one_of_two_days" if writes.iter().filter(|write| is_day(write)).count() > 1 => {
            let last = writes.iter().rposition(is_day);
            last.map(|place| writes.remove(place));
        }
        "forget_what_is_owed" if writes.len() > 1 => {
            let due =
                |write: &Write| write.key.sk.starts_with("DUE#payment") && write.expect == Expect::Anything;
            writes.retain(|write| !due(write));
        }
        "forget_announcements" if writes.iter().any(|write| write.key.sk == "A") => {
            writes.retain(|write| !write.key.sk.starts_with("DUE#announcement"));
        }
        _ => {}
    }
    writes
}
