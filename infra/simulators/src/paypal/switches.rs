//! Misbehaviour on request.

use serde::{Deserialize, Serialize};

use crate::faults::{Fault, use_up};

/// What goes wrong on purpose. Nothing does by default. A restart forgets it.
///
/// `GET /_simulator/switches` shows it; `POST /_simulator/switches` changes the members of the JSON object it
/// is sent and answers the whole. Asking for an access token never fails by a switch, so that the calls that
/// a test wants to fail can be counted.
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
    /// The next this many API calls go well, before the failures below begin.
    pub spare_calls: u32,
    /// The next this many API calls are answered 429 and do nothing.
    pub limit_rate: u32,
    /// The next this many API calls are answered 500 and do nothing.
    pub fail_before_acting: u32,
    /// The next this many API calls do what they were asked to and are answered 500. Repeating them with the
    /// same `PayPal-Request-Id` finds what they did.
    pub fail_after_acting: u32,
    /// The next this many API calls do what they were asked to, and the connection closes without an answer.
    pub lose_answers: u32,
    /// The next this many API calls wait, before they do anything, until the switches are set again. A second
    /// call with the `PayPal-Request-Id` of one that waits is answered 409.
    pub stall_calls: u32,
    /// Refunds are pending until the seller's eCheck clears.
    pub pend_refunds: bool,
    /// Refunds are pending until the seller's eCheck bounces.
    pub fail_refunds: bool,
}

impl Switches {
    /// Uses up one call's worth of failure.
    pub(super) fn take_fault(&mut self) -> Option<Fault> {
        if use_up(&mut self.spare_calls) {
            return None;
        }
        Fault::take([
            (&mut self.limit_rate, Fault::RateLimit),
            (&mut self.fail_before_acting, Fault::FailBefore),
            (&mut self.fail_after_acting, Fault::FailAfter),
            (&mut self.lose_answers, Fault::LoseAnswer),
        ])
    }
}
