//! What is owed for an appointment, and which step brings the payment and the appointment together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::appointment::{Appointment, Status};
use crate::ledger::{Movement, MovementKind, Totals};
use crate::session_type::Collection;
use crate::time::{DAY, HOUR};
use crate::{AppointmentId, Money, Rate, Timestamp};

/// Who moves the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// Stripe Connect.
    Stripe,
    /// PayPal for marketplaces.
    Paypal,
}

impl Gateway {
    /// Every gateway.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::Paypal];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }

    /// The gateway of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gateway| gateway.word() == word)
    }
}

impl std::fmt::Display for Gateway {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.word())
    }
}

/// What a gateway can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Seconds that an authorisation surely holds when the client gives it.
    pub authorisation_holds: i64,
    /// Seconds that it surely holds when it is made later with a saved card; none where cards are not saved.
    pub later_authorisation_holds: Option<i64>,
    /// Whether it waits for us to take what a client agreed to. Then an intent that nobody takes costs nobody anything, and need
    /// not be cancelled.
    pub waits_to_be_taken: bool,
    /// Whether the platform can take from an expert, and give to them, apart from refunds. Where it cannot, what the gateway's
    /// own refunds and disputes leave the expert is final.
    pub reaches_experts: bool,
    /// Whether what is left of a payment can be refunded after a dispute about a part of it was lost.
    pub refunds_after_dispute: bool,
}

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
/// So long after its end a session counts as having taken place, unless somebody says otherwise, in seconds.
const COMPLETED_AFTER: i64 = DAY;
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
    pub fn choose(collection: Collection, abilities: Abilities, end: Timestamp, now: Timestamp) -> Self {
        match collection {
            Collection::ChargeAtBooking => Self::Charge,
            Collection::AuthoriseThenCapture
                if end.plus(CAPTURE_MARGIN) <= now.plus(abilities.authorisation_holds) =>
            {
                Self::Authorise
            }
            Collection::AuthoriseThenCapture if abilities.later_authorisation_holds.is_some() => {
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
    pub gateway: Gateway,
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
    pub kept: Option<Money>,
    /// Until when the client must act, since their card failed.
    pub action_deadline: Option<Timestamp>,
    /// How many refunds may fail before a person must look.
    pub refund_tries: u16,
    /// Whether the client's bank has yet to decide a dispute.
    pub open_dispute: bool,
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
    /// The client's bank did not take a refund, and a person must settle it.
    RefundFailed,
    /// The client's bank took it back, for now or for good.
    Disputed,
    /// Nothing was paid, and nothing can be any more.
    Cancelled,
    /// The session took place, and nobody could be made to pay.
    Unpaid,
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
pub struct Seen {
    /// Of the intent at hand.
    pub status: IntentStatus,
    /// Everything that moved so far, oldest first.
    pub movements: Vec<Movement>,
    /// Whether a dispute is not decided yet.
    pub open_dispute: bool,
    /// Why the client's bank last refused.
    pub decline: Option<Decline>,
}

/// The next step that makes the payment and the appointment agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// They agree for good.
    Settled,
    /// They agree until then.
    WaitUntil(Timestamp),
    /// The money is sure: confirm the appointment.
    Confirm,
    /// Take, or set aside, what the client agreed to.
    Take,
    /// Nobody shall pay any more: make it impossible. What the gateway then says decides the next step.
    CancelIntent,
    /// The hold's time is over, and nothing can be paid any more or it was paid too late: give the slot back.
    Expire,
    /// Set the saved card's money aside.
    AuthoriseSaved(Money),
    /// Take this much from the saved card at once.
    ChargeSaved(Money),
    /// The card failed: the client must pay anew by then.
    AskClient {
        /// By then.
        deadline: Timestamp,
        /// Whether that needs a new intent, because the old one can never be paid.
        anew: bool,
    },
    /// The client did not pay anew: the appointment cannot take place.
    CallOff,
    /// The session took place as far as anybody says.
    Complete,
    /// Take this much of what is set aside, and let go of the rest.
    Capture(Money),
    /// Give this much back to the client.
    Refund {
        /// So much.
        amount: Money,
        /// Whether the expert still has it, so that it can be taken from there by the same order.
        from_expert: bool,
    },
    /// Take this much back from the expert.
    Reverse {
        /// So much.
        amount: Money,
        /// Whether the platform's fee of it goes back to the expert.
        with_fee: bool,
    },
    /// Give the expert this much again: they gave it back for a dispute or a refund, and the client's bank returned it.
    TransferAgain(Money),
    /// The client's bank did not take the refund, or the gateway refunds nothing of a charge whose dispute was lost: only a
    /// person can settle it.
    NeedsPerson,
    /// The session is over, and nobody can be made to pay.
    WriteOff,
}

/// How long to wait before asking again about a payment that is under way, in seconds.
const PROCESSING_PAUSE: i64 = 15 * 60;
/// How long to wait before asking again about a dispute, in seconds. Its end is also told.
const DISPUTE_PAUSE: i64 = DAY;

impl Payment {
    /// The platform's part of everything.
    pub fn fee(&self) -> Money {
        self.amount.share(self.fee_rate)
    }

    /// What the client shall have paid in the end, as the appointment stands.
    pub fn target(&self, status: &Status) -> Money {
        match status {
            Status::Expired => self.amount.nothing(),
            // What a cancellation keeps is decided with it; without a word it keeps nothing.
            Status::Cancelled { .. } => self.kept.unwrap_or(self.amount.nothing()),
            Status::Pending { .. } | Status::Confirmed | Status::Completed | Status::NoShow { .. } => {
                self.kept.unwrap_or(self.amount)
            }
        }
    }

    /// When a saved card is asked for the money of a session that ends at `end`.
    fn authorise_at(abilities: Abilities, end: Timestamp) -> Timestamp {
        end.plus(CAPTURE_MARGIN + EARLY - abilities.later_authorisation_holds.unwrap_or(0))
    }

    /// How far it is, from what the gateway says and has moved.
    pub fn state_of(&self, seen: &Seen, movements: &[Movement]) -> PaymentState {
        let totals = Totals::of(movements);
        let last = |kinds: &[MovementKind]| {
            movements.iter().filter(|one| kinds.contains(&one.kind)).map(|one| one.at).max()
        };
        let refunded_at = last(&[MovementKind::Refund, MovementKind::SettledByHand]);
        // A person must look as long as something of it is left to give back, whatever went back before.
        let owes = totals.held() > self.kept.map_or(0, Money::amount);
        let stuck = owes && totals.failed_refunds >= self.refund_tries;
        if let Some(paid_at) = last(&[MovementKind::Captured]) {
            return match refunded_at {
                _ if totals.disputed > 0 => PaymentState::Disputed,
                Some(refunded_at) if totals.refunded >= totals.captured => {
                    PaymentState::Refunded { refunded_at }
                }
                _ if stuck => PaymentState::RefundFailed,
                Some(refunded_at) if totals.refunded > 0 => PaymentState::PartlyRefunded { refunded_at },
                _ => PaymentState::Paid { paid_at },
            };
        }
        if self.state == PaymentState::Unpaid {
            return PaymentState::Unpaid;
        }
        match (seen.status, self.action_deadline) {
            (IntentStatus::Authorised { capture_before }, _) => PaymentState::Authorised { capture_before },
            (IntentStatus::CardSaved, _) => PaymentState::CardSaved,
            (IntentStatus::Processing, _) => PaymentState::Processing,
            (IntentStatus::Open | IntentStatus::Missing | IntentStatus::Approved, Some(deadline)) => {
                PaymentState::ActionRequired { deadline }
            }
            (IntentStatus::Open | IntentStatus::Missing | IntentStatus::Approved, None) => PaymentState::Open,
            (IntentStatus::Cancelled | IntentStatus::Succeeded, _) => PaymentState::Cancelled,
        }
    }
}

/// The next step, given the appointment, the payment, what the gateway says of it now, and everything that ever moved.
///
/// It is asked again after each step until it answers [`Settlement::Settled`] or to wait, so that it does not matter
/// which event set it off, how often, or in which order.
pub fn settle(
    appointment: &Appointment,
    payment: &Payment,
    seen: &Seen,
    movements: &[Movement],
    abilities: Abilities,
    now: Timestamp,
) -> Settlement {
    let totals = Totals::of(movements);
    let target = payment.target(&appointment.status);
    match &appointment.status {
        Status::Pending { hold_expires_at } => {
            pending(appointment, *hold_expires_at, seen.status, abilities, now)
        }
        Status::Confirmed => confirmed(appointment, payment, seen, &totals, target, abilities, now),
        Status::Completed | Status::NoShow { .. } | Status::Cancelled { .. } | Status::Expired => {
            ended(payment, seen, &totals, target, abilities, now)
        }
    }
}

/// Until when a client can pay anew whose card failed now: a day, but never into the session.
pub fn action_deadline(appointment: &Appointment, now: Timestamp) -> Timestamp {
    now.plus(ACTION_TIME).min(appointment.start.max(now))
}

fn pending(
    appointment: &Appointment,
    hold_expires_at: Timestamp,
    status: IntentStatus,
    abilities: Abilities,
    now: Timestamp,
) -> Settlement {
    let in_time = now < appointment.end;
    match status {
        status if status.is_secure() && in_time => Settlement::Confirm,
        IntentStatus::Approved if in_time => Settlement::Take,
        _ if hold_expires_at > now => Settlement::WaitUntil(hold_expires_at),
        // A bank debit may take days. Nobody held the session for whom it comes too late.
        status if status.is_secure() => Settlement::Expire,
        IntentStatus::Open | IntentStatus::Approved if !abilities.waits_to_be_taken => {
            Settlement::CancelIntent
        }
        IntentStatus::Processing => Settlement::WaitUntil(now.plus(PROCESSING_PAUSE)),
        _ => Settlement::Expire,
    }
}

fn confirmed(
    appointment: &Appointment,
    payment: &Payment,
    seen: &Seen,
    totals: &Totals,
    target: Money,
    abilities: Abilities,
    now: Timestamp,
) -> Settlement {
    let failed = payment.action_deadline.filter(|deadline| *deadline <= now);
    match seen.status {
        _ if totals.captured > 0 => adjust(payment, seen, totals, target, abilities, now),
        IntentStatus::Succeeded => Settlement::Settled,
        IntentStatus::Processing => Settlement::WaitUntil(now.plus(PROCESSING_PAUSE)),
        // Nobody shall be asked to pay nothing.
        IntentStatus::Open | IntentStatus::Approved if target.is_zero() => Settlement::CancelIntent,
        IntentStatus::Approved => Settlement::Take,
        IntentStatus::Authorised { capture_before } => {
            let completed = appointment.end.plus(COMPLETED_AFTER);
            let latest = capture_before.plus(-CAPTURE_MARGIN);
            if now >= completed {
                Settlement::Complete
            } else if now >= latest {
                // Before it runs out it is taken, and given back by the policy when it comes to that.
                if target.is_zero() { Settlement::CancelIntent } else { Settlement::Capture(target) }
            } else {
                Settlement::WaitUntil(completed.min(latest))
            }
        }
        IntentStatus::CardSaved if failed.is_none() => {
            let at = Payment::authorise_at(abilities, appointment.end);
            // A part that is less than a card can be charged is let go.
            if target.check_charge().is_err() {
                Settlement::Settled
            } else if now < at {
                Settlement::WaitUntil(at)
            } else {
                Settlement::AuthoriseSaved(target)
            }
        }
        // A saved card is here when it could not even be asked until its deadline.
        IntentStatus::Open | IntentStatus::Cancelled | IntentStatus::Missing | IntentStatus::CardSaved => {
            let anew = seen.status != IntentStatus::Open;
            match payment.action_deadline {
                _ if target.is_zero() || payment.state == PaymentState::Unpaid => Settlement::Settled,
                _ if now >= appointment.end => Settlement::WriteOff,
                None => Settlement::AskClient { deadline: action_deadline(appointment, now), anew },
                Some(deadline) if now >= deadline => Settlement::CallOff,
                Some(deadline) if anew => Settlement::AskClient { deadline, anew },
                Some(deadline) => Settlement::WaitUntil(deadline),
            }
        }
    }
}

fn ended(
    payment: &Payment,
    seen: &Seen,
    totals: &Totals,
    target: Money,
    abilities: Abilities,
    now: Timestamp,
) -> Settlement {
    // The session took place while the client was asked to pay anew, and they still can.
    let deadline = payment.action_deadline.filter(|deadline| !target.is_zero() && now < *deadline);
    match seen.status {
        _ if totals.captured > 0 => adjust(payment, seen, totals, target, abilities, now),
        IntentStatus::Processing => Settlement::WaitUntil(now.plus(PROCESSING_PAUSE)),
        IntentStatus::Authorised { .. } if target.is_zero() => Settlement::CancelIntent,
        IntentStatus::Authorised { .. } => Settlement::Capture(target),
        IntentStatus::CardSaved if target.is_zero() => Settlement::CancelIntent,
        // A part that is less than a card can be charged is let go.
        IntentStatus::CardSaved if target.check_charge().is_err() => Settlement::CancelIntent,
        // The gateway would not even ask it.
        IntentStatus::CardSaved if payment.state == PaymentState::Unpaid => Settlement::CancelIntent,
        IntentStatus::CardSaved => Settlement::ChargeSaved(target),
        IntentStatus::Approved if deadline.is_some() => Settlement::Take,
        IntentStatus::Open | IntentStatus::Approved => match deadline {
            Some(deadline) => Settlement::WaitUntil(deadline),
            None if abilities.waits_to_be_taken => over(payment, target),
            None => Settlement::CancelIntent,
        },
        IntentStatus::Missing | IntentStatus::Cancelled | IntentStatus::Succeeded => over(payment, target),
    }
}

/// Nothing was paid, and nothing will be.
fn over(payment: &Payment, target: Money) -> Settlement {
    // Somebody came, or called off too late, and the card failed: that is the expert's loss, and they are told.
    if target.is_zero() || payment.state == PaymentState::Unpaid {
        Settlement::Settled
    } else {
        Settlement::WriteOff
    }
}

/// Brings what was taken to what shall be kept, and the expert's part to their part of it.
fn adjust(
    payment: &Payment,
    seen: &Seen,
    totals: &Totals,
    target: Money,
    abilities: Abilities,
    now: Timestamp,
) -> Settlement {
    let money = |amount: u64| target.with_amount(amount).unwrap_or(target);
    let held = totals.held();
    let surplus = held.saturating_sub(target.amount());
    // What goes back to the client, now or later, is not the expert's.
    let expert = held.min(target.amount());
    let transferred = totals.transferred.saturating_sub(totals.reversed);
    // Whether the expert misses something that they gave back, because a bank returned it to the platform, or got such again.
    let given_again = totals.transferred > totals.captured;
    let missing = totals.transferred == totals.captured && transferred < expert;
    let mirrored = !given_again && !missing;
    // What a bank did not take it will not take again by itself.
    let disputed = totals.disputed > 0 && !abilities.refunds_after_dispute;
    let stuck = surplus > 0 && (disputed || totals.failed_refunds >= payment.refund_tries);
    if surplus > 0 && !stuck && !seen.open_dispute {
        return Settlement::Refund {
            amount: money(surplus),
            // Unless it is with the platform already, the expert's part comes from the expert by the same order.
            from_expert: !abilities.reaches_experts || (mirrored && transferred >= held),
        };
    }
    if !abilities.reaches_experts {
        // What the expert has is what the gateway's own refunds and disputes left them.
    } else if mirrored {
        // What the expert gives back mirrors what the client gets back, and the fee goes along with it.
        if transferred > expert {
            return Settlement::Reverse { amount: money(transferred - expert), with_fee: true };
        }
    } else {
        // What is given again has its fee taken off already, so only what is left of both is compared: by sums, because a
        // rounded fee may leave the expert less than nothing.
        let theirs = expert - money(expert).share(payment.fee_rate).amount();
        let got = totals.transferred + totals.fee_refunded;
        let shall_have_got = theirs + totals.reversed + totals.fee;
        if got > shall_have_got {
            return Settlement::Reverse { amount: money(got - shall_have_got), with_fee: false };
        } else if got < shall_have_got {
            return Settlement::TransferAgain(money(shall_have_got - got));
        }
    }
    if seen.open_dispute {
        Settlement::WaitUntil(now.plus(DISPUTE_PAUSE))
    } else if stuck {
        Settlement::NeedsPerson
    } else {
        Settlement::Settled
    }
}

#[cfg(test)]
mod tests;
