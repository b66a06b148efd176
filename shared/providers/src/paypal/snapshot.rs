//! PayPal's objects in the words of the ledger. Pure.
//!
//! A payment goes to the expert, who pays PayPal's price and the platform's fee out of it, so what the client paid is written as
//! passed on whole and the two taken off again. A refund comes from the expert, and the platform adds its fee of it. What is
//! disputed is taken from the expert alone, and the platform's fee of it stays where it is.

use app::payments::ports::{PayWith, PaymentError};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, Payment, PaymentSnapshot};
use domain::{Money, Timestamp};

use super::AUTHORISATION_LASTS;
use super::convert::{fee_of, from_paypal, key};
use super::wire::{Authorization, Capture, Dispute, Order, Payments, Refund, link};

/// An order with everything that hangs on it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) order: Order,
    pub(super) disputes: Vec<Dispute>,
}

/// How far a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Received,
    /// An eCheck, or something that we do not know: it may still be paid.
    UnderWay,
    Never,
}

fn taken(capture: &Capture) -> Taken {
    match capture.status.as_str() {
        "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED" => Taken::Received,
        "DECLINED" | "FAILED" => Taken::Never,
        _ => Taken::UnderWay,
    }
}

impl Order {
    /// What was made of it. We make orders of one unit.
    pub(super) fn payments(&self) -> Option<&Payments> {
        self.purchase_units.first().map(|unit| &unit.payments)
    }

    pub(super) fn captures(&self) -> &[Capture] {
        self.payments().map(|payments| payments.captures.as_slice()).unwrap_or_default()
    }

    /// The capture whose money came. Of several only one can have.
    pub(super) fn received(&self) -> Option<&Capture> {
        self.captures().iter().find(|capture| taken(capture) == Taken::Received)
    }

    /// Whether a capture was made that came to something, or still may.
    pub(super) fn is_being_captured(&self) -> bool {
        self.captures().iter().any(|capture| taken(capture) != Taken::Never)
    }

    /// The authorisation that the client gave. Others renew it.
    pub(super) fn authorisation(&self) -> Option<&Authorization> {
        self.payments()?.authorizations.iter().min_by_key(|authorisation| authorisation.create_time)
    }

    /// The authorisation that is to be captured: the one that renewed the first, if one did.
    pub(super) fn newest_authorisation(&self) -> Option<&Authorization> {
        self.payments()?.authorizations.iter().max_by_key(|authorisation| authorisation.create_time)
    }

    /// The refunds that took money, or still may.
    pub(super) fn refunds_in_force(&self) -> Vec<&Refund> {
        let refunds = self.payments().map(|payments| payments.refunds.as_slice()).unwrap_or_default();
        refunds.iter().filter(|refund| !failed(refund)).collect()
    }
}

/// The expert's bank did not pay the refund.
fn failed(refund: &Refund) -> bool {
    matches!(refund.status.as_str(), "FAILED" | "CANCELLED")
}

/// How the client goes on, while they can.
pub(super) fn pay_with(order: &Order) -> PayWith {
    match status(order) {
        IntentStatus::Open => link(&order.links, "payer-action")
            .or_else(|| link(&order.links, "approve"))
            .map_or(PayWith::Nothing, |page| PayWith::Page(page.to_owned())),
        _ => PayWith::Nothing,
    }
}

/// How far an order is. What we do not know may still turn out to be paid, so it is waited for.
pub(super) fn status(order: &Order) -> IntentStatus {
    match order.status.as_str() {
        "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED" => IntentStatus::Open,
        "APPROVED" => IntentStatus::Approved,
        "VOIDED" => IntentStatus::Cancelled,
        "COMPLETED" if order.received().is_some() => IntentStatus::Succeeded,
        "COMPLETED" if order.is_being_captured() => IntentStatus::Processing,
        "COMPLETED" => match order.authorisation() {
            Some(authorisation) => status_of_authorisation(authorisation),
            None if order.captures().is_empty() => IntentStatus::Processing,
            None => IntentStatus::Cancelled,
        },
        _ => IntentStatus::Processing,
    }
}

/// Of one that nothing came of yet.
fn status_of_authorisation(authorisation: &Authorization) -> IntentStatus {
    match authorisation.status.as_str() {
        "CREATED" | "PARTIALLY_CAPTURED" => {
            let told = authorisation.expiration_time.map(|time| time.0);
            let counted = || authorisation.create_time.0.plus(AUTHORISATION_LASTS);
            IntentStatus::Authorised { capture_before: told.unwrap_or_else(counted) }
        }
        // One that was captured by an eCheck that bounced lets nothing be captured again.
        "CAPTURED" | "DENIED" | "VOIDED" => IntentStatus::Cancelled,
        _ => IntentStatus::Processing,
    }
}

/// What an order and everything that hangs on it say.
///
/// # Errors
/// When an amount cannot be told in our words.
pub(super) fn snapshot(payment: &Payment, found: &Found) -> Result<PaymentSnapshot, PaymentError> {
    let Found { order, disputes } = found;
    let mut book = Book { payment, movements: Vec::new() };
    if let Some(authorisation) = order.authorisation() {
        book.authorisation(authorisation, order)?;
    }
    if let Some(capture) = order.received() {
        book.capture(capture, order)?;
        for refund in refunds_besides_disputes(order, disputes)? {
            book.refund(refund)?;
        }
        for dispute in disputes {
            book.dispute(dispute)?;
        }
    }
    let Book { mut movements, .. } = book;
    // The sort is stable: what happened in one second stays in the order of cause and effect.
    movements.sort_by_key(|movement| movement.at);
    let bounced = !order.captures().is_empty() && !order.is_being_captured();
    Ok(PaymentSnapshot {
        status: status(order),
        movements,
        open_dispute: disputes.iter().any(|dispute| decided(dispute) == Decided::Open),
        lost_dispute: disputes.iter().any(|dispute| decided(dispute) == Decided::Lost),
        decline: bounced.then_some(Decline::Refused),
    })
}

/// PayPal writes what a client won by a dispute down as a refund too, which then carries nothing of ours. Its money went with the
/// dispute.
fn refunds_besides_disputes<'a>(
    order: &'a Order,
    disputes: &[Dispute],
) -> Result<Vec<&'a Refund>, PaymentError> {
    let refunds = order.payments().map(|payments| payments.refunds.as_slice()).unwrap_or_default();
    let mut others: Vec<&Refund> = refunds.iter().collect();
    for dispute in disputes {
        let Decided::Lost = decided(dispute) else { continue };
        let lost = lost(dispute)?;
        let mut same = Vec::new();
        for (place, refund) in others.iter().enumerate() {
            let later = refund.create_time >= dispute.create_time;
            if later && refund.invoice_id.is_none() && from_paypal(&refund.amount)? == lost {
                same.push(place);
            }
        }
        if let Some(place) = same.first() {
            others.remove(*place);
        }
    }
    Ok(others)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// The two still talk with each other, and the expert has their money.
    NotYetOpen,
    Open,
    Lost,
    Won,
}

/// Who won (<https://developer.paypal.com/docs/api/customer-disputes/v1/#definition-dispute_outcome>). An outcome that we do not
/// know is waited for.
fn decided(dispute: &Dispute) -> Decided {
    if dispute.dispute_life_cycle_stage.as_deref() == Some("INQUIRY") {
        return Decided::NotYetOpen;
    }
    let outcome = dispute.dispute_outcome.as_ref().filter(|_| dispute.status == "RESOLVED");
    match outcome.map(|outcome| outcome.outcome_code.as_str()) {
        Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED") => Decided::Lost,
        // PayPal pays the client itself (`RESOLVED_WITH_PAYOUT`), or the client gave up.
        Some("RESOLVED_SELLER_FAVOUR" | "RESOLVED_WITH_PAYOUT" | "CANCELED_BY_BUYER" | "DENIED") => {
            Decided::Won
        }
        _ => Decided::Open,
    }
}

/// What the client got of what they disputed.
fn lost(dispute: &Dispute) -> Result<Money, PaymentError> {
    let told = dispute.dispute_outcome.as_ref().and_then(|outcome| outcome.amount_refunded.as_ref());
    from_paypal(told.unwrap_or(&dispute.dispute_amount))
}

struct Book<'a> {
    payment: &'a Payment,
    movements: Vec<Movement>,
}

impl Book<'_> {
    fn add(&mut self, kind: MovementKind, amount: Money, object: &str, at: Timestamp, key: Option<&str>) {
        if !amount.is_zero() {
            self.movements.push(Movement::new(kind, amount, object, at, key.map(str::to_owned)));
        }
    }

    /// By which the client's approval was turned into money, or into a promise of it.
    fn take_key(&self) -> String {
        key(self.payment, "take", self.payment.intents)
    }

    fn authorisation(&mut self, authorisation: &Authorization, order: &Order) -> Result<(), PaymentError> {
        let Authorization { id, status, amount, create_time, update_time, .. } = authorisation;
        if !matches!(status.as_str(), "CREATED" | "PARTIALLY_CAPTURED" | "CAPTURED" | "VOIDED") {
            return Ok(());
        }
        let amount = from_paypal(amount)?;
        let key = self.take_key();
        self.add(MovementKind::Authorised, amount, id, create_time.0, Some(&key));
        let received = order.received().map(|capture| from_paypal(&capture.amount)).transpose()?;
        let under_way = order.is_being_captured() && received.is_none();
        if !under_way && matches!(status.as_str(), "CAPTURED" | "VOIDED") {
            let released = amount.less(received.unwrap_or(amount.nothing()));
            let at = update_time.unwrap_or(*create_time).0;
            self.add(MovementKind::Released, released, id, at, None);
        }
        Ok(())
    }

    fn capture(&mut self, capture: &Capture, order: &Order) -> Result<(), PaymentError> {
        let Capture { id, amount, create_time, update_time, seller_receivable_breakdown, .. } = capture;
        let amount = from_paypal(amount)?;
        // An eCheck clears days after it was given; once something came back, the change was another one.
        let changed = update_time.filter(|_| capture.status == "COMPLETED");
        let at = changed.unwrap_or(*create_time).0;
        let authorised = order.authorisation().is_some();
        let key = if authorised { capture_key(self.payment, order, capture) } else { self.take_key() };
        let captured = Movement::new(MovementKind::Captured, amount, id, at, Some(key.clone()));
        self.movements.push(if authorised { captured.from(Account::Authorised) } else { captured });
        self.add(MovementKind::Transfer, amount, id, at, Some(&key));
        let breakdown = seller_receivable_breakdown.as_ref();
        self.add(MovementKind::Fee, fee_of(breakdown, amount.nothing())?, id, at, Some(&key));
        if let Some(price) = breakdown.and_then(|breakdown| breakdown.paypal_fee.as_ref()) {
            let price = from_paypal(price)?;
            if !price.is_zero() {
                let price = Movement::new(MovementKind::ProcessingFee, price, id, at, None);
                self.movements.push(price.from(Account::Expert));
            }
        }
        Ok(())
    }

    /// A refund that failed was one first: it was ordered, and all of it came back.
    fn refund(&mut self, refund: &Refund) -> Result<(), PaymentError> {
        let Refund { id, amount, create_time, update_time, invoice_id, seller_payable_breakdown, .. } =
            refund;
        let amount = from_paypal(amount)?;
        let fee = fee_of(seller_payable_breakdown.as_ref(), amount.nothing())?;
        let ours = format!("{}:", self.payment.appointment);
        let key = invoice_id.as_deref().filter(|invoice| invoice.starts_with(&ours));
        self.add(MovementKind::Refund, amount, id, create_time.0, key);
        self.add(MovementKind::Reversal, amount, id, create_time.0, key);
        self.add(MovementKind::FeeRefund, fee, id, create_time.0, key);
        if failed(refund) {
            let at = update_time.unwrap_or(*create_time).0;
            self.add(MovementKind::RefundFailed, amount, id, at, None);
            self.add(MovementKind::Transfer, amount, id, at, None);
            self.add(MovementKind::Fee, fee, id, at, None);
        }
        Ok(())
    }

    /// While a dispute is open PayPal keeps what it is about. That is written as gone to the client, who has it if they win.
    fn dispute(&mut self, dispute: &Dispute) -> Result<(), PaymentError> {
        let Dispute { dispute_id, create_time, update_time, dispute_amount, .. } = dispute;
        let disputed = from_paypal(dispute_amount)?;
        let won = match decided(dispute) {
            Decided::NotYetOpen => return Ok(()),
            Decided::Open => disputed.nothing(),
            Decided::Lost => disputed.less(lost(dispute)?),
            Decided::Won => disputed,
        };
        self.add(MovementKind::Dispute, disputed, dispute_id, create_time.0, None);
        self.add(MovementKind::Reversal, disputed, dispute_id, create_time.0, None);
        let at = update_time.unwrap_or(*create_time).0;
        self.add(MovementKind::DisputeWon, won, dispute_id, at, None);
        self.add(MovementKind::Transfer, won, dispute_id, at, None);
        Ok(())
    }
}

/// The key of the capture of an authorisation. One that was declined is followed by another, under another key.
pub(super) fn next_capture_key(payment: &Payment, before: usize) -> String {
    key(payment, "capture", format_args!("{}.{}", payment.intents, before + 1))
}

fn capture_key(payment: &Payment, order: &Order, capture: &Capture) -> String {
    let before = order.captures().iter().filter(|other| other.create_time < capture.create_time).count();
    next_capture_key(payment, before)
}

#[cfg(test)]
mod tests;
