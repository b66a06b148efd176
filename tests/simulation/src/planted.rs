//! Mistakes, planted to prove that the simulation finds them.
//!
//! Those of this file are planted at the ports: a table that drops conditions, a gateway that is called without keys. Those of
//! the product's own code are behind the feature `planted-bugs`.

use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{EXPIRES_AT, GSI1};
use store::table::{Action, Expect, Write};

/// A mistake that can be planted.
#[derive(Debug, Clone, Copy)]
pub struct Mistake {
    /// What it is planted by.
    pub name: &'static str,
    /// What goes wrong.
    pub what: &'static str,
    /// Words of the invariants that it breaks. Whoever finds something else wrong has not caught it.
    pub breaks: &'static [&'static str],
    /// The flow in which it shows, when it takes a meeting so rare that hardly any seed has it.
    pub flow: Option<&'static str>,
}

const fn mistake(name: &'static str, what: &'static str, breaks: &'static [&'static str]) -> Mistake {
    Mistake { name, what, breaks, flow: None }
}

impl Mistake {
    const fn in_flow(self, flow: &'static str) -> Self {
        Self { flow: Some(flow), ..self }
    }
}

/// Mistakes at the ports.
pub const AT_THE_PORTS: &[Mistake] = &[
    mistake(
        "drop_day_conditions",
        "the table drops the version conditions on days",
        &["overlap", "does not say what the appointments say"],
    ),
    mistake(
        "drop_checks",
        "the table drops the checks of rows that decided and stay as they are",
        &["daily cap", "weekly cap"],
    ),
    mistake(
        "drop_request_conditions",
        "the table drops the conditions on the records of requests",
        &["one Idempotency-Key made"],
    ),
    mistake(
        "drop_payment_conditions",
        "the table drops the version conditions on payments",
        &["the ledger", "the documents", "the client paid", "was published again"],
    ),
    mistake(
        "drop_appointment_conditions",
        "the table drops the version conditions on appointments",
        &["went from", "was published again", "the row of"],
    ),
    mistake(
        "drop_receipt_conditions",
        "the table drops the condition on the counter of documents",
        &["has number"],
    ),
    mistake(
        "drop_due_conditions",
        "the table drops the conditions on what is owed, so that it is taken for done when it became owed again",
        &[
            "the documents",
            "the ledger lacks",
            "was never published",
            "nobody will ever look",
            "was published again",
        ],
    ),
    mistake(
        "forget_one_of_two_days",
        "of a session that touches two days only one is written",
        &["does not say what the appointments say"],
    ),
    mistake(
        "forget_what_is_owed",
        "a change does not owe the settling of its payment",
        &["nobody will ever look"],
    ),
    mistake("forget_announcements", "a change does not owe its announcement", &["nobody will be told"]),
    mistake(
        "stale_reads",
        "strong reads are made as reads that may lag",
        &["was never published", "the ledger lacks", "one Idempotency-Key made"],
    ),
    mistake(
        "refunds_are_repeated_without_key",
        "a refund is tried again without its idempotency key",
        &["the client paid"],
    )
    .in_flow("its expert gives a part back"),
    mistake(
        "captures_everything",
        "all of what is set aside is taken, whatever was asked for",
        &["the expert has"],
    ),
    mistake(
        "cancel_does_nothing",
        "an order to cancel does nothing",
        &["can still be paid", "never comes to rest"],
    ),
    mistake(
        "processing_counts_as_paid",
        "a debit that is under way counts as paid",
        &["neither paid nor saved a card"],
    ),
    mistake(
        "failed_refunds_unseen",
        "refunds that failed are not read",
        &["the ledger lacks", "the reconciler never comes to rest"],
    ),
    mistake(
        "unnoted_intents_are_lost",
        "an intent that nobody noted is not looked for",
        &["paid twice", "the ledger lacks"],
    )
    .in_flow("a saved card is asked, and half of the session is called off meanwhile"),
    mistake(
        "trust_ttl",
        "what is owed has a TTL, which deletes it before it is done",
        &["nobody will ever look", "was never published"],
    ),
];

/// Mistakes in the product's own code.
pub const IN_THE_PRODUCT: &[Mistake] = &[
    mistake(
        "buffers_end_at_midnight",
        "buffers are written on the days of the session only",
        &["does not say what the appointments say", "overlap"],
    ),
    mistake("ignore_their_buffers", "the buffers of sessions that stand are ignored", &["overlap"]),
    mistake(
        "holds_last_until_swept",
        "a hold whose time is over stands until somebody releases it",
        &["was refused as"],
    ),
    mistake(
        "moving_keeps_the_old_time",
        "a session that is moved keeps its old time too",
        &["does not say what the appointments say"],
    ),
    mistake(
        "group_versions_begin_anew",
        "a group session that begins anew begins at version 1 again",
        &["the seats", "overlap"],
    )
    .in_flow("a group session ends and begins anew while somebody joins it"),
    mistake(
        "days_that_decided_may_move",
        "days that decided, and stay as they are, are not checked",
        &["daily cap", "weekly cap"],
    ),
    mistake(
        "confirm_on_redirect",
        "it is confirmed as soon as the client comes back from the payment page",
        &["neither paid nor saved a card"],
    ),
    mistake(
        "expire_before_cancelling",
        "a hold expires before a look at what was paid",
        &["paid in time and given up"],
    ),
    mistake("late_payments_are_kept", "what is paid after all is over is kept", &["the client paid"]),
    mistake("refund_everything", "a refund gives everything back that is left", &["the client paid"]),
    mistake(
        "experts_are_never_made_whole",
        "what a dispute took from an expert is not given to them again",
        &["the expert has"],
    ),
    mistake(
        "take_before_it_is_decided",
        "money goes back before a contested session is decided",
        &["nobody decided", "never comes to rest"],
    ),
    mistake(
        "refund_before_it_is_decided",
        "a report counts before the other side could contradict it",
        &["is not decided yet"],
    ),
    mistake("old_news_are_news", "what is in the ledger is written down again", &["says twice"]),
    mistake(
        "the_last_tier_counts",
        "the last tier that holds decides what comes back",
        &["is called off, and its client pays"],
    ),
    mistake("no_grace", "there is no grace after booking", &["is called off, and its client pays"]),
    mistake(
        "late_reads_count",
        "a read from before what was owed counts",
        &["the documents", "the client paid", "stays"],
    )
    .in_flow("the table is slow, and a part is given back before the receipt is issued"),
    mistake(
        "torn_reads_count",
        "a read that saw a part of a transaction counts",
        &["says twice", "the client paid", "went from"],
    ),
    mistake(
        "every_order_has_the_same_key",
        "all orders of a kind have the same key",
        &["the client paid", "never comes to rest"],
    ),
    mistake(
        "delete_first",
        "what is owed is deleted before it is done",
        &["nobody will ever look", "was never published"],
    ),
    mistake(
        "failures_are_given_up",
        "what failed is not tried again",
        &["nobody will ever look", "was never published"],
    ),
    mistake(
        "sweep_forgets_a_shard",
        "the sweep leaves one shard out",
        &["is still owed", "never comes to rest"],
    ),
    mistake("repeats_book_again", "a request that comes again books again", &["one Idempotency-Key made"]),
    mistake("take_over_without_expiring", "a hold that is taken over is not expired", &["overlap"]),
    mistake(
        "take_over_ends_the_timer",
        "who takes a hold over ends its timer, so that nobody cancels its payment",
        &["can still be paid"],
    ),
    mistake(
        "call_off_keeps_the_time",
        "a session that is called off keeps its time",
        &["does not say what the appointments say"],
    ),
    mistake("promises_are_forgotten", "what was decided before is forgotten", &["client pays"]),
    mistake("nobody_owes_the_refund", "a cancellation does not owe the refund", &["the client paid"]),
    mistake(
        "silence_counts_as_done",
        "silence of the table counts as done",
        &["was never published", "the ledger lacks"],
    ),
    mistake(
        "seats_are_never_fewer",
        "a group session keeps selling seats that its expert has taken off the offer",
        &["seats taken of", "terms that nobody offered"],
    )
    .in_flow("an expert takes seats off the offer"),
    mistake(
        "expired_holds_are_paid",
        "what is paid for a hold that expired is kept",
        &["expired, and its client pays"],
    ),
    mistake(
        "accounts_are_only_told_of",
        "an expert's account is looked at only when a message tells of it",
        &["can be paid"],
    ),
    mistake("buffers_are_not_agreed", "an appointment forgets its buffer", &["terms that nobody offered"]),
    mistake(
        "nobody_can_object",
        "a report counts at once, and nobody can contradict it",
        &["can be contradicted only until"],
    ),
    mistake("notice_is_ignored", "sessions can be booked at any notice", &["terms that nobody offered"]),
    mistake(
        "keys_are_not_compared",
        "a key that comes with another request is answered with what came of the first",
        &["and was answered of"],
    ),
    mistake(
        "books_are_not_compared",
        "whatever differs between the ledger and the books is passed over",
        &["it is not so that the books show"],
    )
    .in_flow("the books are compared, and show what no message told of"),
    mistake("moves_do_not_count", "how often a session was moved is not counted", &["was moved"]),
    mistake(
        "documents_show_the_price",
        "every document shows the price and not what moved",
        &["has the documents"],
    ),
    mistake("fees_are_taken_twice", "the platform keeps twice its fee", &["the expert has"]),
    mistake(
        "half_a_converted_price",
        "half of a price is charged in another currency",
        &["terms that nobody offered"],
    ),
    mistake(
        "refunds_keep_the_version",
        "a refund writes the payment over its own version, so that it is refused always",
        &["it ends as"],
    )
    .in_flow("its expert gives a part back"),
    mistake("seats_cost_nothing", "all seats cost what one costs", &["terms that nobody offered"]),
    mistake(
        "nobody_tells_the_client",
        "a client whose card failed is not told that they must act",
        &["nobody will be told of payment"],
    ),
    mistake(
        "nobody_asks_the_card",
        "what a saved card owes is given up without asking it",
        &["given up, and nobody refused"],
    )
    .in_flow("a saved card is asked for half of a session that is called off"),
    mistake(
        "work_without_lease",
        "what somebody is at work on is done by others at the same time",
        &["was published again"],
    ),
];

/// Every mistake that can be planted in this build.
pub fn all() -> impl Iterator<Item = &'static Mistake> {
    let product = if cfg!(feature = "planted-bugs") { IN_THE_PRODUCT } else { &[] };
    AT_THE_PORTS.iter().chain(product)
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
    fn is_day(write: &Write) -> bool {
        write.key.pk.starts_with("CAL#") && write.key.sk.starts_with("D#")
    }
    // A row that is only checked is then not in the transaction at all, as long as anything is.
    let without_conditions = |writes: &mut Vec<Write>, of: fn(&Write) -> bool| {
        let checks = |write: &Write| write.action == Action::Check && of(write);
        if !writes.iter().all(checks) {
            writes.retain(|write| !checks(write));
        }
        let others = writes.iter_mut().filter(|write| write.action != Action::Check && of(write));
        others.for_each(|write| write.expect = Expect::Anything);
    };
    match planted {
        "drop_day_conditions" => without_conditions(&mut writes, is_day),
        "drop_checks" if writes.iter().any(|write| write.action != Action::Check) => {
            writes.retain(|write| write.action != Action::Check);
        }
        "drop_request_conditions" => {
            without_conditions(&mut writes, |write| write.key.pk.starts_with("IDEM#"));
        }
        "drop_payment_conditions" => without_conditions(&mut writes, |write| write.key.sk == "PAY"),
        "drop_appointment_conditions" => without_conditions(&mut writes, |write| write.key.sk == "A"),
        "drop_receipt_conditions" => {
            without_conditions(&mut writes, |write| write.key.sk.starts_with("RECEIPTS#"));
        }
        "drop_due_conditions" => without_conditions(&mut writes, |write| write.key.sk.starts_with("DUE#")),
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
        "trust_ttl" => {
            for write in writes.iter_mut().filter(|write| write.key.sk.starts_with("DUE#")) {
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
