//! The payment of an appointment: what the client must pay, the state of the payment, and the next action.

use std::collections::BTreeMap;

use crate::experts::session_type::Collection;
use crate::kernel::time::{DAY, HOUR};
use crate::payments::gateway::{Capabilities, GatewayKind};
use crate::payments::ledger::{Movement, MovementKind, Totals};
use crate::payments::payout::PayoutTiming;
use crate::scheduling::appointment::{Appointment, ChangeRefusal, REPORT_HOURS, Status};
use crate::scheduling::booking_limits::PaymentProgress;
use crate::{AppointmentId, Money, Rate, Timestamp};

mod final_charge;
mod next_action;
mod observation;

pub use final_charge::FinalCharge;
pub use next_action::{Order, PaymentAction, Share, Transition, Wait, action_deadline, next_action};

/// How the client is charged. The plan is chosen at booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Charge at booking.
    Charge,
    /// Authorize at booking, and capture after the session took place.
    Authorize,
    /// Save the card at booking, authorize close to the session, and capture after the session took place.
    SaveCard,
}

/// The maximum number of moves by the client of a session that is not paid yet. A move delays the payment, and holds another time of
/// the expert.
pub const MAX_UNPAID_MOVES: u16 = 2;
/// An authorization is captured at least this many seconds before it expires.
const CAPTURE_MARGIN: i64 = 12 * HOUR;
/// How long a client has to pay again after their card failed, in seconds; at most until the session starts.
const ACTION_WINDOW: i64 = DAY;
/// The time between two attempts to take back the share that a granted refund waits for, in seconds.
const REVERSAL_PAUSE: i64 = DAY;
/// For how long after the first refusal the platform attempts again by itself to take back such a share, in seconds.
const REVERSAL_PERIOD: i64 = 30 * DAY;
/// Additional time, in seconds, for which the authorization of a saved card stays valid after the session, beyond
/// [`CAPTURE_MARGIN`].
const AUTHORIZATION_RESERVE: i64 = 6 * HOUR;

impl Plan {
    /// Chooses how to charge for a session that ends at `end`.
    ///
    /// If neither an authorization nor a saved card can cover the time until then, the client is charged at booking.
    /// A cancellation then leads to a refund. If the gateway could not hold or refund the payment until then, the card is
    /// saved instead.
    ///
    /// # Errors
    /// [`TooFarAhead`] if the client would have to be charged at booking, and cannot.
    pub fn choose(
        collection: Collection,
        capabilities: Capabilities,
        payout_timing: PayoutTiming,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Self, TooFarAhead> {
        let charge = TooFarAhead::check(capabilities.pay_ahead_limit(payout_timing), end, now);
        let saves_cards = capabilities.saved_card_authorization_validity.is_some();
        match collection {
            Collection::ChargeAtBooking if charge.is_ok() || !saves_cards => charge.map(|()| Self::Charge),
            Collection::AuthorizeThenCapture
                if end.plus(CAPTURE_MARGIN) <= now.plus(capabilities.authorization_validity) =>
            {
                Ok(Self::Authorize)
            }
            _ if saves_cards => Ok(Self::SaveCard),
            _ => charge.map(|()| Self::Charge),
        }
    }
}

/// The session is so far ahead of the payment that the gateway could not hold or refund it until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payment cannot be kept or refunded for so long; choose a session that ends by {ends_by}")]
pub struct TooFarAhead {
    /// The latest end of a session that can be paid.
    pub ends_by: Timestamp,
}

impl TooFarAhead {
    /// Checks that a session that ends at `end` completes within `limit` seconds after the payment.
    fn check(limit: Option<i64>, end: Timestamp, paid_at: Timestamp) -> Result<(), Self> {
        match limit.map(|limit| paid_at.plus(limit - REPORT_HOURS * HOUR)) {
            Some(ends_by) if end > ends_by => Err(Self { ends_by }),
            _ => Ok(()),
        }
    }
}

/// The identifiers of a payment at its gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The Stripe payment intent or PayPal order that charges or authorizes the client; `None` until it exists.
    pub intent: Option<String>,
    /// The Stripe setup intent that saves the card.
    pub setup: Option<String>,
    /// The Stripe customer for whom the card is saved.
    pub customer: Option<String>,
}

/// The payment of one appointment. Fee rate, destination and payout timing are fixed at booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The appointment that is paid.
    pub appointment: AppointmentId,
    /// The version, incremented with each change.
    pub version: u64,
    /// The gateway through which the client pays.
    pub gateway: GatewayKind,
    /// The amount that the client agreed to pay.
    pub amount: Money,
    /// The platform's fee rate.
    pub fee_rate: Rate,
    /// The expert's account at the gateway, which receives the rest.
    pub destination: String,
    /// When the expert gets their share.
    pub payout_timing: PayoutTiming,
    /// How long before the completion of the session the client can be charged, in seconds, because the gateway could not
    /// hold or refund the payment for longer. `None` if there is no limit.
    pub pay_ahead_limit: Option<i64>,
    /// How the client is charged.
    pub plan: Plan,
    /// The gateway's ids of the payment's objects.
    pub references: References,
    /// The ordinal of the current intent, starting at 1. It is part of the intent's idempotency key.
    pub intent_number: u16,
    /// What the client pays in the end, if that was decided. Only [`lower_charge`](Payment::lower_charge) and
    /// [`grant_charge`](Payment::grant_charge) change it, so that it never increases.
    pub final_charge: Option<Money>,
    /// What the client would pay in the end without the refunds that the expert granted, beyond what the client is entitled to. A
    /// granted refund is made only once the expert has returned their share of it. `None` if the expert granted none, or if the client
    /// has become entitled to everything that is refunded.
    pub charge_before_grants: Option<Money>,
    /// How many refunds of what the client had paid the expert has granted, whether or not they are made yet.
    pub granted_refunds: u16,
    /// The part of the final charge with which the client pays for the processing of their refund; `None` if there is none. It bears no
    /// commission, and belongs to the side from which the gateway takes its fee: the platform, or the
    /// [expert](GatewayKind::platform_pays_fee).
    pub processing_cost: Option<Money>,
    /// What is withheld from the expert's share, because the expert [owed](crate::payments::debt::Debt) it to the platform; `None` if
    /// nothing is.
    pub withheld: Option<Money>,
    /// What the expert has of the payment although it is not their share any more, because the gateway could not take it back from
    /// them. It was added to what they [owe](crate::payments::debt::Debt); `None` if there is nothing of the kind.
    pub share_owed: Option<Money>,
    /// The client must act until this instant, because their card failed.
    pub action_deadline: Option<Timestamp>,
    /// When this many refunds have failed, an administrator must decide. A decision to retry raises it.
    pub max_failed_refunds: u16,
    /// The orders that the gateway has refused permanently, with the gateway's error code. An order is sent again after a new movement, or
    /// when an administrator requests it; for a refund that the expert granted, the share is asked for again daily.
    pub refused: BTreeMap<OrderKind, String>,
    /// When the gateway first and last refused to take back the share of a refund that the expert granted, until the share comes back,
    /// nothing waits any more, or the expert grants another refund. `None` if a release before this attribute has recorded the
    /// [refusal](Self::refused).
    pub refused_reversal: Option<RefusedReversal>,
    /// The number of refused orders. It is part of the idempotency keys, because the gateway answers a repeated key
    /// with the same refusal.
    pub refusals: u16,
    /// Since when requests to the gateway have been failing; `None` if they succeed.
    pub failing_since: Option<Timestamp>,
    /// When the platform had the gateway release what it held for the expert. `None` as long as it has not, and at a gateway
    /// whose snapshots show it.
    pub released_at: Option<Timestamp>,
    /// Whether the expert's share was settled outside the gateway, so that no further transfers or reversals are
    /// ordered.
    pub resolved_with_expert: bool,
    /// What was settled with the expert outside the gateway, in minor units: how much more they have of the payment than the ledger
    /// shows, or less if it is negative. `None` if nothing was, or if a release before this attribute has recorded it.
    pub settled_outside: Option<i64>,
    /// The decision that an administrator must make before the payment can continue.
    pub escalation: Option<Escalation>,
    /// Whether a dispute is still undecided.
    pub open_dispute: bool,
    /// Whether a dispute was decided for the client.
    pub lost_dispute: bool,
    /// The number of ledger entries of this payment.
    pub entries: u32,
    /// Why the client's bank last declined.
    pub decline: Option<Decline>,
    /// The number of declined attempts to pay, since the appointment was confirmed or, before, since it was booked.
    pub declines: u16,
    /// Whether so many attempts were declined that the payment cannot be paid any more.
    pub too_many_declines: bool,
    /// A digest of the network address and the UTC day of the booking, until the appointment is confirmed or ends.
    pub booked_from: Option<String>,
    /// The state that was last stored.
    pub state: PaymentState,
}

/// The state of a payment, derived from the last snapshot, the ledger, and the platform's decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// The client has not paid yet.
    Open,
    /// The payment is being processed, which may take days.
    Processing,
    /// The card is saved, but nothing is authorized or captured yet.
    CardSaved,
    /// The amount is authorized.
    Authorized {
        /// The amount can be captured until this instant.
        capture_before: Timestamp,
    },
    /// The card failed. The client must pay again, or the appointment is cancelled.
    ActionRequired {
        /// The client must pay until this instant.
        deadline: Timestamp,
    },
    /// The client has paid.
    Paid {
        /// When the client paid.
        paid_at: Timestamp,
    },
    /// A part was refunded.
    PartiallyRefunded {
        /// When the last refund was made.
        refunded_at: Timestamp,
    },
    /// The full amount was refunded.
    Refunded {
        /// When the last refund was made.
        refunded_at: Timestamp,
    },
    /// A refund is due but cannot be made. An administrator must decide.
    RefundFailed,
    /// The client's bank withdrew the payment because of a dispute, temporarily or permanently.
    Disputed,
    /// Nothing was paid, and nothing can be paid any more.
    Cancelled,
    /// What the client owes for a session, a late cancellation or a no-show could not be charged.
    Unpaid,
    /// A newer version of the code has written the state, or another value of the payment, and this version does not know it. The
    /// payment can be read, and nothing is changed, paid or refunded.
    Unknown,
}

/// When the gateway refused to take the expert's share back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedReversal {
    /// The first refusal.
    pub since: Timestamp,
    /// The last refusal.
    pub last_at: Timestamp,
}

/// A refund that the expert granted, and that waits because the gateway could not take their share of it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingRefund {
    /// What the client gets once the share has come back.
    pub amount: Money,
    /// When the gateway first refused to take the share back. `None` if it has not been asked for it, because the refund waits for the
    /// decision of a dispute, or if a release has asked that did not record it.
    pub since: Option<Timestamp>,
    /// When the platform attempts again to take the share back. `None` if a dispute must be decided first, or only an administrator can
    /// have it attempted again.
    pub next_attempt_at: Option<Timestamp>,
}

/// The kind of an order. If the gateway permanently refuses an order of these kinds, an administrator decides. The exception: the expert
/// owes the share of what the client is entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderKind {
    /// Capturing the authorized amount.
    Capture,
    /// Refunding the client.
    Refund,
    /// Taking money back from the expert.
    Reversal,
    /// Transferring money to the expert, after the session or again.
    Transfer,
}

/// A decision that only an administrator can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escalation {
    /// The client's bank rejected a refund.
    RefundFailed {
        /// The amount to refund.
        amount: Money,
    },
    /// A refund is due on a charge whose dispute was lost, but the gateway does not refund such charges.
    DisputeLost {
        /// The amount to refund.
        amount: Money,
    },
    /// The gateway permanently refuses an order.
    Refused {
        /// The order.
        order: OrderKind,
        /// The amount of the order.
        amount: Money,
    },
    /// The parties disagree about whether the session took place.
    NoShowDisputed,
    /// A newer version of the code has written a reason that this version does not know.
    Unknown,
}

/// Why the client's bank declined, grouped by what the client can do.
///
/// Source: <https://docs.stripe.com/declines/codes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decline {
    /// The bank requires the cardholder to authenticate.
    AuthenticationRequired,
    /// The balance is too low.
    InsufficientFunds,
    /// The card has expired.
    ExpiredCard,
    /// The card number, date or security code is wrong.
    WrongDetails,
    /// The card does not support this kind of payment or this currency.
    NotSupported,
    /// The bank asks to try again later.
    TryLater,
    /// The bank gives no reason, or the reason must not be disclosed.
    Refused,
}

impl Decline {
    /// Returns the message for the client.
    pub fn message(self) -> &'static str {
        match self {
            Self::AuthenticationRequired => {
                "Your bank requires you to confirm this payment. Pay again and follow your bank's instructions."
            }
            Self::InsufficientFunds => "The card has insufficient funds. Use another card.",
            Self::ExpiredCard => "This card has expired. Use another card.",
            Self::WrongDetails => {
                "The card number, expiry date or security code is wrong. Check them and pay again."
            }
            Self::NotSupported => "This card cannot be used for this payment. Use another card.",
            Self::TryLater => "The bank is temporarily unavailable. Pay again in a few minutes.",
            Self::Refused => "The bank declined the payment. Use another card, or contact the bank.",
        }
    }
}

/// The status of the current intent at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// There is no intent.
    Missing,
    /// The client can still act.
    Open,
    /// The client has approved the payment, which must now be collected.
    Approved,
    /// The gateway processes or reviews a payment, which can no longer be stopped. Clients pay with immediate methods, so it is rare.
    Processing,
    /// A card is saved.
    CardSaved,
    /// The amount is authorized.
    Authorized {
        /// The amount can be captured until this instant.
        capture_before: Timestamp,
    },
    /// The client has paid.
    Succeeded,
    /// The intent is cancelled and can never be paid.
    Cancelled,
}

impl IntentStatus {
    /// Returns whether this status is sufficient to confirm an appointment.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::CardSaved | Self::Authorized { .. } | Self::Succeeded)
    }
}

/// What the gateway reports about a payment at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentSnapshot {
    /// The status of the current intent.
    pub status: IntentStatus,
    /// All movements so far, oldest first.
    pub movements: Vec<Movement>,
    /// Whether a dispute is still undecided.
    pub open_dispute: bool,
    /// Whether a dispute was decided for the client.
    pub lost_dispute: bool,
    /// Why the client's bank last declined.
    pub decline: Option<Decline>,
    /// The gateway's identity of the means with which the client paid, such as the fingerprint of a card. `None` if the
    /// client has not paid, or the gateway reports none.
    pub paid_with: Option<String>,
    /// When the gateway releases by itself what it holds for the expert, whatever the platform decides. `None` if it holds
    /// nothing, or for as long as the platform wants.
    pub releases_at: Option<Timestamp>,
}

/// Returns the name of what the client pays for the processing of a refund, in the ledger and in its document. It follows from the
/// gateway's object of the payment, because the gateway has none for it. `None` if nothing was captured.
pub fn processing_cost_object(movements: &[Movement]) -> Option<String> {
    let paid = movements.iter().find(|one| one.kind == MovementKind::Captured)?;
    Some(format!("processing_cost_{}", paid.object))
}

impl Payment {
    /// Creates a payment that the client has agreed to, but that is not opened at the gateway yet.
    pub fn agreed(
        appointment: AppointmentId,
        amount: Money,
        fee_rate: Rate,
        (gateway, destination): (GatewayKind, String),
        payout_timing: PayoutTiming,
        plan: Plan,
    ) -> Self {
        Self {
            appointment,
            version: 1,
            gateway,
            amount,
            fee_rate,
            destination,
            payout_timing,
            pay_ahead_limit: None,
            plan,
            references: References::default(),
            intent_number: 1,
            final_charge: None,
            charge_before_grants: None,
            granted_refunds: 0,
            processing_cost: None,
            withheld: None,
            share_owed: None,
            action_deadline: None,
            max_failed_refunds: 1,
            refused: BTreeMap::new(),
            refused_reversal: None,
            refusals: 0,
            released_at: None,
            resolved_with_expert: false,
            settled_outside: None,
            failing_since: None,
            escalation: None,
            open_dispute: false,
            lost_dispute: false,
            entries: 0,
            decline: None,
            declines: 0,
            too_many_declines: false,
            booked_from: None,
            state: PaymentState::Open,
        }
    }

    /// Returns the platform's fee on the full amount.
    pub fn fee(&self) -> Money {
        self.amount.apply_rate(self.fee_rate)
    }

    /// Checks that the session can be moved so that it ends at `end`, given all recorded movements. A card that is only
    /// saved is charged later. An authorization is captured before it expires.
    ///
    /// # Errors
    /// [`TooFarAhead`] if the payment could not be held or refunded until then.
    pub fn check_move(
        &self,
        movements: &[Movement],
        end: Timestamp,
        now: Timestamp,
    ) -> Result<(), TooFarAhead> {
        let captured = movements.iter().filter(|one| one.kind == MovementKind::Captured);
        match captured.map(|one| one.at).max() {
            None if self.state == PaymentState::CardSaved => Ok(()),
            paid_at => TooFarAhead::check(self.pay_ahead_limit, end, paid_at.unwrap_or(now)),
        }
    }

    /// Checks whether the client may move the session at once, as far as its payment allows it.
    ///
    /// # Errors
    /// [`ChangeRefusal::UnpaidMoveLimitReached`] if it is not paid yet and the client has moved it [`MAX_UNPAID_MOVES`] times.
    pub fn check_reschedule(&self, appointment: &Appointment) -> Result<(), ChangeRefusal> {
        match appointment.moves_by_client() {
            moved @ MAX_UNPAID_MOVES.. if self.progress() != PaymentProgress::Paid => {
                Err(ChangeRefusal::UnpaidMoveLimitReached { moved })
            }
            _ => Ok(()),
        }
    }

    /// Returns how far the payment is, as far as booking limits need it. A card that was declined after it was saved counts until
    /// the client has paid, also if they cancel instead.
    pub fn progress(&self) -> PaymentProgress {
        let is_declined = self.action_deadline.is_some() && self.decline.is_some();
        match self.state {
            _ if self.references == References::default() => PaymentProgress::NotOpened,
            PaymentState::Unpaid => PaymentProgress::CardDeclined,
            PaymentState::ActionRequired { .. } | PaymentState::Cancelled if is_declined => {
                PaymentProgress::CardDeclined
            }
            PaymentState::Open
            | PaymentState::Processing
            | PaymentState::CardSaved
            | PaymentState::ActionRequired { .. }
            | PaymentState::Cancelled
            | PaymentState::Unknown => PaymentProgress::Unpaid,
            PaymentState::Authorized { .. }
            | PaymentState::Paid { .. }
            | PaymentState::PartiallyRefunded { .. }
            | PaymentState::Refunded { .. }
            | PaymentState::RefundFailed
            | PaymentState::Disputed => PaymentProgress::Paid,
        }
    }

    /// Returns the payment with a newly opened intent.
    #[must_use]
    pub fn with_intent(&self, intent: String) -> Self {
        let references = References { intent: Some(intent), ..self.references.clone() };
        Self { intent_number: self.intent_number.saturating_add(1), references, ..self.clone() }
    }

    /// Returns the payment after the gateway has permanently refused an order of this kind at `now`. `waits` says whether a refund that the
    /// expert granted [waits for it](Self::reverses_for_grant).
    #[must_use]
    pub fn with_refusal(&self, kind: OrderKind, code: String, waits: bool, now: Timestamp) -> Self {
        let mut payment = self.clone();
        payment.refused.insert(kind, code);
        match kind {
            // Without a refund that waits for the share, the expert owes it.
            OrderKind::Reversal if !waits => {}
            OrderKind::Reversal => {
                let since = self.refused_reversal.map_or(now, |refused| refused.since);
                payment.refused_reversal = Some(RefusedReversal { since, last_at: now });
            }
            // It is the refund that the gateway refuses, so the share can be taken back by itself.
            OrderKind::Refund => payment = payment.without_refusal(OrderKind::Reversal),
            OrderKind::Capture | OrderKind::Transfer => {}
        }
        payment
    }

    /// Returns the payment after an administrator has decided that an order of this kind is sent again.
    #[must_use]
    pub fn without_refusal(&self, kind: OrderKind) -> Self {
        let mut payment = self.clone();
        payment.refused.remove(&kind);
        payment.refused_reversal = payment.refused_reversal.filter(|_| kind != OrderKind::Reversal);
        payment
    }

    /// Returns when the platform attempts again by itself to take back a share that the gateway refused to take back. The balance of
    /// the expert's account may have grown until then. `None` if nothing was refused, or after [`REVERSAL_PERIOD`].
    fn next_reversal_attempt(&self) -> Option<Timestamp> {
        let RefusedReversal { since, last_at } =
            self.refused_reversal.filter(|_| self.refused.contains_key(&OrderKind::Reversal))?;
        let next = last_at.plus(REVERSAL_PAUSE);
        (next <= since.plus(REVERSAL_PERIOD)).then_some(next)
    }

    /// Returns the refund that the expert granted and that [waits](Self::grant_waits) for their share. `totals` are those of all movements.
    pub fn waiting_refund(&self, totals: Totals, amount_due: Money) -> Option<WaitingRefund> {
        let amount =
            self.outstanding_grant(totals, amount_due).filter(|_| self.grant_waits(totals, amount_due))?;
        let since = self.refused_reversal.map(|refused| refused.since);
        let next_attempt_at =
            self.next_reversal_attempt().filter(|_| self.reverses_for_grant(totals, amount_due));
        Some(WaitingRefund { amount, since, next_attempt_at })
    }

    /// Returns whether a share that is taken back now is one that a granted refund waits for. As long as an open dispute leaves nothing to
    /// refund, it is that of the dispute. `totals` are those of all movements.
    pub fn reverses_for_grant(&self, totals: Totals, amount_due: Money) -> bool {
        self.charge_before_grants.is_some() && totals.net_paid() > amount_due.amount()
    }

    /// Returns whether something that the expert has granted waits for their share: because the gateway has refused to take it back, or
    /// because they owe it as long as a dispute is open. `totals` are those of all movements.
    pub fn grant_waits(&self, totals: Totals, amount_due: Money) -> bool {
        let is_refused = self.refused.contains_key(&OrderKind::Reversal);
        let is_missing = is_refused || (self.open_dispute && self.share_owed.is_some());
        let is_settled = self.resolved_with_expert;
        is_missing && !is_settled && self.outstanding_grant(totals, amount_due).is_some()
    }

    /// Returns what the expert has granted and the client has not got yet. While a dispute is open, it is what they will not have got if
    /// the dispute is won. `totals` are those of all movements.
    fn outstanding_grant(&self, totals: Totals, amount_due: Money) -> Option<Money> {
        let before_grants = self.charge_before_grants?;
        let outstanding = totals.net_paid_if_won(self.open_dispute).min(before_grants.amount());
        let granted = outstanding.saturating_sub(amount_due.amount());
        before_grants.with_amount(granted).ok().filter(|granted| !granted.is_zero())
    }

    /// Returns how much of `surplus`, which is to be refunded, the client is entitled to, whatever the expert granted in addition.
    fn entitled_part(&self, totals: Totals, surplus: u64) -> u64 {
        match self.charge_before_grants {
            Some(charge) => totals.net_paid().saturating_sub(charge.amount()).min(surplus),
            None => surplus,
        }
    }

    /// Returns the payment with this further amount withheld from the expert's share.
    #[must_use]
    pub fn withholding(&self, more: Money) -> Self {
        let withheld = self.withheld.map_or(0, Money::amount).saturating_add(more.amount());
        Self { withheld: more.with_amount(withheld).ok(), ..self.clone() }
    }

    /// Returns the payment without this part of what is withheld from the expert's share.
    #[must_use]
    pub fn withholding_less(&self, less: Money) -> Self {
        let withheld = self.withheld.map(|withheld| withheld.saturating_sub(less));
        Self { withheld: withheld.filter(|withheld| !withheld.is_zero()), ..self.clone() }
    }

    /// Returns the payment with this further part of the expert's share that they owe instead of returning it.
    #[must_use]
    pub fn owing(&self, more: Money) -> Self {
        let owed = self.share_owed.map_or(0, Money::amount).saturating_add(more.amount());
        Self { share_owed: more.with_amount(owed).ok(), ..self.clone() }
    }

    /// Returns the payment without this part of what the expert owes of their share.
    #[must_use]
    pub fn owing_less(&self, less: Money) -> Self {
        let owed = self.share_owed.map(|owed| owed.saturating_sub(less));
        Self { share_owed: owed.filter(|owed| !owed.is_zero()), ..self.clone() }
    }

    /// Returns the payment after what the expert has too much or too little was settled with them outside the gateway. `amount_due` is
    /// what the client owes, `totals` are those of all movements.
    #[must_use]
    pub fn settled_with_expert(&self, totals: Totals, amount_due: Money) -> Self {
        let outside = self.settled_outside.unwrap_or(0);
        let missing = i128::from(self.share_due(totals, amount_due)) - self.share_received(totals);
        let outside = i64::try_from(i128::from(outside) + missing).unwrap_or(outside);
        Self { resolved_with_expert: true, settled_outside: Some(outside), ..self.clone() }
    }

    /// Returns what is due to the expert of the payment in minor units, after the platform's fee and what is withheld.
    pub(super) fn share_due(&self, totals: Totals, amount_due: Money) -> u64 {
        let (share, _) = self.share_and_fee(totals, amount_due);
        share.saturating_sub(self.withheld.map_or(0, Money::amount))
    }

    /// Returns the expert's share of what the client pays, after the platform's fee, and this fee. There is no fee on what the client
    /// pays for the processing of a refund.
    pub(super) fn share_and_fee(&self, totals: Totals, amount_due: Money) -> (u64, u64) {
        let before_fee = self.share_before_fee(totals, amount_due);
        let paid = totals.net_paid().min(amount_due.amount());
        let of_session = paid.saturating_sub(self.processing_cost.map_or(0, Money::amount));
        let fee = amount_due.with_amount(of_session).unwrap_or(amount_due).apply_rate(self.fee_rate).amount();
        (before_fee - fee, fee)
    }

    /// Returns the share that is due to the expert, before the fee. What will be refunded to the client does not belong to it, nor does
    /// what the client pays for the processing of a refund, unless the expert has paid the gateway's fee.
    pub(super) fn share_before_fee(&self, totals: Totals, amount_due: Money) -> u64 {
        let processing_cost = self.processing_cost.filter(|_| self.gateway.platform_pays_fee());
        let of_platform = processing_cost.map_or(0, Money::amount);
        totals.net_paid().min(amount_due.amount()).saturating_sub(of_platform)
    }

    /// Returns the movement with which the platform keeps what the client pays for the processing of their refund, if it is due and not
    /// among `movements`, which are all that are recorded. If the expert has paid the gateway's fee, the amount is theirs and stays with
    /// them.
    pub fn due_processing_cost(&self, movements: &[Movement], now: Timestamp) -> Option<Movement> {
        let cost = self.processing_cost.filter(|cost| !cost.is_zero() && self.gateway.platform_pays_fee())?;
        let is_kept = movements.iter().any(|one| one.kind == MovementKind::ProcessingCost);
        let object = processing_cost_object(movements).filter(|_| !is_kept)?;
        Some(Movement::new(MovementKind::ProcessingCost, cost, object, now, None))
    }

    /// Returns what the expert has of the payment in minor units, without what they owe of it, and with what was settled outside the
    /// gateway.
    pub(super) fn share_received(&self, totals: Totals) -> i128 {
        i128::from(totals.expert_balance()) + i128::from(self.settled_outside.unwrap_or(0))
            - i128::from(self.share_owed.map_or(0, Money::amount))
    }

    /// Returns the payment in the state in which the client must pay again until `deadline`.
    #[must_use]
    pub fn awaiting_client_until(&self, deadline: Timestamp) -> Self {
        let state = PaymentState::ActionRequired { deadline };
        Self { action_deadline: Some(deadline), state, ..self.clone() }
    }

    /// Returns the latest instant at which the authorized amount is captured, if the appointment is not cancelled: when the session
    /// is completed, or earlier, before the authorization expires. `None` if no amount is authorized.
    pub fn captured_by(&self, appointment: &Appointment) -> Option<Timestamp> {
        match self.state {
            PaymentState::Authorized { capture_before } => {
                Some(Self::latest_capture(capture_before).min(appointment.completes_at()))
            }
            _ => None,
        }
    }

    /// Returns when an authorized amount is captured at the latest, so that the authorization does not expire.
    fn latest_capture(capture_before: Timestamp) -> Timestamp {
        capture_before.plus(-CAPTURE_MARGIN)
    }

    /// Returns when a saved card is authorized for a session that ends at `end`.
    fn authorize_at(capabilities: Capabilities, end: Timestamp) -> Timestamp {
        end.plus(
            CAPTURE_MARGIN + AUTHORIZATION_RESERVE
                - capabilities.saved_card_authorization_validity.unwrap_or(0),
        )
    }

    /// Computes the state from the snapshot and the movements, given the amount that the client owes.
    pub fn state_of(
        &self,
        snapshot: &PaymentSnapshot,
        movements: &[Movement],
        amount_due: Money,
    ) -> PaymentState {
        let totals = Totals::of(movements);
        let last = |kinds: &[MovementKind]| {
            movements.iter().filter(|one| kinds.contains(&one.kind)).map(|one| one.at).max()
        };
        let refunded_at = last(&[MovementKind::Refund, MovementKind::ResolvedManually]);
        // An administrator must decide as long as a refund is due, regardless of earlier refunds.
        let refund_due = totals.net_paid() > amount_due.amount();
        let refund_fails =
            totals.failed_refunds >= self.max_failed_refunds || self.refused.contains_key(&OrderKind::Refund);
        if let Some(paid_at) = last(&[MovementKind::Captured]) {
            return match refunded_at {
                _ if totals.disputed > 0 => PaymentState::Disputed,
                Some(refunded_at) if totals.refunded >= totals.captured => {
                    PaymentState::Refunded { refunded_at }
                }
                _ if refund_due && refund_fails => PaymentState::RefundFailed,
                Some(refunded_at) if totals.refunded > 0 => PaymentState::PartiallyRefunded { refunded_at },
                _ => PaymentState::Paid { paid_at },
            };
        }
        if self.state == PaymentState::Unpaid {
            return PaymentState::Unpaid;
        }
        match (snapshot.status, self.action_deadline) {
            (IntentStatus::Authorized { capture_before }, _) => PaymentState::Authorized { capture_before },
            (IntentStatus::Processing, _) => PaymentState::Processing,
            (IntentStatus::Cancelled | IntentStatus::Succeeded, _) => PaymentState::Cancelled,
            // This also applies if the saved card cannot be charged.
            (_, Some(deadline)) => PaymentState::ActionRequired { deadline },
            (IntentStatus::CardSaved, None) => PaymentState::CardSaved,
            (IntentStatus::Open | IntentStatus::Missing | IntentStatus::Approved, None) => PaymentState::Open,
        }
    }
}

#[cfg(test)]
mod tests;
