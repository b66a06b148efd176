//! What goes wrong, and how often. Each seed draws its own mix, because a uniform load misses rare meetings.

use crate::chance::Chance;

/// How often things go wrong, in ten thousand, and how long they take.
#[derive(Debug, Clone)]
pub struct Weather {
    /// The table is busy.
    pub busy: u32,
    /// A request never arrives, and its sender learns that nothing came back.
    pub lost_request: u32,
    /// It is done, and the answer never arrives.
    pub lost_answer: u32,
    /// Its sender gave up on it, and it is done later all the same.
    pub zombie: u32,
    /// The client library heard nothing and sends the same again.
    pub repeated: u32,
    /// The function ends before, or right after, what it asked for is done.
    pub crash: u32,
    /// The function sleeps and wakes late.
    pub freeze: u32,
    /// The gateway fails inside, before or after it acted, and says the same to whoever repeats the order within a day.
    pub stored_failure: u32,
    /// Longest way of a request or an answer, in milliseconds.
    pub slow: i64,
    /// Longest time by which an index lags behind, in milliseconds.
    pub index_lag: i64,
    /// By so much clocks differ at most, in milliseconds.
    pub skew: i64,
    /// A message of the gateway is never sent.
    pub webhook_lost: u32,
    /// A message is delivered twice.
    pub duplicate: u32,
    /// Longest delay of a message, in milliseconds.
    pub message_delay: i64,
    /// The person who asked never hears the answer.
    pub answer_unheard: u32,
    /// A bank says no.
    pub decline: u32,
    /// A refund fails, days later.
    pub refund_fails: u32,
    /// The gateway refuses an order for good, for reasons of its own.
    pub refuses: u32,
}

impl Weather {
    /// Nothing goes wrong and everything takes one millisecond.
    pub fn calm() -> Self {
        Self {
            busy: 0,
            lost_request: 0,
            lost_answer: 0,
            zombie: 0,
            repeated: 0,
            crash: 0,
            freeze: 0,
            stored_failure: 0,
            slow: 1,
            index_lag: 1,
            skew: 0,
            webhook_lost: 0,
            duplicate: 0,
            message_delay: 1,
            answer_unheard: 0,
            decline: 0,
            refund_fails: 0,
            refuses: 0,
        }
    }

    /// A seed's own mix: some things never happen, some often.
    pub fn draw(chance: &mut Chance) -> Self {
        let often = |chance: &mut Chance, most: i64| {
            let most = match chance.below(4) {
                0 => 0,
                1 => most / 20,
                2 => most / 4,
                _ => most,
            };
            u32::try_from(chance.between(0, most)).unwrap_or(0)
        };
        Self {
            busy: often(chance, 600),
            lost_request: often(chance, 300),
            lost_answer: often(chance, 400),
            zombie: often(chance, 300),
            repeated: often(chance, 400),
            crash: often(chance, 200),
            freeze: often(chance, 200),
            stored_failure: often(chance, 200),
            slow: *chance.pick(&[2, 20, 200, 2_000]),
            index_lag: *chance.pick(&[1, 50, 1_000, 10_000]),
            skew: *chance.pick(&[0, 0, 500, 1_000]),
            webhook_lost: often(chance, 5_000),
            duplicate: often(chance, 3_000),
            message_delay: *chance.pick(&[1, 100, 10_000, 400_000]),
            answer_unheard: often(chance, 1_500),
            decline: often(chance, 4_000),
            refund_fails: often(chance, 3_000),
            refuses: often(chance, 1_000),
        }
    }
}
