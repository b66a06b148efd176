//! Failures on request, so that tests and developers can see how the product copes.

use serde::{Deserialize, Serialize};

/// The failures that a payment simulator produces. None by default; a restart clears them.
///
/// `GET /_simulator/faults` returns them; `POST /_simulator/faults` changes the members of the JSON object it
/// is sent and returns all of them. Requests for an access token of PayPal never fail, so that the calls that a
/// test wants to fail can be counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every event is delivered twice.
    pub duplicate_deliveries: bool,
    /// Events are delivered this many seconds after they happened.
    pub delay_deliveries_seconds: u32,
    /// Of the deliveries that are due, the newest goes first.
    pub out_of_order: bool,
    /// Events are recorded and never delivered.
    pub drop_webhooks: bool,
    /// The next this many API calls succeed before the failures below begin.
    pub spare_calls: u32,
    /// The next this many API calls with an idempotency key get a 500 and do nothing. As at Stripe, later calls
    /// with the key get the same 500.
    pub fail_for_good: u32,
    /// The next this many API calls get a 429 and do nothing. Nothing is stored for their idempotency keys.
    pub rate_limit: u32,
    /// The next this many API calls get a 500 and do nothing. Nothing is stored for their idempotency keys.
    pub fail_before_acting: u32,
    /// The next this many API calls are executed and get a 500. Repeating one with its idempotency key gets the
    /// same 500 from Stripe, and the result of the call from PayPal.
    pub fail_after_acting: u32,
    /// The next this many API calls are executed, and the connection closes without a response. Repeating one
    /// with its idempotency key gets the response that was lost.
    pub lose_responses: u32,
    /// The next this many API calls wait, before they do anything, until the faults are set again. A second
    /// call with the idempotency key of one that waits gets a 409.
    pub stall_calls: u32,
    /// Setting this forgets all idempotency keys, as the services may do after a while. It resets itself.
    pub clear_idempotency_keys: bool,
    /// New refunds are pending for a while, and then succeed.
    pub pend_refunds: bool,
    /// New refunds fail after a while.
    pub fail_refunds: bool,
}

/// The failure of one API call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    RateLimit,
    FailBefore,
    FailForGood,
    FailAfter,
    LoseResponse,
}

impl Faults {
    /// The failure of the next call, which has an idempotency key or not. Counts it down.
    pub(crate) fn take(&mut self, has_key: bool) -> Option<Fault> {
        if use_up(&mut self.spare_calls) {
            return None;
        }
        if has_key && use_up(&mut self.fail_for_good) {
            return Some(Fault::FailForGood);
        }
        let counters = [
            (&mut self.rate_limit, Fault::RateLimit),
            (&mut self.fail_before_acting, Fault::FailBefore),
            (&mut self.fail_after_acting, Fault::FailAfter),
            (&mut self.lose_responses, Fault::LoseResponse),
        ];
        counters.into_iter().find_map(|(counter, fault)| use_up(counter).then_some(fault))
    }
}

/// Counts one call down; `false` when none is left.
pub(crate) fn use_up(counter: &mut u32) -> bool {
    let rest = counter.checked_sub(1);
    *counter = rest.unwrap_or(0);
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};

    #[test]
    fn each_failure_hits_as_many_calls_as_asked_for() {
        let mut faults =
            Faults { fail_before_acting: 1, lose_responses: 2, rate_limit: 1, ..Faults::default() };
        let taken: Vec<_> = std::iter::repeat_with(|| faults.take(false)).take(5).collect();
        let lost = Some(Fault::LoseResponse);
        assert_eq!(taken, [Some(Fault::RateLimit), Some(Fault::FailBefore), lost, lost, None]);
    }
}
