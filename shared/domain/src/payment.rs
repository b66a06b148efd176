//! What is owed for an appointment, and which step brings the payment and the appointment together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::appointment::{Appointment, Status};
use crate::{AppointmentId, Money, Timestamp};

/// The payment of one appointment. The fee and the receiver are fixed when it is booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What it pays for.
    pub appointment: AppointmentId,
    /// Grows by one with each change.
    pub version: u64,
    /// What the client pays.
    pub amount: Money,
    /// What the platform keeps of it.
    pub fee: Money,
    /// The expert's account at Stripe, which gets the rest.
    pub destination: String,
    /// The intent at Stripe; none until it is known to exist.
    pub intent: Option<String>,
    /// How far it is.
    pub state: PaymentState,
}

/// How far a payment is, as we last saw it at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PaymentState {
    /// The client has yet to pay.
    Open,
    /// Stripe has the money.
    Paid {
        /// When we saw it.
        paid_at: Timestamp,
    },
    /// Nothing was paid, and nothing can be any more.
    Cancelled,
    /// All of it went back to the client.
    Refunded {
        /// The refund at Stripe.
        refund: String,
        /// When Stripe took the order.
        refunded_at: Timestamp,
    },
}

/// What Stripe says of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// The client can still pay, or a payment is under way.
    Open,
    /// A payment is under way and can no longer be stopped, as with bank debits.
    Processing,
    /// Paid.
    Succeeded,
    /// Cancelled: it can never be paid.
    Cancelled,
}

/// The next step that makes the payment and the appointment agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// They agree for good.
    Settled,
    /// They agree until then.
    WaitUntil(Timestamp),
    /// The client paid: confirm the appointment.
    Confirm,
    /// The hold's time is over: make payment impossible. What Stripe then says decides the next step.
    CancelIntent,
    /// The hold's time is over, and nothing can be paid any more or it was paid too late: give the slot back.
    Expire,
    /// The client paid for what does not take place: give all of it back.
    Refund,
}

/// How long to wait before asking again about a payment that is under way, in seconds.
const PROCESSING_PAUSE: i64 = 15 * 60;

/// The next step, given the appointment and what Stripe says now; `None` when there is no intent.
///
/// It is asked again after each step until it answers [`Settlement::Settled`] or to wait, so that it does not matter
/// which event set it off, how often, or in which order.
pub fn settle(
    appointment: &Appointment,
    payment: &PaymentState,
    intent: Option<IntentStatus>,
    now: Timestamp,
) -> Settlement {
    use IntentStatus::{Cancelled, Open, Processing, Succeeded};
    if let PaymentState::Refunded { .. } = payment {
        return Settlement::Settled;
    }
    match (&appointment.status, intent) {
        (Status::Pending { .. }, Some(Succeeded)) if now < appointment.end => Settlement::Confirm,
        (Status::Pending { hold_expires_at }, _) if *hold_expires_at > now => {
            Settlement::WaitUntil(*hold_expires_at)
        }
        // A bank debit may take days. Nobody held the session for whom it comes too late.
        (Status::Pending { .. }, Some(Succeeded)) => Settlement::Expire,
        (Status::Pending { .. }, Some(Open)) => Settlement::CancelIntent,
        (Status::Pending { .. }, Some(Processing)) => Settlement::WaitUntil(now.plus(PROCESSING_PAUSE)),
        (Status::Pending { .. }, Some(Cancelled) | None) => Settlement::Expire,
        (Status::Confirmed | Status::Completed | Status::NoShow, _) => Settlement::Settled,
        (Status::Cancelled { .. } | Status::Expired, Some(Succeeded)) => Settlement::Refund,
        (Status::Cancelled { .. } | Status::Expired, Some(Open)) => Settlement::CancelIntent,
        (Status::Cancelled { .. } | Status::Expired, Some(Processing)) => {
            Settlement::WaitUntil(now.plus(PROCESSING_PAUSE))
        }
        (Status::Cancelled { .. } | Status::Expired, Some(Cancelled) | None) => Settlement::Settled,
    }
}

#[cfg(test)]
mod tests;
