//! Converts the objects of a payment to its status and movements. Pure.
//!
//! A movement that changes the platform's balance names the object that is the source of the line in Stripe's books. The ledger
//! and the books are reconciled by these names.

use app::payments::ports::{GatewayError, PayWith};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{IntentStatus, Payment, PaymentSnapshot};
use domain::payments::payout::PayoutTiming;
use domain::{Currency, Money, Timestamp};

use super::charges::{AUTHORIZATION_HOLDS, LATER_AUTHORIZATION_HOLDS};
use super::convert::{CAPTURE_IDEMPOTENCY_KEY_METADATA, IDEMPOTENCY_KEY_METADATA, from_stripe, platform_fee};
use super::errors::{Failure, decline};
use super::wire::{
    ApplicationFee, BalanceTransaction, Charge, Dispute, Expandable, PaymentIntent, Refund, SetupIntent,
    Transfer,
};

/// An intent with the objects that belong to it.
#[derive(Debug, Clone)]
pub(super) struct PaymentObjects {
    /// Without its charge, which is in `charge`.
    pub(super) intent: PaymentIntent,
    /// The latest attempt to charge the client; none before the first.
    pub(super) charge: Option<Box<Charge>>,
    /// The transfer that the charge created, and those that were created after a dispute was won, oldest first.
    pub(super) transfers: Vec<Transfer>,
    /// The charge's disputes, newest first.
    pub(super) disputes: Vec<Dispute>,
}

impl PaymentObjects {
    /// Takes the objects out of an expanded intent.
    ///
    /// # Errors
    /// If a member was not expanded: it must not count as absent.
    pub(super) fn from_intent(mut intent: PaymentIntent) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::Unavailable(format!("{what} was not expanded"));
        let charge = match intent.latest_charge.take() {
            None => None,
            Some(Expandable::Id(id)) => return Err(missing(&id)),
            Some(Expandable::Object(charge)) => Some(charge),
        };
        let mut transfers = Vec::new();
        if let Some(charge) = &charge {
            let fee_is_id = matches!(charge.application_fee, Some(Expandable::Id(_)));
            match &charge.transfer {
                None => {}
                Some(Expandable::Id(id)) => return Err(missing(id)),
                Some(Expandable::Object(transfer)) => transfers.push(Transfer::clone(transfer)),
            }
            if fee_is_id || charge.refunds.is_none() {
                return Err(missing(&charge.id));
            }
        }
        Ok(Self { intent, charge, transfers, disputes: Vec::new() })
    }

    /// The charge's refunds, newest first.
    pub(super) fn refunds(&self) -> &[Refund] {
        let refunds = self.charge.as_deref().and_then(|charge| charge.refunds.as_ref());
        refunds.map_or(&[], |refunds| &refunds.data)
    }

    /// The charge that succeeded. Only the latest charge of an intent can; failed charges move no money.
    fn succeeded(&self) -> Option<&Charge> {
        self.charge.as_deref().filter(|charge| charge.status == "succeeded")
    }

    /// The transfer that the charge created.
    pub(super) fn own_transfer(&self) -> Option<&Transfer> {
        let own = self.charge.as_deref()?.transfer.as_ref()?.object()?;
        self.transfers.iter().find(|transfer| transfer.id == own.id)
    }

    pub(super) fn application_fee(&self) -> Option<&ApplicationFee> {
        self.charge.as_deref()?.application_fee.as_ref()?.object()
    }

    /// Whether the platform may have transferred money to the expert again. It may have if a dispute or a failed refund returned
    /// money to the platform, or if a transfer was reversed without a refund. Money that the platform holds leads to a transfer later.
    pub(super) fn may_have_later_transfers(&self, payment: &Payment) -> bool {
        let returned = || {
            self.disputes.iter().flat_map(|dispute| &dispute.balance_transactions).any(|line| line.amount > 0)
        };
        let reversals = || self.transfers.iter().flat_map(|transfer| &transfer.reversals.data);
        let captured = self.succeeded().is_some_and(|charge| charge.captured);
        (captured && payment.payout_timing == PayoutTiming::AfterSession)
            || returned()
            || self.refunds().iter().any(refund_failed)
            || reversals().any(|reversal| reversal.source_refund.is_none())
    }
}

/// The state of a setup intent. Saving a card moves no money.
pub(super) fn snapshot_of_setup(setup: &SetupIntent) -> PaymentSnapshot {
    let is_attached = || {
        let method = setup.payment_method.as_ref().and_then(Expandable::object);
        method.is_some_and(|method| method.customer.is_some())
    };
    let status = match setup.status.as_str() {
        "succeeded" if is_attached() => IntentStatus::CardSaved,
        // A card that was detached can never be charged again.
        "succeeded" | "canceled" => IntentStatus::Cancelled,
        status if client_can_act(status) => IntentStatus::Open,
        _ => IntentStatus::Processing,
    };
    let decline = setup.last_setup_error.as_ref().map(decline);
    PaymentSnapshot {
        status,
        movements: Vec::new(),
        open_dispute: false,
        lost_dispute: false,
        decline,
        paid_with: None,
        releases_at: None,
    }
}

/// How the client can pay, if they still can.
pub(super) fn pay_with(status: &str, client_secret: Option<&String>) -> PayWith {
    match client_secret {
        Some(secret) if client_can_act(status) => PayWith::ClientSecret(secret.clone()),
        _ => PayWith::None,
    }
}

fn client_can_act(status: &str) -> bool {
    matches!(status, "requires_payment_method" | "requires_confirmation" | "requires_action")
}

/// The status and all movements of a payment.
///
/// # Errors
/// If an amount cannot be represented.
pub(super) fn snapshot(payment: &Payment, objects: &PaymentObjects) -> Result<PaymentSnapshot, GatewayError> {
    let intent = &objects.intent;
    let status = match intent.status.as_str() {
        "succeeded" => IntentStatus::Succeeded,
        "canceled" => IntentStatus::Cancelled,
        "requires_capture" => IntentStatus::Authorized { capture_before: capture_before(payment, objects)? },
        status if client_can_act(status) => IntentStatus::Open,
        // An unknown status may still lead to a payment, so it counts as pending.
        _ => IntentStatus::Processing,
    };
    let mut recorder = Recorder { currency: payment.amount.currency(), movements: Vec::new() };
    if let Some(charge) = objects.succeeded() {
        recorder.charge(intent, charge)?;
        if charge.captured {
            for transfer in &objects.transfers {
                recorder.transfer(transfer, objects)?;
            }
            if let Some(fee) = objects.application_fee() {
                recorder.fee(fee, objects)?;
            }
            for refund in objects.refunds().iter().rev() {
                recorder.refund(refund)?;
            }
            for dispute in objects.disputes.iter().rev() {
                recorder.dispute(dispute)?;
            }
        }
    } else if status == IntentStatus::Succeeded {
        return Err(GatewayError::Unavailable(format!("{} succeeded without a charge", intent.id)));
    }
    let mut movements = recorder.movements;
    // The sort is stable, so movements of the same second stay in the order in which they were recorded, cause before effect.
    movements.sort_by_key(|movement| movement.at);
    let open_dispute = objects.disputes.iter().any(|dispute| is_open(&dispute.status));
    let lost_dispute = objects.disputes.iter().any(|dispute| dispute.status == "lost");
    let decline = intent.last_payment_error.as_ref().map(decline);
    let charge = objects.succeeded().and_then(|charge| charge.payment_method_details.as_ref());
    let paid_with = charge.and_then(|details| details.card.as_ref()?.fingerprint.clone());
    Ok(PaymentSnapshot {
        status,
        movements,
        open_dispute,
        lost_dispute,
        decline,
        paid_with,
        releases_at: None,
    })
}

/// Inquiries (`warning_…`) withdraw no money and can be ended by a refund, so they do not count as open. An unknown status does.
fn is_open(status: &str) -> bool {
    !matches!(status, "won" | "lost" | "prevented") && !status.starts_with("warning_")
}

/// Until when the authorization can be captured. If the card network does not report it, the shortest guaranteed time counts.
fn capture_before(payment: &Payment, objects: &PaymentObjects) -> Result<Timestamp, GatewayError> {
    let Some(charge) = objects.succeeded() else {
        let reason = format!("{} requires capture but has no charge", objects.intent.id);
        return Err(GatewayError::Unavailable(reason));
    };
    let details = charge.payment_method_details.as_ref().and_then(|details| details.card.as_ref());
    let reported = details.and_then(|card| card.capture_before);
    let holds = match payment.references.setup {
        Some(_) => LATER_AUTHORIZATION_HOLDS,
        None => AUTHORIZATION_HOLDS,
    };
    Ok(reported.map_or(at(charge.created).plus(holds), at))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Whether the client's bank rejected the refund, or the refund was cancelled.
pub(super) fn refund_failed(refund: &Refund) -> bool {
    matches!(refund.status.as_deref(), Some("failed" | "canceled"))
}

/// The idempotency key of the order that captured the charge.
fn capture_key(intent: &PaymentIntent) -> Option<String> {
    let name = if intent.capture_method == "manual" {
        CAPTURE_IDEMPOTENCY_KEY_METADATA
    } else {
        IDEMPOTENCY_KEY_METADATA
    };
    intent.metadata.get(name).cloned()
}

/// Collects movements in the order of cause and effect.
struct Recorder {
    currency: Currency,
    movements: Vec<Movement>,
}

impl Recorder {
    fn add(&mut self, kind: MovementKind, amount: Money, object: &str, at: Timestamp, key: Option<String>) {
        if !amount.is_zero() {
            self.movements.push(Movement::new(kind, amount, object, at, key));
        }
    }

    /// Converts an amount in the payment's currency.
    ///
    /// # Errors
    /// If the amount is in another currency: it cannot be compared with what the client paid.
    fn money(&self, amount: i64, currency: &str) -> Result<Money, GatewayError> {
        let money = from_stripe(amount, currency)?;
        if money.currency() == self.currency {
            return Ok(money);
        }
        let charged = self.currency.code();
        Err(GatewayError::Unavailable(format!(
            "a payment in {charged} is settled in {currency}; give the platform's Stripe account a bank account in {charged}"
        )))
    }

    fn charge(&mut self, intent: &PaymentIntent, charge: &Charge) -> Result<(), GatewayError> {
        let manual = intent.capture_method == "manual";
        let authorized = self.money(charge.amount, &charge.currency)?;
        let captured =
            self.money(if charge.captured { charge.amount_captured } else { 0 }, &charge.currency)?;
        let line = charge.balance_transaction.as_ref().and_then(Expandable::object);
        let captured_at = at(line.map_or(charge.created, |line| line.created));
        if manual {
            let key = intent.metadata.get(IDEMPOTENCY_KEY_METADATA).cloned();
            self.add(MovementKind::Authorized, authorized, &charge.id, at(charge.created), key);
        }
        let key = capture_key(intent);
        if !captured.is_zero() {
            let movement =
                Movement::new(MovementKind::Captured, captured, &charge.id, captured_at, key.clone());
            self.movements.push(if manual { movement.with_source(Account::Authorized) } else { movement });
        }
        if manual && charge.captured {
            self.add(
                MovementKind::Released,
                authorized.saturating_sub(captured),
                &charge.id,
                captured_at,
                key,
            );
        } else if manual && intent.status == "canceled" {
            let released_at = at(intent.canceled_at.unwrap_or(charge.created));
            self.add(MovementKind::Released, authorized, &charge.id, released_at, None);
        }
        if let Some(line) = line.filter(|_| charge.captured) {
            // Stripe's own fee is in the currency of the platform's balance. The platform pays it.
            let fee = from_stripe(line.fee, &line.currency)?;
            self.add(MovementKind::ProcessingFee, fee, &charge.id, captured_at, None);
        }
        Ok(())
    }

    /// A transfer that is net of the platform's fee has two movements, and so has its reversal.
    fn transfer(&mut self, transfer: &Transfer, objects: &PaymentObjects) -> Result<(), GatewayError> {
        let fee = platform_fee(&transfer.metadata);
        let amount = self.money(transfer.amount.saturating_add(fee), &transfer.currency)?;
        let fee = self.money(fee, &transfer.currency)?;
        let key =
            transfer.metadata.get(IDEMPOTENCY_KEY_METADATA).cloned().or_else(|| capture_key(&objects.intent));
        self.add(MovementKind::Transfer, amount, &transfer.id, at(transfer.created), key.clone());
        self.add(MovementKind::Fee, fee, &transfer.id, at(transfer.created), key);
        for reversal in transfer.reversals.data.iter().rev() {
            let fee = platform_fee(&reversal.metadata);
            let amount = self.money(reversal.amount.saturating_add(fee), &reversal.currency)?;
            let fee = self.money(fee, &reversal.currency)?;
            let refund = reversal.source_refund.as_ref().map(|refund| match refund {
                Expandable::Id(id) => id,
                Expandable::Object(refund) => &refund.id,
            });
            let cause = refund.and_then(|id| objects.refunds().iter().find(|refund| refund.id == *id));
            let key = reversal
                .metadata
                .get(IDEMPOTENCY_KEY_METADATA)
                .or_else(|| cause?.metadata.get(IDEMPOTENCY_KEY_METADATA))
                .cloned();
            self.add(MovementKind::Reversal, amount, &reversal.id, at(reversal.created), key.clone());
            self.add(MovementKind::FeeRefund, fee, &reversal.id, at(reversal.created), key);
        }
        Ok(())
    }

    fn fee(&mut self, fee: &ApplicationFee, objects: &PaymentObjects) -> Result<(), GatewayError> {
        let amount = self.money(fee.amount, &fee.currency)?;
        self.add(MovementKind::Fee, amount, &fee.id, at(fee.created), capture_key(&objects.intent));
        for refund in fee.refunds.data.iter().rev() {
            let amount = self.money(refund.amount, &refund.currency)?;
            let key = refund.metadata.get(IDEMPOTENCY_KEY_METADATA).cloned();
            self.add(MovementKind::FeeRefund, amount, &refund.id, at(refund.created), key);
        }
        Ok(())
    }

    /// A refund that failed has two movements: the money went out, and came back.
    fn refund(&mut self, refund: &Refund) -> Result<(), GatewayError> {
        let amount = self.money(refund.amount, &refund.currency)?;
        let created = at(refund.created);
        self.add(
            MovementKind::Refund,
            amount,
            &refund.id,
            created,
            refund.metadata.get(IDEMPOTENCY_KEY_METADATA).cloned(),
        );
        if refund_failed(refund) {
            let line = refund.failure_balance_transaction.as_ref().and_then(Expandable::object);
            let failed_at = line.map_or(created, |line| at(line.created));
            self.add(MovementKind::RefundFailed, amount, &refund.id, failed_at, None);
        }
        Ok(())
    }

    /// Only withdrawals and returns of money count, because an inquiry withdraws nothing.
    fn dispute(&mut self, dispute: &Dispute) -> Result<(), GatewayError> {
        let (returned, withdrawn): (Vec<_>, Vec<_>) =
            dispute.balance_transactions.iter().partition(|line| line.amount > 0);
        for (kind, lines) in [(MovementKind::Dispute, withdrawn), (MovementKind::DisputeWon, returned)] {
            for (place, line) in lines.into_iter().enumerate() {
                let BalanceTransaction { amount, fee, currency, created, .. } = line;
                // An appeal would add a second line of the same kind. Its own id distinguishes it from the first.
                let object = if place == 0 { &dispute.id } else { &line.id };
                let disputed = self.money(amount.saturating_abs(), currency)?;
                self.add(kind, disputed, object, at(*created), None);
                let fee_amount = from_stripe(fee.saturating_abs(), currency)?;
                match *fee {
                    0.. => self.add(MovementKind::DisputeFee, fee_amount, object, at(*created), None),
                    // Stripe may return its fee when a dispute is won.
                    _ => self.movements.push(Movement {
                        from: Account::Gateway,
                        to: Account::Platform,
                        ..Movement::new(MovementKind::ProcessingFee, fee_amount, object, at(*created), None)
                    }),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
