//! What is owed for an appointment, how far its payment is, and which step brings the two together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experts::session_type::Collection;
use crate::kernel::time::{DAY, HOUR};
use crate::payments::gateway::{Capabilities, GatewayKind};
use crate::payments::ledger::{Movement, MovementKind, Totals};
use crate::scheduling::appointment::{Appointment, Status};
use crate::{AppointmentId, Money, Rate, Timestamp};

mod next_action;

pub use next_action::{Order, PaymentAction, Transition, Wait, action_deadline, next_action};

/// How the money of an appointment is come by; decided when it is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Taken when it is booked.
    Charge,
    /// Set aside when it is booked, taken once the session took place.
    Authorise,
    /// The card is saved when it is booked, the money set aside near the time and taken once the session took place.
    SaveCard,
}

/// Of an authorisation's time, what is left for taking it, in seconds.
const CAPTURE_MARGIN: i64 = 12 * HOUR;
/// So long a client has to pay anew when their card fails, in seconds, but never into the session.
const ACTION_TIME: i64 = DAY;
/// So long before a session ends its saved card is asked, beyond the time that the authorisation must last, in seconds: time
/// for a client to act when the card fails.
const EARLY: i64 = 6 * HOUR;

impl Plan {
    /// How to collect for a session that ends at `end`.
    ///
    /// What no authorisation of this gateway can span, and no saved card either, is charged at once: the policy then gives it
    /// back.
    pub fn choose(
        collection: Collection,
        capabilities: Capabilities,
        end: Timestamp,
        now: Timestamp,
    ) -> Self {
        match collection {
            Collection::ChargeAtBooking => Self::Charge,
            Collection::AuthoriseThenCapture
                if end.plus(CAPTURE_MARGIN) <= now.plus(capabilities.authorisation_holds) =>
            {
                Self::Authorise
            }
            Collection::AuthoriseThenCapture if capabilities.later_authorisation_holds.is_some() => {
                Self::SaveCard
            }
            Collection::AuthoriseThenCapture => Self::Charge,
        }
    }
}

/// What a payment is called at its gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// The intent (Stripe) or order (PayPal) by which money is taken or set aside; none until it is known to exist.
    pub intent: Option<String>,
    /// The intent by which a card is saved.
    pub setup: Option<String>,
    /// For whom it is saved.
    pub customer: Option<String>,
}

/// The payment of one appointment. Fee and receiver are fixed when it is booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What it pays for.
    pub appointment: AppointmentId,
    /// Grows by one with each change.
    pub version: u64,
    /// Who moves the money.
    pub gateway: GatewayKind,
    /// What the client agreed to pay.
    pub amount: Money,
    /// What the platform keeps of whatever is paid.
    pub fee_rate: Rate,
    /// The expert's account at the gateway, which gets the rest.
    pub destination: String,
    /// How the money is come by.
    pub plan: Plan,
    /// What it is called at the gateway.
    pub references: References,
    /// How many intents were asked for; a part of their idempotency keys.
    pub intents: u16,
    /// What the client pays in the end, once that is decided to be other than everything.
    pub final_charge: Option<Money>,
    /// Until when the client must act, since their card failed.
    pub action_deadline: Option<Timestamp>,
    /// How many refunds may fail before a person must look.
    pub refund_tries: u16,
    /// What the gateway refused for good, and its code for that. It is asked again when something moved since, or a person says
    /// so.
    #[serde(default)]
    pub refused: BTreeMap<OrderKind, String>,
    /// How often the gateway said no to an order; a part of the idempotency keys, because it gives the same answer to the same key.
    #[serde(default)]
    pub refusals: u16,
    /// Since when the gateway fails at what it is asked for; none when it does not.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// Whether what the expert has was settled with them outside the gateway, so that nothing more is asked for there.
    #[serde(default)]
    pub resolved_with_expert: bool,
    /// What a person must decide before it goes on.
    #[serde(default)]
    pub escalation: Option<Escalation>,
    /// Whether the client's bank has yet to decide a dispute.
    pub open_dispute: bool,
    /// Whether the client's bank decided a dispute for the client.
    #[serde(default)]
    pub lost_dispute: bool,
    /// How many ledger entries it has.
    pub entries: u32,
    /// Why the client's bank last refused.
    pub decline: Option<Decline>,
    /// How far it is.
    pub state: PaymentState,
}

/// How far a payment is, as we last saw it at the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PaymentState {
    /// The client has yet to pay.
    Open,
    /// A payment is under way that may take days.
    Processing,
    /// A card is saved, and nothing set aside or taken.
    CardSaved,
    /// Set aside.
    Authorised {
        /// Until then it can be taken.
        capture_before: Timestamp,
    },
    /// The card failed: the client must pay anew, or the appointment is called off.
    ActionRequired {
        /// By then.
        deadline: Timestamp,
    },
    /// The client paid.
    Paid {
        /// When.
        paid_at: Timestamp,
    },
    /// A part went back to the client.
    PartlyRefunded {
        /// When it last did.
        refunded_at: Timestamp,
    },
    /// All of it went back to the client.
    Refunded {
        /// When it last did.
        refunded_at: Timestamp,
    },
    /// What shall go back to the client cannot, and a person must settle it.
    RefundFailed,
    /// The client's bank took it back, for now or for good.
    Disputed,
    /// Nothing was paid, and nothing can be any more.
    Cancelled,
    /// The session took place, and nobody could be made to pay.
    Unpaid,
}

/// What is asked of a gateway that a person decides about when it refuses for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// To take what is set aside.
    Capture,
    /// To give something back to the client.
    Refund,
    /// To take something back from the expert.
    Reversal,
    /// To give something to the expert again.
    Transfer,
}

/// What only a person can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Escalation {
    /// The client's bank did not take a refund.
    RefundFailed {
        /// So much is to go back to the client.
        amount: Money,
    },
    /// Something shall go back to the client of a charge whose dispute was lost, and the gateway refunds nothing of such.
    DisputeLost {
        /// So much.
        amount: Money,
    },
    /// The gateway refuses an order for good.
    Refused {
        /// Which.
        order: OrderKind,
        /// Of how much.
        amount: Money,
    },
    /// The two do not say the same of the session.
    NoShowDisputed,
}

/// Why a client's bank refused, in the few ways that call for different acts.
/// Source: <https://docs.stripe.com/declines/codes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// The bank wants to hear from the cardholder.
    AuthenticationRequired,
    /// Not enough money.
    InsufficientFunds,
    /// The card is too old.
    ExpiredCard,
    /// A number, date or code was mistyped.
    WrongDetails,
    /// This card cannot pay this way or in this currency.
    NotSupported,
    /// The bank asks to try again later.
    TryLater,
    /// The bank does not say why, or it must not be said.
    Refused,
}

impl Decline {
    /// What the client reads.
    pub fn words(self) -> &'static str {
        match self {
            Self::AuthenticationRequired => {
                "Your bank wants you to confirm this payment. Pay again and follow its steps."
            }
            Self::InsufficientFunds => "There is not enough money on this card. Use another card.",
            Self::ExpiredCard => "This card has expired. Use another card.",
            Self::WrongDetails => {
                "The card's number, date or security code is not right. Check them and pay again."
            }
            Self::NotSupported => "This card cannot be used for this payment. Use another card.",
            Self::TryLater => "The bank could not answer just now. Pay again in a few minutes.",
            Self::Refused => "The bank refused the payment. Use another card, or ask the bank why.",
        }
    }
}

/// What the gateway says of the intent at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// There is none.
    Missing,
    /// The client can still act.
    Open,
    /// The client agreed; the gateway waits for us to take the money.
    Approved,
    /// A payment is under way and can no longer be stopped, as with bank debits.
    Processing,
    /// A card is saved.
    CardSaved,
    /// Set aside.
    Authorised {
        /// Until then it can be taken.
        capture_before: Timestamp,
    },
    /// Paid.
    Succeeded,
    /// Cancelled: it can never be paid.
    Cancelled,
}

impl IntentStatus {
    /// Whether an appointment can be confirmed on it.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::CardSaved | Self::Authorised { .. } | Self::Succeeded)
    }
}

/// What the gateway says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentSnapshot {
    /// Of the intent at hand.
    pub status: IntentStatus,
    /// Everything that moved so far, oldest first.
    pub movements: Vec<Movement>,
    /// Whether a dispute is not decided yet.
    pub open_dispute: bool,
    /// Whether one was decided for the client.
    pub lost_dispute: bool,
    /// Why the client's bank last refused.
    pub decline: Option<Decline>,
}

impl Payment {
    /// One that was agreed and not asked for yet.
    pub fn agreed(
        appointment: AppointmentId,
        amount: Money,
        fee_rate: Rate,
        (gateway, destination): (GatewayKind, String),
        plan: Plan,
    ) -> Self {
        Self {
            appointment,
            version: 1,
            gateway,
            amount,
            fee_rate,
            destination,
            plan,
            references: References::default(),
            intents: 1,
            final_charge: None,
            action_deadline: None,
            refund_tries: 1,
            refused: BTreeMap::new(),
            refusals: 0,
            resolved_with_expert: false,
            failing_since: None,
            escalation: None,
            open_dispute: false,
            lost_dispute: false,
            entries: 0,
            decline: None,
            state: PaymentState::Open,
        }
    }

    /// The platform's part of everything.
    pub fn fee(&self) -> Money {
        self.amount.share(self.fee_rate)
    }

    /// The same with the intent that was made for its next number.
    #[must_use]
    pub fn with_intent(&self, intent: String) -> Self {
        let references = References { intent: Some(intent), ..self.references.clone() };
        Self { intents: self.intents.saturating_add(1), references, ..self.clone() }
    }

    /// The same while its client is asked to pay anew.
    #[must_use]
    pub fn asked_until(&self, deadline: Timestamp) -> Self {
        let state = PaymentState::ActionRequired { deadline };
        Self { action_deadline: Some(deadline), state, ..self.clone() }
    }

    /// What the client shall have paid in the end, as the appointment stands.
    pub fn target(&self, status: &Status) -> Money {
        match status {
            Status::Expired => self.amount.nothing(),
            // What a cancellation keeps is decided with it; without a word it keeps nothing.
            Status::Cancelled { .. } => self.final_charge.unwrap_or(self.amount.nothing()),
            Status::Pending { .. } | Status::Confirmed | Status::Completed | Status::NoShow { .. } => {
                self.final_charge.unwrap_or(self.amount)
            }
        }
    }

    /// When a saved card is asked for the money of a session that ends at `end`.
    fn authorise_at(capabilities: Capabilities, end: Timestamp) -> Timestamp {
        end.plus(CAPTURE_MARGIN + EARLY - capabilities.later_authorisation_holds.unwrap_or(0))
    }

    /// How far it is, from what the gateway says and has moved, when the client shall have paid `target` in the end.
    pub fn state_of(
        &self,
        snapshot: &PaymentSnapshot,
        movements: &[Movement],
        target: Money,
    ) -> PaymentState {
        let totals = Totals::of(movements);
        let last = |kinds: &[MovementKind]| {
            movements.iter().filter(|one| kinds.contains(&one.kind)).map(|one| one.at).max()
        };
        let refunded_at = last(&[MovementKind::Refund, MovementKind::ResolvedManually]);
        // A person must look as long as something of it is left to give back, whatever went back before.
        let owes = totals.held() > target.amount();
        let fails =
            totals.failed_refunds >= self.refund_tries || self.refused.contains_key(&OrderKind::Refund);
        if let Some(paid_at) = last(&[MovementKind::Captured]) {
            return match refunded_at {
                _ if totals.disputed > 0 => PaymentState::Disputed,
                Some(refunded_at) if totals.refunded >= totals.captured => {
                    PaymentState::Refunded { refunded_at }
                }
                _ if owes && fails => PaymentState::RefundFailed,
                Some(refunded_at) if totals.refunded > 0 => PaymentState::PartlyRefunded { refunded_at },
                _ => PaymentState::Paid { paid_at },
            };
        }
        if self.state == PaymentState::Unpaid {
            return PaymentState::Unpaid;
        }
        match (snapshot.status, self.action_deadline) {
            (IntentStatus::Authorised { capture_before }, _) => PaymentState::Authorised { capture_before },
            (IntentStatus::Processing, _) => PaymentState::Processing,
            (IntentStatus::Cancelled | IntentStatus::Succeeded, _) => PaymentState::Cancelled,
            // Also while a saved card cannot even be asked.
            (_, Some(deadline)) => PaymentState::ActionRequired { deadline },
            (IntentStatus::CardSaved, None) => PaymentState::CardSaved,
            (IntentStatus::Open | IntentStatus::Missing | IntentStatus::Approved, None) => PaymentState::Open,
        }
    }
}

#[cfg(test)]
mod tests;
