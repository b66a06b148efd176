//! Misbehaviour on request.

use serde::{Deserialize, Serialize};

use crate::faults::{Fault, use_up};

/// What goes wrong on purpose. Nothing does by default. A restart forgets it.
///
/// `GET /_simulator/switches` shows it; `POST /_simulator/switches` changes the members of the JSON object it
/// is sent and answers the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Every event is delivered twice.
    pub duplicate_deliveries: bool,
    /// Events become due this many seconds after they happened.
    pub delay_deliveries_seconds: u32,
    /// Of the deliveries that are due, the newest goes first.
    pub out_of_order: bool,
    /// Events are recorded and never delivered.
    pub drop_webhooks: bool,
    /// The next this many API calls are answered 500 and do nothing. Nothing is stored for their idempotency
    /// keys.
    pub fail_before_acting: u32,
    /// The next this many API calls with an idempotency key are answered 500 and do nothing. As at Stripe, the 500 is what the key
    /// replays from then on.
    pub fail_for_good: u32,
    /// The next this many API calls do what they were asked to and are answered 500. As at Stripe, the 500 is
    /// what their idempotency keys replay from then on.
    pub fail_after_acting: u32,
    /// The next this many API calls do what they were asked to, and the connection closes without an answer.
    /// Their idempotency keys replay the answer that was lost.
    pub lose_answers: u32,
    /// The next this many API calls wait, before they do anything, until the switches are set again. A second
    /// call with the idempotency key of one that waits is answered 409.
    pub stall_calls: u32,
    /// The next this many API calls are answered 429 and do nothing. Nothing is stored for their idempotency
    /// keys.
    pub rate_limit: u32,
    /// Setting it forgets all idempotency keys, as Stripe may do after a day. It is off again at once.
    pub prune_keys: bool,
}

impl Switches {
    /// Uses up one call's worth of failure, of a call with an idempotency key or without.
    pub(super) fn take_fault(&mut self, keyed: bool) -> Option<Fault> {
        if keyed && use_up(&mut self.fail_for_good) {
            return Some(Fault::FailForGood);
        }
        Fault::take([
            (&mut self.rate_limit, Fault::RateLimit),
            (&mut self.fail_before_acting, Fault::FailBefore),
            (&mut self.fail_after_acting, Fault::FailAfter),
            (&mut self.lose_answers, Fault::LoseAnswer),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Switches};

    #[test]
    fn each_failure_hits_as_many_calls_as_asked_for() {
        let mut switches =
            Switches { fail_before_acting: 1, lose_answers: 2, rate_limit: 1, ..Switches::default() };
        let faults: Vec<_> = std::iter::repeat_with(|| switches.take_fault(false)).take(5).collect();
        let lost = Some(Fault::LoseAnswer);
        assert_eq!(faults, [Some(Fault::RateLimit), Some(Fault::FailBefore), lost, lost, None]);
    }
}
