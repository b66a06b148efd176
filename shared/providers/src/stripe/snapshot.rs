//! Stripe's objects in the words of the ledger. Pure.
//!
//! Each movement that touches the platform's money names the object that Stripe's books name as the source of the line, so that
//! the two can be compared.

use app::payments::ports::{PayWith, PaymentError};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{IntentStatus, Payment, PaymentSnapshot};
use domain::{Currency, Money, Timestamp};

use super::convert::{CAPTURE_KEY, KEY, from_stripe};
use super::errors::{Failure, decline};
use super::wire::{
    ApplicationFee, BalanceTransaction, Charge, Dispute, Expandable, PaymentIntent, Refund, SetupIntent,
    Transfer,
};
use super::{AUTHORISATION_HOLDS, LATER_AUTHORISATION_HOLDS};

/// An intent with everything that hangs on it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its charge is taken out of it.
    pub(super) intent: PaymentIntent,
    /// None until the client's bank was asked.
    pub(super) charge: Option<Box<Charge>>,
    /// The charge's own, and those that were made after a dispute was won, oldest first.
    pub(super) transfers: Vec<Transfer>,
    /// Newest first.
    pub(super) disputes: Vec<Dispute>,
}

impl Found {
    /// What comes with an intent, of which everything was asked for: what came without itself must not count as nothing.
    pub(super) fn of(mut intent: PaymentIntent) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::Silence(format!("{what} came without what was asked for"));
        let charge = match intent.latest_charge.take() {
            None => None,
            Some(Expandable::Id(id)) => return Err(missing(&id)),
            Some(Expandable::Object(charge)) => Some(charge),
        };
        let mut transfers = Vec::new();
        if let Some(charge) = &charge {
            let fee_is_bare = matches!(charge.application_fee, Some(Expandable::Id(_)));
            match &charge.transfer {
                None => {}
                Some(Expandable::Id(id)) => return Err(missing(id)),
                Some(Expandable::Object(transfer)) => transfers.push(Transfer::clone(transfer)),
            }
            if fee_is_bare || charge.refunds.is_none() {
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

    /// The charge whose money moved. Of several only the last one can have succeeded; failed ones moved nothing.
    fn succeeded(&self) -> Option<&Charge> {
        self.charge.as_deref().filter(|charge| charge.status == "succeeded")
    }

    /// The transfer that the charge made by itself.
    pub(super) fn own_transfer(&self) -> Option<&Transfer> {
        let own = self.charge.as_deref()?.transfer.as_ref()?.object()?;
        self.transfers.iter().find(|transfer| transfer.id == own.id)
    }

    pub(super) fn application_fee(&self) -> Option<&ApplicationFee> {
        self.charge.as_deref()?.application_fee.as_ref()?.object()
    }

    /// Whether the expert can have been given something again: a dispute or a refund brought money back to the platform, or
    /// something was taken from the expert by another way than a refund.
    pub(super) fn may_be_given_again(&self) -> bool {
        let returned = || {
            self.disputes.iter().flat_map(|dispute| &dispute.balance_transactions).any(|line| line.amount > 0)
        };
        let reversals = || self.transfers.iter().flat_map(|transfer| &transfer.reversals.data);
        returned()
            || self.refunds().iter().any(refund_failed)
            || reversals().any(|reversal| reversal.source_refund.is_none())
    }
}

/// What a setup intent says. Nothing moves by saving a card.
pub(super) fn snapshot_of_setup(setup: &SetupIntent) -> PaymentSnapshot {
    let final_charge = || {
        let method = setup.payment_method.as_ref().and_then(Expandable::object);
        method.is_some_and(|method| method.customer.is_some())
    };
    let status = match setup.status.as_str() {
        "succeeded" if final_charge() => IntentStatus::CardSaved,
        // A card that was forgotten can never be asked again.
        "succeeded" | "canceled" => IntentStatus::Cancelled,
        word if can_act(word) => IntentStatus::Open,
        _ => IntentStatus::Processing,
    };
    let decline = setup.last_setup_error.as_ref().map(decline);
    PaymentSnapshot { status, movements: Vec::new(), open_dispute: false, lost_dispute: false, decline }
}

/// How the client goes on, while they can.
pub(super) fn pay_with(status: &str, client_secret: Option<&String>) -> PayWith {
    match client_secret {
        Some(secret) if can_act(status) => PayWith::ClientSecret(secret.clone()),
        _ => PayWith::Nothing,
    }
}

fn can_act(status: &str) -> bool {
    matches!(status, "requires_payment_method" | "requires_confirmation" | "requires_action")
}

/// What an intent and everything that hangs on it say.
///
/// # Errors
/// When an amount cannot be told in our words.
pub(super) fn snapshot(payment: &Payment, found: &Found) -> Result<PaymentSnapshot, PaymentError> {
    let intent = &found.intent;
    let status = match intent.status.as_str() {
        "succeeded" => IntentStatus::Succeeded,
        "canceled" => IntentStatus::Cancelled,
        "requires_capture" => IntentStatus::Authorised { capture_before: capture_before(payment, found)? },
        word if can_act(word) => IntentStatus::Open,
        // What we do not know may still turn out to be paid, so it is waited for.
        _ => IntentStatus::Processing,
    };
    let mut book = Book { currency: payment.amount.currency(), movements: Vec::new() };
    if let Some(charge) = found.succeeded() {
        book.charge(intent, charge)?;
        if charge.captured {
            for transfer in &found.transfers {
                book.transfer(transfer, found)?;
            }
            if let Some(fee) = found.application_fee() {
                book.fee(fee, found)?;
            }
            for refund in found.refunds().iter().rev() {
                book.refund(refund)?;
            }
            for dispute in found.disputes.iter().rev() {
                book.dispute(dispute)?;
            }
        }
    } else if status == IntentStatus::Succeeded {
        return Err(PaymentError::Unavailable(format!("{} succeeded without a charge", intent.id)));
    }
    let Book { mut movements, .. } = book;
    // The sort is stable: what happened in one second stays in the order of cause and effect.
    movements.sort_by_key(|movement| movement.at);
    let open_dispute = found.disputes.iter().any(|dispute| is_open(&dispute.status));
    let lost_dispute = found.disputes.iter().any(|dispute| dispute.status == "lost");
    let decline = intent.last_payment_error.as_ref().map(decline);
    Ok(PaymentSnapshot { status, movements, open_dispute, lost_dispute, decline })
}

/// Inquiries (`warning_…`) take no money and can be ended by a refund, so they hold nothing up. What we do not know is waited for.
fn is_open(status: &str) -> bool {
    !matches!(status, "won" | "lost" | "prevented") && !status.starts_with("warning_")
}

/// Until when an authorisation surely holds. Networks that do not say get the shortest time there is, less what taking it takes.
fn capture_before(payment: &Payment, found: &Found) -> Result<Timestamp, PaymentError> {
    let Some(charge) = found.succeeded() else {
        let reason = format!("{} waits to be captured without a charge", found.intent.id);
        return Err(PaymentError::Unavailable(reason));
    };
    let details = charge.payment_method_details.as_ref().and_then(|details| details.card.as_ref());
    let told = details.and_then(|card| card.capture_before);
    let holds = match payment.references.setup {
        Some(_) => LATER_AUTHORISATION_HOLDS,
        None => AUTHORISATION_HOLDS,
    };
    Ok(told.map_or(at(charge.created).plus(holds), at))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// What the bank of the refund's receiver did not take.
pub(super) fn refund_failed(refund: &Refund) -> bool {
    matches!(refund.status.as_deref(), Some("failed" | "canceled"))
}

/// The idempotency key of the order that made the charge's money move.
fn taken_with(intent: &PaymentIntent) -> Option<String> {
    let name = if intent.capture_method == "manual" { CAPTURE_KEY } else { KEY };
    intent.metadata.get(name).cloned()
}

struct Book {
    currency: Currency,
    movements: Vec<Movement>,
}

impl Book {
    fn add(&mut self, kind: MovementKind, amount: Money, object: &str, at: Timestamp, key: Option<String>) {
        if !amount.is_zero() {
            self.movements.push(Movement::new(kind, amount, object, at, key));
        }
    }

    /// An amount in the payment's currency. What is settled in another cannot be compared with what the client paid.
    fn money(&self, amount: i64, currency: &str) -> Result<Money, PaymentError> {
        let money = from_stripe(amount, currency)?;
        if money.currency() == self.currency {
            return Ok(money);
        }
        let charged = self.currency.code();
        Err(PaymentError::Unavailable(format!(
            "a payment in {charged} is settled in {currency}; give the platform's Stripe account a bank account in {charged}"
        )))
    }

    fn charge(&mut self, intent: &PaymentIntent, charge: &Charge) -> Result<(), PaymentError> {
        let manual = intent.capture_method == "manual";
        let authorised = self.money(charge.amount, &charge.currency)?;
        let captured =
            self.money(if charge.captured { charge.amount_captured } else { 0 }, &charge.currency)?;
        let line = charge.balance_transaction.as_ref().and_then(Expandable::object);
        let taken_at = at(line.map_or(charge.created, |line| line.created));
        if manual {
            let key = intent.metadata.get(KEY).cloned();
            self.add(MovementKind::Authorised, authorised, &charge.id, at(charge.created), key);
        }
        let key = taken_with(intent);
        if !captured.is_zero() {
            let whole = Movement::new(MovementKind::Captured, captured, &charge.id, taken_at, key.clone());
            self.movements.push(if manual { whole.from(Account::Authorised) } else { whole });
        }
        if manual && charge.captured {
            self.add(MovementKind::Released, authorised.less(captured), &charge.id, taken_at, key);
        } else if manual && intent.status == "canceled" {
            let released_at = at(intent.canceled_at.unwrap_or(charge.created));
            self.add(MovementKind::Released, authorised, &charge.id, released_at, None);
        }
        if let Some(line) = line.filter(|_| charge.captured) {
            // The gateway's price is in the currency of the platform's balance, and none of the expert's business.
            let fee = from_stripe(line.fee, &line.currency)?;
            self.add(MovementKind::ProcessingFee, fee, &charge.id, taken_at, None);
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer, found: &Found) -> Result<(), PaymentError> {
        let amount = self.money(transfer.amount, &transfer.currency)?;
        let ordered = transfer.metadata.get(KEY).cloned().or_else(|| taken_with(&found.intent));
        self.add(MovementKind::Transfer, amount, &transfer.id, at(transfer.created), ordered);
        for reversal in transfer.reversals.data.iter().rev() {
            let amount = self.money(reversal.amount, &reversal.currency)?;
            let refund = reversal.source_refund.as_ref().map(|refund| match refund {
                Expandable::Id(id) => id,
                Expandable::Object(refund) => &refund.id,
            });
            let cause = refund.and_then(|id| found.refunds().iter().find(|refund| refund.id == *id));
            let key = reversal.metadata.get(KEY).or_else(|| cause?.metadata.get(KEY)).cloned();
            self.add(MovementKind::Reversal, amount, &reversal.id, at(reversal.created), key);
        }
        Ok(())
    }

    fn fee(&mut self, fee: &ApplicationFee, found: &Found) -> Result<(), PaymentError> {
        let amount = self.money(fee.amount, &fee.currency)?;
        self.add(MovementKind::Fee, amount, &fee.id, at(fee.created), taken_with(&found.intent));
        for refund in fee.refunds.data.iter().rev() {
            let amount = self.money(refund.amount, &refund.currency)?;
            let key = refund.metadata.get(KEY).cloned();
            self.add(MovementKind::FeeRefund, amount, &refund.id, at(refund.created), key);
        }
        Ok(())
    }

    /// A refund that failed was one first: the money went out, and came back.
    fn refund(&mut self, refund: &Refund) -> Result<(), PaymentError> {
        let amount = self.money(refund.amount, &refund.currency)?;
        let created = at(refund.created);
        self.add(MovementKind::Refund, amount, &refund.id, created, refund.metadata.get(KEY).cloned());
        if refund_failed(refund) {
            let line = refund.failure_balance_transaction.as_ref().and_then(Expandable::object);
            let failed_at = line.map_or(created, |line| at(line.created));
            self.add(MovementKind::RefundFailed, amount, &refund.id, failed_at, None);
        }
        Ok(())
    }

    /// Only what was really taken, and given back, counts: an inquiry takes nothing.
    fn dispute(&mut self, dispute: &Dispute) -> Result<(), PaymentError> {
        let (back, taken): (Vec<_>, Vec<_>) =
            dispute.balance_transactions.iter().partition(|line| line.amount > 0);
        for (kind, lines) in [(MovementKind::Dispute, taken), (MovementKind::DisputeWon, back)] {
            for (place, line) in lines.into_iter().enumerate() {
                let BalanceTransaction { amount, fee, currency, created, .. } = line;
                // A second line of a kind would follow an appeal; only its own id keeps it apart from the first.
                let object = if place == 0 { &dispute.id } else { &line.id };
                let moved = self.money(amount.saturating_abs(), currency)?;
                self.add(kind, moved, object, at(*created), None);
                let price = from_stripe(fee.saturating_abs(), currency)?;
                match *fee {
                    0.. => self.add(MovementKind::DisputeFee, price, object, at(*created), None),
                    // Where Stripe returns its fee for a dispute that is won, the movement is the other way round.
                    _ => self.movements.push(Movement {
                        from: Account::Gateway,
                        to: Account::Platform,
                        ..Movement::new(MovementKind::ProcessingFee, price, object, at(*created), None)
                    }),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
