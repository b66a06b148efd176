//! Converts the objects of a payment to its status and movements. Pure.
//!
//! A payment goes to the expert, who pays PayPal's fee and the platform's fee out of it. It is recorded as a transfer of the whole
//! amount to the expert, followed by the two fees. The expert pays a refund, to which the platform contributes its fee of that
//! amount. Disputed amounts are taken from the expert alone; the platform keeps its fee of them.
//!
//! While PayPal holds a payment, the ledger has the money on the platform's account, which decides about it, and refunds and disputed
//! amounts come from there. What moves between the platform and the expert is recorded when PayPal releases the rest: the whole
//! amount, the fee, and the expert's part of each refund and dispute before. Only PayPal's own fee is the expert's from the
//! beginning. PayPal does not document when it collects the platform's fee of what it holds; the ledger has it at the release.

use app::payments::ports::{GatewayError, PayWith};
use domain::payments::ledger::{Account, Movement, MovementKind};
use domain::payments::payment::{Decline, IntentStatus, Payment, PaymentSnapshot};
use domain::{Money, Timestamp};

use super::charges::AUTHORIZATION_LASTS;
use super::convert::{fee_of, from_paypal, key};
use super::hold::releases_at;
use super::wire::{Authorization, Capture, Dispute, Order, Payments, Refund, link};

/// An order with its disputes.
#[derive(Debug, Clone)]
pub(super) struct PaymentObjects {
    pub(super) order: Order,
    pub(super) disputes: Vec<Dispute>,
}

/// The state of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CaptureState {
    Received,
    /// Under review by PayPal, an eCheck, or an unknown status. The money may still arrive.
    Pending,
    Failed,
}

fn state(capture: &Capture) -> CaptureState {
    match capture.status.as_str() {
        "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED" => CaptureState::Received,
        "DECLINED" | "FAILED" => CaptureState::Failed,
        _ => CaptureState::Pending,
    }
}

impl Order {
    /// The payments of the order. We create orders with one purchase unit.
    pub(super) fn payments(&self) -> Option<&Payments> {
        self.purchase_units.first().map(|unit| &unit.payments)
    }

    pub(super) fn captures(&self) -> &[Capture] {
        self.payments().map(|payments| payments.captures.as_slice()).unwrap_or_default()
    }

    /// The capture that succeeded. Only one of several can.
    pub(super) fn received(&self) -> Option<&Capture> {
        self.captures().iter().find(|capture| state(capture) == CaptureState::Received)
    }

    /// Whether a capture succeeded, or still may.
    pub(super) fn is_being_captured(&self) -> bool {
        self.captures().iter().any(|capture| state(capture) != CaptureState::Failed)
    }

    /// The authorization by the client. Later ones renew it.
    pub(super) fn authorization(&self) -> Option<&Authorization> {
        self.payments()?.authorizations.iter().min_by_key(|authorization| authorization.create_time)
    }

    /// The authorization to capture: the renewed one, if there is one.
    pub(super) fn newest_authorization(&self) -> Option<&Authorization> {
        self.payments()?.authorizations.iter().max_by_key(|authorization| authorization.create_time)
    }

    /// The refunds that moved money, or still may.
    pub(super) fn refunds_in_force(&self) -> Vec<&Refund> {
        let refunds = self.payments().map(|payments| payments.refunds.as_slice()).unwrap_or_default();
        refunds.iter().filter(|refund| !failed(refund)).collect()
    }
}

/// Whether the refund failed, because the expert's bank did not pay it.
fn failed(refund: &Refund) -> bool {
    matches!(refund.status.as_str(), "FAILED" | "CANCELLED")
}

/// How the client can pay, if they still can.
pub(super) fn pay_with(order: &Order) -> PayWith {
    match status(order) {
        IntentStatus::Open => link(&order.links, "payer-action")
            .or_else(|| link(&order.links, "approve"))
            .map_or(PayWith::None, |page| PayWith::Page(page.to_owned())),
        _ => PayWith::None,
    }
}

/// The status of an order. An unknown one may still lead to a payment, so it counts as pending.
pub(super) fn status(order: &Order) -> IntentStatus {
    match order.status.as_str() {
        "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED" => IntentStatus::Open,
        "APPROVED" => IntentStatus::Approved,
        "VOIDED" => IntentStatus::Cancelled,
        "COMPLETED" if order.received().is_some() => IntentStatus::Succeeded,
        "COMPLETED" if order.is_being_captured() => IntentStatus::Processing,
        "COMPLETED" => match order.authorization() {
            Some(authorization) => status_of_authorization(authorization),
            None if order.captures().is_empty() => IntentStatus::Processing,
            None => IntentStatus::Cancelled,
        },
        _ => IntentStatus::Processing,
    }
}

/// The status of an authorization without a successful or pending capture.
fn status_of_authorization(authorization: &Authorization) -> IntentStatus {
    match authorization.status.as_str() {
        "CREATED" | "PARTIALLY_CAPTURED" => {
            let reported = authorization.expiration_time.map(|time| time.0);
            let computed = || authorization.create_time.0.plus(AUTHORIZATION_LASTS);
            IntentStatus::Authorized { capture_before: reported.unwrap_or_else(computed) }
        }
        // After a pending capture failed, the authorization counts as captured and cannot be captured again.
        "CAPTURED" | "DENIED" | "VOIDED" => IntentStatus::Cancelled,
        _ => IntentStatus::Processing,
    }
}

/// The status and all movements of a payment at this time.
///
/// # Errors
/// If an amount cannot be represented.
pub(super) fn snapshot(
    payment: &Payment,
    objects: &PaymentObjects,
    now: Timestamp,
) -> Result<PaymentSnapshot, GatewayError> {
    let PaymentObjects { order, disputes } = objects;
    let releases_at = order.received().and_then(|capture| releases_at(payment, capture.create_time.0));
    let share = match releases_at {
        None => HeldShare::NotHeld,
        Some(by_itself) => {
            let released_at = payment.released_at.into_iter().chain([by_itself]).min();
            released_at.filter(|at| *at <= now).map_or(HeldShare::Held, HeldShare::Released)
        }
    };
    let mut recorder = Recorder { payment, share, movements: Vec::new() };
    if let Some(authorization) = order.authorization() {
        recorder.authorization(authorization, order)?;
    }
    if let Some(capture) = order.received() {
        recorder.capture(capture, order)?;
        for refund in refunds_besides_disputes(order, disputes)? {
            recorder.refund(refund)?;
        }
        for dispute in disputes {
            recorder.dispute(dispute)?;
        }
    }
    let mut movements = recorder.movements;
    // The sort is stable, so movements of the same second stay in the order in which they were recorded, cause before effect.
    movements.sort_by_key(|movement| movement.at);
    let bounced = !order.captures().is_empty() && !order.is_being_captured();
    Ok(PaymentSnapshot {
        status: status(order),
        movements,
        open_dispute: disputes.iter().any(|dispute| dispute_state(dispute) == DisputeState::Open),
        lost_dispute: disputes.iter().any(|dispute| dispute_state(dispute) == DisputeState::Lost),
        decline: bounced.then_some(Decline::Refused),
        paid_with: order.payer.as_ref().and_then(|payer| payer.payer_id.clone()),
        releases_at: releases_at.filter(|_| share == HeldShare::Held),
    })
}

/// The refunds without those that belong to a dispute. PayPal also records a refund, without an invoice id of ours, for what a
/// client won by a dispute; its money is already counted with the dispute.
fn refunds_besides_disputes<'a>(
    order: &'a Order,
    disputes: &[Dispute],
) -> Result<Vec<&'a Refund>, GatewayError> {
    let refunds = order.payments().map(|payments| payments.refunds.as_slice()).unwrap_or_default();
    let mut others: Vec<&Refund> = refunds.iter().collect();
    for dispute in disputes {
        let DisputeState::Lost = dispute_state(dispute) else { continue };
        let lost = lost_amount(dispute)?;
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
enum DisputeState {
    /// Client and expert are still negotiating, and the expert has the money.
    Inquiry,
    Open,
    Lost,
    Won,
}

/// The state of a dispute (<https://developer.paypal.com/docs/api/customer-disputes/v1/#definition-dispute_outcome>). A dispute with an
/// unknown outcome counts as open.
fn dispute_state(dispute: &Dispute) -> DisputeState {
    if dispute.dispute_life_cycle_stage.as_deref() == Some("INQUIRY") {
        return DisputeState::Inquiry;
    }
    let outcome = dispute.dispute_outcome.as_ref().filter(|_| dispute.status == "RESOLVED");
    match outcome.map(|outcome| outcome.outcome_code.as_str()) {
        Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED") => DisputeState::Lost,
        // With `RESOLVED_WITH_PAYOUT`, PayPal itself pays the client.
        Some("RESOLVED_SELLER_FAVOUR" | "RESOLVED_WITH_PAYOUT" | "CANCELED_BY_BUYER" | "DENIED") => {
            DisputeState::Won
        }
        _ => DisputeState::Open,
    }
}

/// The part of the disputed amount that the client got.
fn lost_amount(dispute: &Dispute) -> Result<Money, GatewayError> {
    let reported = dispute.dispute_outcome.as_ref().and_then(|outcome| outcome.amount_refunded.as_ref());
    from_paypal(reported.unwrap_or(&dispute.dispute_amount))
}

/// Whether PayPal holds what was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldShare {
    NotHeld,
    Held,
    Released(Timestamp),
}

/// Collects movements in the order of cause and effect.
struct Recorder<'a> {
    payment: &'a Payment,
    share: HeldShare,
    movements: Vec<Movement>,
}

impl Recorder<'_> {
    fn add(&mut self, kind: MovementKind, amount: Money, object: &str, at: Timestamp, key: Option<&str>) {
        let movement = Movement::new(kind, amount, object, at, key.map(str::to_owned));
        let is_experts = [movement.from, movement.to].contains(&Account::Expert);
        let at = match self.share {
            HeldShare::Held if is_experts => return,
            HeldShare::Released(released_at) if is_experts => at.max(released_at),
            HeldShare::Held | HeldShare::Released(_) | HeldShare::NotHeld => at,
        };
        if !amount.is_zero() {
            self.movements.push(Movement { at, ..movement });
        }
    }

    /// The idempotency key with which the approved order was captured or authorized.
    fn collection_key(&self) -> String {
        key(self.payment, "complete", self.payment.intent_number)
    }

    fn authorization(&mut self, authorization: &Authorization, order: &Order) -> Result<(), GatewayError> {
        let Authorization { id, status, amount, create_time, update_time, .. } = authorization;
        if !matches!(status.as_str(), "CREATED" | "PARTIALLY_CAPTURED" | "CAPTURED" | "VOIDED") {
            return Ok(());
        }
        let amount = from_paypal(amount)?;
        let key = self.collection_key();
        self.add(MovementKind::Authorized, amount, id, create_time.0, Some(&key));
        let received = order.received().map(|capture| from_paypal(&capture.amount)).transpose()?;
        let pending = order.is_being_captured() && received.is_none();
        if !pending && matches!(status.as_str(), "CAPTURED" | "VOIDED") {
            let released = amount.saturating_sub(received.unwrap_or(amount.zero()));
            let at = update_time.unwrap_or(*create_time).0;
            self.add(MovementKind::Released, released, id, at, None);
        }
        Ok(())
    }

    fn capture(&mut self, capture: &Capture, order: &Order) -> Result<(), GatewayError> {
        let Capture { id, amount, create_time, update_time, seller_receivable_breakdown, .. } = capture;
        let amount = from_paypal(amount)?;
        // A pending capture can be completed days after it was created. After a refund, `update_time` is the time of the refund.
        let changed = update_time.filter(|_| capture.status == "COMPLETED");
        let at = changed.unwrap_or(*create_time).0;
        let authorized = order.authorization().is_some();
        let key = if authorized { capture_key(self.payment, order, capture) } else { self.collection_key() };
        let captured = Movement::new(MovementKind::Captured, amount, id, at, Some(key.clone()));
        self.movements.push(if authorized { captured.with_source(Account::Authorized) } else { captured });
        self.add(MovementKind::Transfer, amount, id, at, Some(&key));
        let breakdown = seller_receivable_breakdown.as_ref();
        self.add(MovementKind::Fee, fee_of(breakdown, amount.zero())?, id, at, Some(&key));
        if let Some(fee) = breakdown.and_then(|breakdown| breakdown.paypal_fee.as_ref()) {
            let fee = from_paypal(fee)?;
            if !fee.is_zero() {
                let fee = Movement::new(MovementKind::ProcessingFee, fee, id, at, None);
                self.movements.push(fee.with_source(Account::Expert));
            }
        }
        Ok(())
    }

    /// A refund that failed also has the movements that return the money.
    fn refund(&mut self, refund: &Refund) -> Result<(), GatewayError> {
        let Refund { id, amount, create_time, update_time, invoice_id, seller_payable_breakdown, .. } =
            refund;
        let amount = from_paypal(amount)?;
        let fee = fee_of(seller_payable_breakdown.as_ref(), amount.zero())?;
        let prefix = format!("{}:", self.payment.appointment);
        let key = invoice_id.as_deref().filter(|invoice| invoice.starts_with(&prefix));
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

    /// While a dispute is open, PayPal keeps the disputed amount. It is recorded as paid to the client, who gets it if they win.
    fn dispute(&mut self, dispute: &Dispute) -> Result<(), GatewayError> {
        let Dispute { dispute_id, create_time, update_time, dispute_amount, .. } = dispute;
        let disputed = from_paypal(dispute_amount)?;
        let won = match dispute_state(dispute) {
            DisputeState::Inquiry => return Ok(()),
            DisputeState::Open => disputed.zero(),
            DisputeState::Lost => disputed.saturating_sub(lost_amount(dispute)?),
            DisputeState::Won => disputed,
        };
        self.add(MovementKind::Dispute, disputed, dispute_id, create_time.0, None);
        self.add(MovementKind::Reversal, disputed, dispute_id, create_time.0, None);
        let at = update_time.unwrap_or(*create_time).0;
        self.add(MovementKind::DisputeWon, won, dispute_id, at, None);
        self.add(MovementKind::Transfer, won, dispute_id, at, None);
        Ok(())
    }
}

/// The idempotency key of the next capture. A capture that was declined is followed by another one with another key.
pub(super) fn next_capture_key(payment: &Payment, before: usize) -> String {
    key(payment, "capture", format_args!("{}.{}", payment.intent_number, before + 1))
}

fn capture_key(payment: &Payment, order: &Order, capture: &Capture) -> String {
    let before = order.captures().iter().filter(|other| other.create_time < capture.create_time).count();
    next_capture_key(payment, before)
}

#[cfg(test)]
mod tests;
