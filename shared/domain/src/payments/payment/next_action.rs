//! The decision about the next action for a payment. This module is pure.

use super::*;
use crate::scheduling::appointment::NoShowReport;

/// The next action that makes the payment and the appointment agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentAction {
    /// Do nothing now.
    Wait(Wait),
    /// Change the appointment or the payment in the table.
    Transition(Transition),
    /// Send a request to the gateway. The next snapshot determines the following action.
    Order(Order),
}

/// Why there is nothing to do now, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Nothing to do until another event.
    Done,
    /// The payment and the appointment agree until this instant.
    Until(Timestamp),
    /// Only an administrator can decide how to go on.
    ForDecision {
        /// The decision to make.
        escalation: Escalation,
        /// When the payment must be checked again regardless of the decision.
        until: Option<Timestamp>,
    },
}

/// A change of the appointment or its payment that needs no request to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Confirm the appointment: the money is secured.
    Confirm,
    /// Expire the appointment: its hold has expired without payment, or too many attempts to pay were declined.
    Expire,
    /// Cancel the appointment: the card failed, and the client did not pay again in time, or too many attempts were declined.
    CancelUnpaid,
    /// Cancel the appointment, whose session has not begun: the bank has decided the client's dispute about its payment for them.
    CancelDisputed,
    /// Complete the appointment: its end has passed and nobody reported a no-show.
    Complete,
    /// Accept the report that a party did not attend, or the decision of an administrator: whoever could object was
    /// notified and did not object in time.
    AcceptReport,
    /// Ask the client to pay again with the existing intent, because their card failed.
    AwaitClient {
        /// When the appointment is cancelled if the client has not paid.
        deadline: Timestamp,
    },
    /// Write the payment off: the session is over, and the client cannot be charged.
    WriteOff,
    /// Withhold this amount no longer, because the expert's share has become too small for it. The expert owes it again.
    OweAgain(Money),
    /// Leave this amount with the expert, who owes it: it is not their share any more, and the gateway could not take it back.
    OweShare(Money),
}

/// A request to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Collect the payment that the client has approved: capture or authorize it, depending on the plan.
    CompleteApproved,
    /// Cancel the intent, so that it can no longer be paid.
    CancelIntent,
    /// Authorize this amount on the saved card.
    AuthorizeSavedCard(Money),
    /// Charge this amount to the saved card.
    ChargeSavedCard(Money),
    /// Open a new intent for the client to pay, because the old one can never be paid.
    RequestPayment {
        /// When the appointment is cancelled if the client has not paid.
        deadline: Timestamp,
    },
    /// Capture this amount of what is authorized, and release the rest.
    Capture(Money),
    /// Refund the client.
    Refund {
        /// The amount to refund.
        amount: Money,
        /// Whether the same request takes the expert's share back from the expert.
        from_expert: bool,
    },
    /// Take money back from the expert.
    Reverse {
        /// The amount to take back.
        amount: Money,
        /// Whether the platform returns its fee on this amount to the expert.
        with_fee: bool,
    },
    /// Transfer this amount to the expert again. The expert returned it for a dispute or a refund, or repaid it with other shares,
    /// but the client's bank gave it back.
    TransferAgain(Money),
    /// Transfer a share of money that the platform holds to the expert. A gateway that [cannot
    /// transfer](Capabilities::supports_transfers) releases all that it holds, which is this share.
    PayOut(Share),
    /// Take back a share that was paid out to the expert.
    TakeBack(Share),
}

/// A part of a payment that goes to the expert after the session, or comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What the client paid of it.
    pub amount: Money,
    /// The platform's fee on it, which is included in the amount.
    pub fee: Money,
}

impl Share {
    /// Returns what moves between the platform and the expert.
    pub fn net(self) -> Money {
        self.amount.saturating_sub(self.fee)
    }
}

/// The time until a payment that is being processed is checked again, in seconds.
pub(super) const PROCESSING_PAUSE: i64 = 15 * 60;
/// The time until a dispute is checked again, in seconds. A webhook also reports its end.
pub(super) const DISPUTE_PAUSE: i64 = DAY;

impl PaymentAction {
    /// Returns the decision that an administrator must make, if any.
    pub fn escalation(self) -> Option<Escalation> {
        match self {
            Self::Wait(Wait::ForDecision { escalation, .. }) => Some(escalation),
            _ => None,
        }
    }

    /// Returns the name of the action, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wait(wait) => wait.as_str(),
            Self::Transition(transition) => transition.as_str(),
            Self::Order(order) => order.as_str(),
        }
    }

    /// Returns the amount that the action moves, if it moves one.
    pub fn amount(self) -> Option<Money> {
        match self {
            Self::Wait(_) => None,
            Self::Transition(transition) => transition.amount(),
            Self::Order(order) => order.amount(),
        }
    }

    /// Returns the same action, but waits no longer than until `latest`.
    fn no_later_than(self, latest: Timestamp) -> Self {
        match self {
            Self::Wait(wait) => Self::Wait(wait.no_later_than(latest)),
            action => action,
        }
    }

    /// Returns whether there is nothing to do now.
    pub fn is_wait(self) -> bool {
        matches!(self, Self::Wait(_))
    }
}

impl Wait {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Until(_) => "wait",
            Self::ForDecision { .. } => "wait_for_decision",
        }
    }

    /// Returns when to check again. `None` means only after another event.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Done => None,
            Self::Until(until) => Some(until),
            Self::ForDecision { until, .. } => until,
        }
    }

    fn no_later_than(self, latest: Timestamp) -> Self {
        let until = self.until().map_or(latest, |until| until.min(latest));
        match self {
            Self::Done | Self::Until(_) => Self::Until(until),
            Self::ForDecision { escalation, .. } => Self::ForDecision { escalation, until: Some(until) },
        }
    }
}

impl Transition {
    fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Expire => "expire",
            Self::CancelUnpaid => "cancel_unpaid",
            Self::CancelDisputed => "cancel_disputed",
            Self::Complete => "complete",
            Self::AcceptReport => "accept_report",
            Self::AwaitClient { .. } => "await_client",
            Self::WriteOff => "write_off",
            Self::OweAgain(_) => "owe_again",
            Self::OweShare(_) => "owe_share",
        }
    }

    fn amount(self) -> Option<Money> {
        match self {
            Self::OweAgain(amount) | Self::OweShare(amount) => Some(amount),
            Self::Confirm
            | Self::Expire
            | Self::CancelUnpaid
            | Self::CancelDisputed
            | Self::Complete
            | Self::AcceptReport
            | Self::AwaitClient { .. }
            | Self::WriteOff => None,
        }
    }
}

impl Order {
    /// Returns the name of the order, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CompleteApproved => "complete_approved",
            Self::CancelIntent => "cancel_intent",
            Self::AuthorizeSavedCard(_) => "authorize_saved_card",
            Self::ChargeSavedCard(_) => "charge_saved_card",
            Self::RequestPayment { .. } => "request_payment",
            Self::Capture(_) => "capture",
            Self::Refund { .. } => "refund",
            Self::Reverse { .. } => "reverse",
            Self::TransferAgain(_) => "transfer_again",
            Self::PayOut(_) => "pay_out",
            Self::TakeBack(_) => "take_back",
        }
    }

    /// Returns the amount that the order moves, if it names one.
    pub fn amount(self) -> Option<Money> {
        match self {
            Self::AuthorizeSavedCard(amount) | Self::ChargeSavedCard(amount) => Some(amount),
            order => order.refusable().map(|(_, amount)| amount),
        }
    }

    /// Returns the order that the gateway is considered to have refused, if it refuses this one. A refund that also takes the expert's
    /// share back may be refused because of either. Taking it back is then given up first, so the client gets the refund if it is
    /// possible at all.
    pub fn refused_as(self, capabilities: Capabilities) -> Option<OrderKind> {
        match self {
            Self::Refund { from_expert: true, .. } if capabilities.supports_transfers => {
                Some(OrderKind::Reversal)
            }
            order => order.refusable().map(|(kind, _)| kind),
        }
    }

    /// Returns the kind and the amount of an order whose permanent refusal is stored ([`Payment::refused`]), and `None` for other orders.
    pub fn refusable(self) -> Option<(OrderKind, Money)> {
        match self {
            Self::Capture(amount) => Some((OrderKind::Capture, amount)),
            Self::Refund { amount, .. } => Some((OrderKind::Refund, amount)),
            Self::Reverse { amount, .. } => Some((OrderKind::Reversal, amount)),
            Self::TransferAgain(amount) => Some((OrderKind::Transfer, amount)),
            Self::PayOut(share) => Some((OrderKind::Transfer, share.net())),
            Self::TakeBack(share) => Some((OrderKind::Reversal, share.net())),
            Self::CompleteApproved
            | Self::CancelIntent
            | Self::AuthorizeSavedCard(_)
            | Self::ChargeSavedCard(_)
            | Self::RequestPayment { .. } => None,
        }
    }
}

/// Returns the next action for a payment, given the appointment, the payment, the gateway's current snapshot and all
/// recorded movements.
///
/// The caller repeats the decision after each action until the result is [`PaymentAction::Wait`]. The result depends
/// only on the current state, so it does not matter which events triggered the decision, how often, or in which
/// order.
pub fn next_action(
    appointment: &Appointment,
    payment: &Payment,
    snapshot: &PaymentSnapshot,
    movements: &[Movement],
    capabilities: Capabilities,
    now: Timestamp,
) -> PaymentAction {
    let amount_due = payment.amount_due(&appointment.status);
    let situation = Situation {
        appointment,
        payment,
        snapshot,
        totals: Totals::of(movements),
        amount_due,
        capabilities,
        now,
    };
    match &appointment.status {
        Status::Pending { hold_expires_at } => situation.decide_pending(*hold_expires_at),
        Status::Confirmed => situation.decide_confirmed(),
        Status::Completed | Status::NoShow { .. } | Status::Cancelled { .. } | Status::Expired => {
            match appointment.no_show_report {
                Some(report) if report.is_unresolved() => situation.decide_reported(report),
                _ => situation.decide_ended(),
            }
        }
        Status::Unknown => PaymentAction::Wait(Wait::Done),
    }
}

/// Returns until when a client whose card fails at `now` can pay again: one day, but at most until the session
/// starts.
pub fn action_deadline(appointment: &Appointment, now: Timestamp) -> Timestamp {
    now.plus(ACTION_WINDOW).min(appointment.start.max(now))
}

/// The inputs of the decision.
struct Situation<'a> {
    appointment: &'a Appointment,
    payment: &'a Payment,
    snapshot: &'a PaymentSnapshot,
    totals: Totals,
    /// The net amount that the client owes.
    amount_due: Money,
    capabilities: Capabilities,
    now: Timestamp,
}

impl Situation<'_> {
    fn decide_pending(&self, hold_expires_at: Timestamp) -> PaymentAction {
        let hold_expired = hold_expires_at <= self.now;
        // The client may have paid in the last second of the hold.
        let can_take_place = self.now < self.appointment.no_shows_from();
        match self.snapshot.status {
            status if status.is_secure() && can_take_place => PaymentAction::Transition(Transition::Confirm),
            IntentStatus::Approved if can_take_place => PaymentAction::Order(Order::CompleteApproved),
            _ if !hold_expired && !self.payment.too_many_declines => {
                PaymentAction::Wait(Wait::Until(hold_expires_at))
            }
            IntentStatus::Open | IntentStatus::Approved if !self.capabilities.requires_completion => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::Processing => self.wait_for_bank(),
            // A review by the gateway can take days. If it succeeds when a no-show could be reported, it is too late to confirm.
            _ => PaymentAction::Transition(Transition::Expire),
        }
    }

    /// A confirmed session completes some time after its end, without a report. It is cancelled if a dispute is lost before its start.
    fn decide_confirmed(&self) -> PaymentAction {
        // The client has the money back. With the appointment, they would keep the time of the expert.
        if self.snapshot.lost_dispute && self.now < self.appointment.start {
            return PaymentAction::Transition(Transition::CancelDisputed);
        }
        let completes_at = self.appointment.completes_at();
        match self.before_completion() {
            step if step.is_wait() && self.now >= completes_at => {
                PaymentAction::Transition(Transition::Complete)
            }
            step => step.no_later_than(completes_at),
        }
    }

    fn before_completion(&self) -> PaymentAction {
        match self.snapshot.status {
            _ if self.totals.captured > 0 => self.adjust(),
            IntentStatus::Succeeded => PaymentAction::Wait(Wait::Done),
            IntentStatus::Processing => self.wait_for_bank(),
            // A client is never asked to pay nothing, and an approved order that is not collected costs nothing.
            IntentStatus::Open | IntentStatus::Approved if self.amount_due.is_zero() => {
                if self.capabilities.requires_completion {
                    PaymentAction::Wait(Wait::Done)
                } else {
                    PaymentAction::Order(Order::CancelIntent)
                }
            }
            IntentStatus::Approved if self.can_still_pay() => PaymentAction::Order(Order::CompleteApproved),
            IntentStatus::Authorized { capture_before } => self.keep_authorization(capture_before),
            IntentStatus::CardSaved
                if self.payment.action_deadline.is_none_or(|deadline| self.now < deadline) =>
            {
                let at = Payment::authorize_at(self.capabilities, self.appointment.end);
                // An amount that is too small to charge is waived.
                if self.amount_due.check_charge().is_err() {
                    PaymentAction::Wait(Wait::Done)
                } else if self.now < at {
                    PaymentAction::Wait(Wait::Until(at))
                } else {
                    PaymentAction::Order(Order::AuthorizeSavedCard(self.amount_due))
                }
            }
            _ => self.ask_to_pay_again(),
        }
    }

    /// Asks the client to pay again. If they do not, the appointment is cancelled.
    fn ask_to_pay_again(&self) -> PaymentAction {
        let needs_new_intent = self.snapshot.status != IntentStatus::Open;
        let ask = |deadline| match needs_new_intent {
            true => PaymentAction::Order(Order::RequestPayment { deadline }),
            false => PaymentAction::Transition(Transition::AwaitClient { deadline }),
        };
        match self.payment.action_deadline {
            _ if self.amount_due.is_zero() || self.payment.state == PaymentState::Unpaid => {
                PaymentAction::Wait(Wait::Done)
            }
            _ if self.now >= self.appointment.end => PaymentAction::Transition(Transition::WriteOff),
            _ if self.payment.too_many_declines => match self.snapshot.status {
                IntentStatus::Open if !self.capabilities.requires_completion => {
                    PaymentAction::Order(Order::CancelIntent)
                }
                _ => PaymentAction::Transition(Transition::CancelUnpaid),
            },
            None => ask(action_deadline(self.appointment, self.now)),
            Some(deadline) if self.now >= deadline => PaymentAction::Transition(Transition::CancelUnpaid),
            Some(deadline) if needs_new_intent => ask(deadline),
            Some(deadline) => PaymentAction::Wait(Wait::Until(deadline)),
        }
    }

    /// Returns whether the client's approval still counts. A client who was asked to pay again has until the
    /// deadline to pay.
    fn can_still_pay(&self) -> bool {
        match self.payment.action_deadline {
            _ if self.payment.too_many_declines => false,
            Some(deadline) => self.now < deadline,
            None => self.appointment.status == Status::Confirmed && self.now < self.appointment.end,
        }
    }

    /// Keeps the authorization until shortly before it expires. Then captures the amount due, or cancels the intent if
    /// nothing is due. A refund that becomes due later follows the cancellation policy.
    fn keep_authorization(&self, capture_before: Timestamp) -> PaymentAction {
        let latest = Payment::latest_capture(capture_before);
        if self.now < latest {
            PaymentAction::Wait(Wait::Until(latest))
        } else if self.amount_due.is_zero() {
            PaymentAction::Order(Order::CancelIntent)
        } else {
            self.capture()
        }
    }

    fn capture(&self) -> PaymentAction {
        match self.refused(OrderKind::Capture, self.amount_due) {
            Some(escalation) => PaymentAction::Wait(Wait::ForDecision { escalation, until: None }),
            None => PaymentAction::Order(Order::Capture(self.amount_due)),
        }
    }

    fn refused(&self, order: OrderKind, amount: Money) -> Option<Escalation> {
        self.payment.refused.contains_key(&order).then_some(Escalation::Refused { order, amount })
    }

    fn wait_for_bank(&self) -> PaymentAction {
        PaymentAction::Wait(Wait::Until(self.now.plus(PROCESSING_PAUSE)))
    }

    /// Decides while a no-show report is not resolved. Until then, it has no effect on what the client pays. An authorization is still
    /// captured before it expires, and what was decided earlier is still carried out.
    fn decide_reported(&self, report: NoShowReport) -> PaymentAction {
        let step = match self.snapshot.status {
            _ if self.totals.captured > 0 => self.adjust(),
            // Nothing is collected, whatever is decided.
            _ if self.amount_due.is_zero() => self.decide_ended(),
            IntentStatus::Authorized { capture_before } => self.keep_authorization(capture_before),
            IntentStatus::Processing => self.wait_for_bank(),
            _ => PaymentAction::Wait(Wait::Done),
        };
        match report {
            _ if !step.is_wait() => step,
            // The period for objections begins when the parties are notified, which enqueues the payment job.
            NoShowReport::Reported | NoShowReport::Announced { until: None, .. } => step,
            NoShowReport::Open { until } | NoShowReport::Announced { until: Some(until), .. } => {
                if self.now >= until {
                    PaymentAction::Transition(Transition::AcceptReport)
                } else {
                    step.no_later_than(until)
                }
            }
            NoShowReport::Decided => step,
            NoShowReport::Disputed | NoShowReport::Appealed => {
                let until = match step {
                    PaymentAction::Wait(wait) => wait.until(),
                    PaymentAction::Transition(_) | PaymentAction::Order(_) => None,
                };
                PaymentAction::Wait(Wait::ForDecision { escalation: Escalation::NoShowDisputed, until })
            }
        }
    }

    fn decide_ended(&self) -> PaymentAction {
        let (paid, unpaid) = (self.totals.captured > 0, self.payment.state == PaymentState::Unpaid);
        // The session took place while the client was asked to pay again, and the deadline has not passed.
        let can_pay = !self.amount_due.is_zero() && self.can_still_pay();
        match self.snapshot.status {
            _ if paid => self.adjust(),
            IntentStatus::Processing => self.wait_for_bank(),
            IntentStatus::Authorized { .. } if self.amount_due.is_zero() => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::Authorized { .. } => self.capture(),
            IntentStatus::CardSaved if self.amount_due.is_zero() || unpaid => {
                PaymentAction::Order(Order::CancelIntent)
            }
            // An amount that is too small to charge is waived.
            IntentStatus::CardSaved if self.amount_due.check_charge().is_err() => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::CardSaved => PaymentAction::Order(Order::ChargeSavedCard(self.amount_due)),
            IntentStatus::Approved if can_pay => PaymentAction::Order(Order::CompleteApproved),
            IntentStatus::Open | IntentStatus::Approved => match self.payment.action_deadline {
                Some(deadline) if can_pay => PaymentAction::Wait(Wait::Until(deadline)),
                _ if self.capabilities.requires_completion => self.not_payable(),
                _ => PaymentAction::Order(Order::CancelIntent),
            },
            IntentStatus::Missing | IntentStatus::Cancelled | IntentStatus::Succeeded => self.not_payable(),
        }
    }

    /// Handles a payment that was not made and can no longer be made.
    fn not_payable(&self) -> PaymentAction {
        // The session took place or was cancelled too late, and the card failed. The loss is the expert's, who is
        // notified.
        if self.amount_due.is_zero() || self.payment.state == PaymentState::Unpaid {
            PaymentAction::Wait(Wait::Done)
        } else {
            PaymentAction::Transition(Transition::WriteOff)
        }
    }

    /// Refunds what exceeds the amount due, and adjusts the expert's share accordingly. Waits no longer than until the
    /// platform may pay out what it holds for the expert, or the gateway does so by itself.
    fn adjust(&self) -> PaymentAction {
        let action = self.adjust_shares();
        let holds = self.payment.payout_timing == PayoutTiming::AfterSession
            && self.totals.transferred.saturating_sub(self.totals.reversed) < self.expert_target();
        let releases = [Some(self.appointment.completes_at()), self.snapshot.releases_at];
        let next_release = releases.into_iter().flatten().filter(|at| holds && self.now < *at).min();
        next_release.map_or(action, |at| action.no_later_than(at))
    }

    fn adjust_shares(&self) -> PaymentAction {
        let surplus = self.totals.net_paid().saturating_sub(self.amount_due.amount());
        let expert = self.adjust_expert();
        // What the expert granted is refunded once they have returned their share of it.
        let takes_back = matches!(expert, Some(Order::Reverse { .. } | Order::TakeBack(_)));
        let granted = if takes_back { surplus - self.payment.entitled_part(self.totals, surplus) } else { 0 };
        let refund_obstacle = (surplus > 0).then(|| self.refund_obstacle(self.money(surplus))).flatten();
        if surplus > granted && refund_obstacle.is_none() && !self.snapshot.open_dispute {
            return self.refund(surplus - granted);
        }
        if let Some(excess) = self.withheld_in_excess() {
            return PaymentAction::Transition(Transition::OweAgain(excess));
        }
        // The share that a granted refund waits for may have come back to the expert's account.
        let next_attempt = self.payment.next_reversal_attempt().filter(|_| granted > 0);
        let attempts_again = next_attempt.is_some_and(|at| at <= self.now);
        let expert_obstacle =
            expert.and_then(Order::refusable).filter(|_| !attempts_again).and_then(|(order, amount)| {
                match order {
                    // An administrator settles with the expert what they have too much, without the platform's fee.
                    OrderKind::Reversal => {
                        let excess = self.share_in_excess(true, self.amount_due);
                        self.refused(order, excess.unwrap_or(amount))
                    }
                    _ => self.refused(order, amount),
                }
            });
        let cannot_take_back = takes_back && expert_obstacle.is_some();
        // The share of what was granted is not owed, because that refund waits for it.
        let charge = if granted > 0 { self.payment.charge_without_grants() } else { self.amount_due };
        if let Some(excess) = self.share_in_excess(cannot_take_back, charge) {
            return PaymentAction::Transition(Transition::OweShare(excess));
        }
        // An undecided dispute delays refunds, but nothing else.
        let until = self.snapshot.open_dispute.then(|| self.now.plus(DISPUTE_PAUSE));
        match (expert, expert_obstacle.or(refund_obstacle.filter(|_| until.is_none())), until) {
            (Some(order), ..) if expert_obstacle.is_none() => PaymentAction::Order(order),
            (_, Some(escalation), until) => {
                let until = [until, next_attempt].into_iter().flatten().min();
                PaymentAction::Wait(Wait::ForDecision { escalation, until })
            }
            (_, None, Some(until)) => PaymentAction::Wait(Wait::Until(until)),
            (_, None, None) => PaymentAction::Wait(Wait::Done),
        }
    }

    /// Returns by how much what the expert has exceeds their share if the client pays `charge`, if it cannot be recovered: because the
    /// gateway `cannot_take_back` anything from them, or because an administrator has settled the payment with them, before something
    /// that was not known then, such as the loss of a dispute.
    fn share_in_excess(&self, cannot_take_back: bool, charge: Money) -> Option<Money> {
        let is_settled = self.payment.settled_outside.is_some() && !self.snapshot.open_dispute;
        let due = i128::from(self.payment.share_due(self.totals, charge));
        let excess = u64::try_from(self.payment.share_received(self.totals) - due).ok();
        excess
            .filter(|excess| *excess > 0 && (cannot_take_back || is_settled))
            .map(|excess| self.money(excess))
    }

    /// Returns why a refund would be refused, if so. A bank that rejected a refund rejects it again.
    fn refund_obstacle(&self, amount: Money) -> Option<Escalation> {
        if self.totals.disputed > 0 && !self.capabilities.refunds_after_dispute {
            Some(Escalation::DisputeLost { amount })
        } else if self.totals.failed_refunds >= self.payment.max_failed_refunds {
            Some(Escalation::RefundFailed { amount })
        } else {
            self.refused(OrderKind::Refund, amount)
        }
    }

    fn money(&self, amount: u64) -> Money {
        self.amount_due.with_amount(amount).unwrap_or(self.amount_due)
    }

    /// Returns the expert's share before the fee, and whether it mirrors what the client paid.
    ///
    /// It does not after a bank gave the platform an amount back that the expert had returned before, whether or not
    /// that amount was transferred to the expert again.
    fn expert_share_before_fee(&self) -> (u64, bool) {
        let Totals { transferred, reversed, captured, .. } = self.totals;
        let left = transferred.saturating_sub(reversed);
        let missing = transferred == captured && left < self.expert_target();
        (left, transferred <= captured && !missing)
    }

    fn expert_target(&self) -> u64 {
        self.payment.share_before_fee(self.totals, self.amount_due)
    }

    fn refund(&self, surplus: u64) -> PaymentAction {
        let (with_expert, mirrored) = self.expert_share_before_fee();
        let can_return =
            self.payment.share_owed.is_none() && !self.payment.refused.contains_key(&OrderKind::Reversal);
        PaymentAction::Order(Order::Refund {
            amount: self.money(surplus),
            // The expert's share comes from the expert by the same order, unless the platform already has it.
            from_expert: !self.capabilities.supports_transfers
                || (self.payment.payout_timing == PayoutTiming::AtPayment
                    && mirrored
                    && can_return
                    && !self.payment.resolved_with_expert
                    && with_expert >= self.totals.net_paid()),
        })
    }

    fn adjust_expert(&self) -> Option<Order> {
        match (self.payment.payout_timing, self.capabilities.supports_transfers) {
            _ if self.payment.resolved_with_expert => return None,
            (PayoutTiming::AfterSession, true) => return self.adjust_held_share(),
            (PayoutTiming::AfterSession, false) => return self.release_share(),
            // If the gateway cannot reach experts, they keep what its own refunds and disputes leave.
            (PayoutTiming::AtPayment, false) => return None,
            (PayoutTiming::AtPayment, true) => {}
        }
        let (with_expert, mirrored) = self.expert_share_before_fee();
        let expert_target = self.expert_target();
        let owed = self.payment.share_owed.map_or(0, Money::amount);
        let net = |amount: u64| amount - self.money(amount).apply_rate(self.payment.fee_rate).amount();
        // An amount that is transferred again is already net of the fee, so the comparison uses net amounts. It
        // compares sums, because a rounded fee could otherwise make the expert's amount negative.
        let Totals { transferred, fee_refunded, reversed, fee, .. } = self.totals;
        let (got, due) = (transferred + fee_refunded, net(expert_target) + reversed + fee + owed);
        if mirrored && owed == 0 {
            // The expert returns as much as the client gets back, and the platform returns its fee on it.
            let surplus = with_expert.saturating_sub(expert_target);
            // Unless they returned something without the fee while they owed a part.
            let rounding = 2 * self.amount_due.currency().charge_step();
            if surplus == 0 || got + rounding >= due + net(surplus) {
                return (surplus > 0).then(|| Order::Reverse { amount: self.money(surplus), with_fee: true });
            }
        }
        if got > due {
            Some(Order::Reverse { amount: self.money(got - due), with_fee: false })
        } else if got < due {
            Some(Order::TransferAgain(self.money(due - got)))
        } else {
            None
        }
    }

    /// Pays out what the platform holds for the expert, or takes back what they have too much. The platform's fee is
    /// always the one on what the expert has, and what is withheld.
    fn adjust_held_share(&self) -> Option<Order> {
        let Totals { fee, fee_refunded, .. } = self.totals;
        let owed = self.payment.share_owed.map_or(0, Money::amount);
        let (has, fee) =
            (self.totals.expert_balance().saturating_sub(owed), fee.saturating_sub(fee_refunded));
        let (due, fee_due) = self.held_share();
        let withheld = self.payment.withheld.map_or(0, Money::amount);
        let (due, fee_due) = (due.saturating_sub(withheld), fee_due + withheld);
        let share = |net, fee| Share { amount: self.money(net + fee), fee: self.money(fee) };
        // A gateway transfers no amount of zero, so the fee is adjusted with the next amount that moves.
        if has > due {
            Some(Order::TakeBack(share(has - due, fee.saturating_sub(fee_due))))
        } else if has == due || self.is_held() {
            None
        } else if self.totals.expert_balance() + (due - has) > self.totals.captured {
            // The expert kept a share and has repaid it otherwise. A gateway transfers no more of a charge than its amount.
            Some(Order::TransferAgain(self.money(due - has)))
        } else {
            Some(Order::PayOut(share(due - has, fee_due.saturating_sub(fee))))
        }
    }

    /// Releases what the gateway holds for the expert, once. Such an order has no amount: it would give the expert also what
    /// must be refunded, so it waits for the refund.
    fn release_share(&self) -> Option<Order> {
        let (share, fee) = self.held_share();
        let refund_is_due = self.totals.net_paid() > self.amount_due.amount();
        let releases = self.totals.transferred == 0 && share > 0 && !refund_is_due && !self.is_held();
        releases.then(|| Order::PayOut(Share { amount: self.money(share + fee), fee: self.money(fee) }))
    }

    /// Returns the expert's share of what the client pays, after the platform's fee, and this fee.
    fn held_share(&self) -> (u64, u64) {
        self.payment.share_and_fee(self.totals, self.amount_due)
    }

    /// Returns by how much what is withheld exceeds the expert's share. As when it is withheld, at least the smallest amount that a
    /// gateway transfers is left.
    fn withheld_in_excess(&self) -> Option<Money> {
        let is_settled = self.payment.settled_outside.is_some() && !self.snapshot.open_dispute;
        let withheld = self.payment.withheld.filter(|_| is_settled || !self.payment.resolved_with_expert)?;
        let (share, _) = self.held_share();
        let most = withheld.with_amount(share.saturating_sub(withheld.currency().charge_step()));
        Some(withheld.saturating_sub(most.unwrap_or(withheld))).filter(|excess| !excess.is_zero())
    }

    /// Returns whether the platform must still hold the money of the session: until it has ended and nobody can report
    /// a no-show any more, while such a report is not resolved, and while a dispute is open.
    fn is_held(&self) -> bool {
        self.appointment.status.is_active()
            || self.now < self.appointment.completes_at()
            || self.appointment.no_show_report.is_some_and(NoShowReport::is_unresolved)
            || self.snapshot.open_dispute
    }
}
