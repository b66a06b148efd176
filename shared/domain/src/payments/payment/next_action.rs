//! Which step brings an appointment and its payment together. Pure.

use super::*;
use crate::scheduling::appointment::NoShowReport;

/// What to do next so that the payment and the appointment agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentAction {
    /// Do nothing now.
    Wait(Wait),
    /// Change the appointment or the payment in the table.
    Transition(Transition),
    /// Ask the gateway for something. What the gateway then says decides the next action.
    Order(Order),
}

/// Why nothing is to be done now, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The payment and the appointment agree for good.
    Settled,
    /// They agree until this instant.
    Until(Timestamp),
    /// Only an administrator can decide how to go on.
    ForDecision {
        /// What is to be decided.
        escalation: Escalation,
        /// When something else is to be done all the same.
        until: Option<Timestamp>,
    },
}

/// A change of the appointment or its payment, for which the gateway is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Confirm the appointment: the money is secured.
    Confirm,
    /// Release the slot: the hold has expired, and it was not paid in time.
    Expire,
    /// Cancel the appointment: the card failed, and the client did not pay again in time.
    CancelUnpaid,
    /// Complete the appointment: its end has passed and nobody reported a no-show.
    Complete,
    /// Accept the client's report that the expert did not come: the expert did not dispute it in time.
    AcceptReport,
    /// Wait for the client to pay with the intent that exists, because their card failed.
    AwaitClient {
        /// When the appointment is cancelled if they have not paid.
        deadline: Timestamp,
    },
    /// Write the payment off: the session is over, and the client cannot be charged.
    WriteOff,
}

/// A request to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Capture or authorise, as planned, what the client has approved.
    CollectApproved,
    /// Cancel the intent, so that nobody can pay it any more.
    CancelIntent,
    /// Authorise this amount on the saved card.
    AuthoriseSavedCard(Money),
    /// Charge this amount to the saved card.
    ChargeSavedCard(Money),
    /// Open a new intent with which the client can pay, because the old one can never be paid.
    RequestPayment {
        /// When the appointment is cancelled if they have not paid.
        deadline: Timestamp,
    },
    /// Capture this amount of what is authorised, and release the rest.
    Capture(Money),
    /// Refund the client.
    Refund {
        /// The amount to refund.
        amount: Money,
        /// Whether the same request takes the expert's part back from the expert.
        from_expert: bool,
    },
    /// Take money back from the expert.
    Reverse {
        /// The amount to take back.
        amount: Money,
        /// Whether the platform's fee on it goes back to the expert.
        with_fee: bool,
    },
    /// Transfer this amount to the expert again: they returned it for a dispute or a refund, and the client's bank gave it back.
    TransferAgain(Money),
}

/// How long to wait before asking again about a payment that is under way, in seconds.
pub(super) const PROCESSING_PAUSE: i64 = 15 * 60;
/// How long to wait before asking again about a dispute, in seconds. Its end is also told.
pub(super) const DISPUTE_PAUSE: i64 = DAY;

impl PaymentAction {
    /// What an administrator must decide, if anything.
    pub fn escalation(self) -> Option<Escalation> {
        match self {
            Self::Wait(Wait::ForDecision { escalation, .. }) => Some(escalation),
            _ => None,
        }
    }

    /// The same, but not later than `latest`.
    fn by(self, latest: Timestamp) -> Self {
        match self {
            Self::Wait(wait) => Self::Wait(wait.by(latest)),
            action => action,
        }
    }

    /// Whether nothing is to be done now.
    pub fn is_wait(self) -> bool {
        matches!(self, Self::Wait(_))
    }
}

impl Wait {
    /// When to look again; never while it is `None`, unless something happens.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Settled => None,
            Self::Until(until) => Some(until),
            Self::ForDecision { until, .. } => until,
        }
    }

    fn by(self, latest: Timestamp) -> Self {
        let until = self.until().map_or(latest, |until| until.min(latest));
        match self {
            Self::Settled | Self::Until(_) => Self::Until(until),
            Self::ForDecision { escalation, .. } => Self::ForDecision { escalation, until: Some(until) },
        }
    }
}

impl Order {
    /// The kind and the amount of an order that an administrator decides about when the gateway refuses it for good; `None`
    /// for the others.
    pub fn refusable(self) -> Option<(OrderKind, Money)> {
        match self {
            Self::Capture(amount) => Some((OrderKind::Capture, amount)),
            Self::Refund { amount, .. } => Some((OrderKind::Refund, amount)),
            Self::Reverse { amount, .. } => Some((OrderKind::Reversal, amount)),
            Self::TransferAgain(amount) => Some((OrderKind::Transfer, amount)),
            Self::CollectApproved
            | Self::CancelIntent
            | Self::AuthoriseSavedCard(_)
            | Self::ChargeSavedCard(_)
            | Self::RequestPayment { .. } => None,
        }
    }
}

/// The next step, given the appointment, the payment, what the gateway says of it now, and everything that ever moved.
///
/// It is asked again after each step until it answers [`PaymentAction::Wait(Wait::Settled)`] or to wait, so that it does not matter
/// which event set it off, how often, or in which order.
pub fn next_action(
    appointment: &Appointment,
    payment: &Payment,
    snapshot: &PaymentSnapshot,
    movements: &[Movement],
    capabilities: Capabilities,
    now: Timestamp,
) -> PaymentAction {
    let target = payment.target(&appointment.status);
    let at_hand = Situation {
        appointment,
        payment,
        snapshot,
        totals: Totals::of(movements),
        target,
        capabilities,
        now,
    };
    match &appointment.status {
        Status::Pending { hold_expires_at } => at_hand.pending(*hold_expires_at),
        Status::Confirmed => at_hand.confirmed(),
        Status::Completed | Status::NoShow { .. } | Status::Cancelled { .. } | Status::Expired => {
            match appointment.no_show_report {
                // What costs nothing needs no decision.
                Some(report @ (NoShowReport::Open { .. } | NoShowReport::Disputed)) if !target.is_zero() => {
                    at_hand.with_report(report)
                }
                _ => at_hand.ended(),
            }
        }
    }
}

/// Until when a client can pay anew whose card failed now: a day, but never into the session.
pub fn action_deadline(appointment: &Appointment, now: Timestamp) -> Timestamp {
    now.plus(ACTION_TIME).min(appointment.start.max(now))
}

/// Everything that the next step hangs on.
struct Situation<'a> {
    appointment: &'a Appointment,
    payment: &'a Payment,
    snapshot: &'a PaymentSnapshot,
    totals: Totals,
    /// What the client shall have paid in the end.
    target: Money,
    capabilities: Capabilities,
    now: Timestamp,
}

impl Situation<'_> {
    fn pending(&self, hold_expires_at: Timestamp) -> PaymentAction {
        let (in_time, over) = (self.now < self.appointment.end, hold_expires_at <= self.now);
        match self.snapshot.status {
            status if status.is_secure() && in_time => PaymentAction::Transition(Transition::Confirm),
            IntentStatus::Approved if in_time => PaymentAction::Order(Order::CollectApproved),
            _ if !over => PaymentAction::Wait(Wait::Until(hold_expires_at)),
            IntentStatus::Open | IntentStatus::Approved if !self.capabilities.waits_for_collection => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::Processing => self.wait_for_the_bank(),
            // A bank debit may take days. Nobody held the session for whom it comes too late.
            _ => PaymentAction::Transition(Transition::Expire),
        }
    }

    /// Nobody has to say that a session took place: a while after its end it did.
    fn confirmed(&self) -> PaymentAction {
        let completes_at = self.appointment.completes_at();
        match self.not_ended_yet() {
            step if step.is_wait() && self.now >= completes_at => {
                PaymentAction::Transition(Transition::Complete)
            }
            step => step.by(completes_at),
        }
    }

    fn not_ended_yet(&self) -> PaymentAction {
        match self.snapshot.status {
            _ if self.totals.captured > 0 => self.adjust(),
            IntentStatus::Succeeded => PaymentAction::Wait(Wait::Settled),
            IntentStatus::Processing => self.wait_for_the_bank(),
            // Nobody shall be asked to pay nothing, and of an order that waits to be taken nothing is.
            IntentStatus::Open | IntentStatus::Approved if self.target.is_zero() => {
                if self.capabilities.waits_for_collection {
                    PaymentAction::Wait(Wait::Settled)
                } else {
                    PaymentAction::Order(Order::CancelIntent)
                }
            }
            IntentStatus::Approved if self.can_still_pay() => PaymentAction::Order(Order::CollectApproved),
            IntentStatus::Authorised { capture_before } => self.keep_set_aside(capture_before),
            IntentStatus::CardSaved
                if self.payment.action_deadline.is_none_or(|deadline| self.now < deadline) =>
            {
                let at = Payment::authorise_at(self.capabilities, self.appointment.end);
                // A part that is less than a card can be charged is let go.
                if self.target.check_charge().is_err() {
                    PaymentAction::Wait(Wait::Settled)
                } else if self.now < at {
                    PaymentAction::Wait(Wait::Until(at))
                } else {
                    PaymentAction::Order(Order::AuthoriseSavedCard(self.target))
                }
            }
            _ => self.ask_client(),
        }
    }

    /// The client must pay anew, or the appointment is called off.
    fn ask_client(&self) -> PaymentAction {
        let anew = self.snapshot.status != IntentStatus::Open;
        let ask = |deadline| match anew {
            true => PaymentAction::Order(Order::RequestPayment { deadline }),
            false => PaymentAction::Transition(Transition::AwaitClient { deadline }),
        };
        match self.payment.action_deadline {
            _ if self.target.is_zero() || self.payment.state == PaymentState::Unpaid => {
                PaymentAction::Wait(Wait::Settled)
            }
            _ if self.now >= self.appointment.end => PaymentAction::Transition(Transition::WriteOff),
            None => ask(action_deadline(self.appointment, self.now)),
            Some(deadline) if self.now >= deadline => PaymentAction::Transition(Transition::CancelUnpaid),
            Some(deadline) if anew => ask(deadline),
            Some(deadline) => PaymentAction::Wait(Wait::Until(deadline)),
        }
    }

    /// Whether what the client agrees to still counts: who is asked to pay anew has until their deadline.
    fn can_still_pay(&self) -> bool {
        match self.payment.action_deadline {
            Some(deadline) => self.now < deadline,
            None => self.appointment.status == Status::Confirmed && self.now < self.appointment.end,
        }
    }

    /// Leaves what is set aside where it is, and takes it before it runs out; it is given back by the policy when it comes to
    /// that.
    fn keep_set_aside(&self, capture_before: Timestamp) -> PaymentAction {
        let latest = capture_before.plus(-CAPTURE_MARGIN);
        if self.now < latest {
            PaymentAction::Wait(Wait::Until(latest))
        } else if self.target.is_zero() {
            PaymentAction::Order(Order::CancelIntent)
        } else {
            self.capture()
        }
    }

    fn capture(&self) -> PaymentAction {
        match self.refused(OrderKind::Capture, self.target) {
            Some(escalation) => PaymentAction::Wait(Wait::ForDecision { escalation, until: None }),
            None => PaymentAction::Order(Order::Capture(self.target)),
        }
    }

    fn refused(&self, order: OrderKind, amount: Money) -> Option<Escalation> {
        self.payment.refused.contains_key(&order).then_some(Escalation::Refused { order, amount })
    }

    fn wait_for_the_bank(&self) -> PaymentAction {
        PaymentAction::Wait(Wait::Until(self.now.plus(PROCESSING_PAUSE)))
    }

    /// The two do not say the same of the session, or one of them may still contradict: until that is decided money is kept
    /// where it is, and nothing goes back for it.
    fn with_report(&self, report: NoShowReport) -> PaymentAction {
        let step = match self.snapshot.status {
            _ if self.totals.captured > 0 => self.adjust(),
            IntentStatus::Authorised { capture_before } => self.keep_set_aside(capture_before),
            IntentStatus::Processing => self.wait_for_the_bank(),
            _ => PaymentAction::Wait(Wait::Settled),
        };
        match report {
            _ if !step.is_wait() => step,
            NoShowReport::Open { until } if self.now >= until => {
                PaymentAction::Transition(Transition::AcceptReport)
            }
            NoShowReport::Open { until } => step.by(until),
            NoShowReport::Disputed | NoShowReport::Decided => {
                let until = match step {
                    PaymentAction::Wait(wait) => wait.until(),
                    PaymentAction::Transition(_) | PaymentAction::Order(_) => None,
                };
                PaymentAction::Wait(Wait::ForDecision { escalation: Escalation::NoShowDisputed, until })
            }
        }
    }

    fn ended(&self) -> PaymentAction {
        let (paid, unpaid) = (self.totals.captured > 0, self.payment.state == PaymentState::Unpaid);
        // The session took place while the client was asked to pay anew, and they still can.
        let can_pay = !self.target.is_zero() && self.can_still_pay();
        match self.snapshot.status {
            _ if paid => self.adjust(),
            IntentStatus::Processing => self.wait_for_the_bank(),
            IntentStatus::Authorised { .. } if self.target.is_zero() => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::Authorised { .. } => self.capture(),
            IntentStatus::CardSaved if self.target.is_zero() || unpaid => {
                PaymentAction::Order(Order::CancelIntent)
            }
            // A part that is less than a card can be charged is let go.
            IntentStatus::CardSaved if self.target.check_charge().is_err() => {
                PaymentAction::Order(Order::CancelIntent)
            }
            IntentStatus::CardSaved => PaymentAction::Order(Order::ChargeSavedCard(self.target)),
            IntentStatus::Approved if can_pay => PaymentAction::Order(Order::CollectApproved),
            IntentStatus::Open | IntentStatus::Approved => match self.payment.action_deadline {
                Some(deadline) if can_pay => PaymentAction::Wait(Wait::Until(deadline)),
                _ if self.capabilities.waits_for_collection => self.nothing_comes(),
                _ => PaymentAction::Order(Order::CancelIntent),
            },
            IntentStatus::Missing | IntentStatus::Cancelled | IntentStatus::Succeeded => self.nothing_comes(),
        }
    }

    /// Nothing was paid, and nothing will be.
    fn nothing_comes(&self) -> PaymentAction {
        // Somebody came, or called off too late, and the card failed: that is the expert's loss, and they are told.
        if self.target.is_zero() || self.payment.state == PaymentState::Unpaid {
            PaymentAction::Wait(Wait::Settled)
        } else {
            PaymentAction::Transition(Transition::WriteOff)
        }
    }

    /// Brings what was taken to what shall be kept, and the expert's part to their part of it.
    fn adjust(&self) -> PaymentAction {
        let surplus = self.totals.held().saturating_sub(self.target.amount());
        let no_refund = (surplus > 0).then(|| self.no_refund(self.money(surplus))).flatten();
        if surplus > 0 && no_refund.is_none() && !self.snapshot.open_dispute {
            return self.refund(surplus);
        }
        let expert = self.adjust_expert();
        let no_expert =
            expert.and_then(Order::refusable).and_then(|(order, amount)| self.refused(order, amount));
        // A bank that decides about a dispute holds refunds up, and nothing else.
        let until = self.snapshot.open_dispute.then(|| self.now.plus(DISPUTE_PAUSE));
        match (expert, no_expert.or(no_refund.filter(|_| until.is_none())), until) {
            (Some(order), ..) if no_expert.is_none() => PaymentAction::Order(order),
            (_, Some(escalation), until) => PaymentAction::Wait(Wait::ForDecision { escalation, until }),
            (_, None, Some(until)) => PaymentAction::Wait(Wait::Until(until)),
            (_, None, None) => PaymentAction::Wait(Wait::Settled),
        }
    }

    /// Why a refund would not be taken. What a bank did not take it will not take again by itself.
    fn no_refund(&self, amount: Money) -> Option<Escalation> {
        if self.totals.disputed > 0 && !self.capabilities.refunds_after_dispute {
            Some(Escalation::DisputeLost { amount })
        } else if self.totals.failed_refunds >= self.payment.refund_tries {
            Some(Escalation::RefundFailed { amount })
        } else {
            self.refused(OrderKind::Refund, amount)
        }
    }

    fn money(&self, amount: u64) -> Money {
        self.target.with_amount(amount).unwrap_or(self.target)
    }

    /// What the expert has of it before the fee, and whether that mirrors what the client paid.
    ///
    /// It does not once they miss something that they gave back, because a bank returned it to the platform, or got such again.
    fn with_expert(&self) -> (u64, bool) {
        let Totals { transferred, reversed, captured, .. } = self.totals;
        let left = transferred.saturating_sub(reversed);
        let missing = transferred == captured && left < self.for_expert();
        (left, transferred <= captured && !missing)
    }

    /// What goes back to the client, now or later, is not the expert's.
    fn for_expert(&self) -> u64 {
        self.totals.held().min(self.target.amount())
    }

    fn refund(&self, surplus: u64) -> PaymentAction {
        let (with_expert, mirrored) = self.with_expert();
        PaymentAction::Order(Order::Refund {
            amount: self.money(surplus),
            // Unless it is with the platform already, the expert's part comes from the expert by the same order.
            from_expert: !self.capabilities.reaches_experts
                || (mirrored && !self.payment.resolved_with_expert && with_expert >= self.totals.held()),
        })
    }

    fn adjust_expert(&self) -> Option<Order> {
        // Where experts cannot be reached, what they have is what the gateway's own refunds and disputes left them.
        if !self.capabilities.reaches_experts || self.payment.resolved_with_expert {
            return None;
        }
        let (with_expert, mirrored) = self.with_expert();
        let theirs = self.for_expert();
        if mirrored {
            // What the expert gives back mirrors what the client gets back, and the fee goes along with it.
            let surplus = with_expert.saturating_sub(theirs);
            return (surplus > 0).then(|| Order::Reverse { amount: self.money(surplus), with_fee: true });
        }
        // What is given again has its fee taken off already, so only what is left of both is compared: by sums, because a
        // rounded fee may leave the expert less than nothing.
        let Totals { transferred, fee_refunded, reversed, fee, .. } = self.totals;
        let net = theirs - self.money(theirs).share(self.payment.fee_rate).amount();
        let (got, shall_have_got) = (transferred + fee_refunded, net + reversed + fee);
        if got > shall_have_got {
            Some(Order::Reverse { amount: self.money(got - shall_have_got), with_fee: false })
        } else if got < shall_have_got {
            Some(Order::TransferAgain(self.money(shall_have_got - got)))
        } else {
            None
        }
    }
}
