//! Which step brings an appointment and its payment together. Pure.

use super::*;
use crate::planted;
use crate::scheduling::appointment::Review;

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
    /// Nobody contradicted in time who reported that the expert did not come: what that gives back is due.
    AcceptReport,
    /// Only a person can decide how to go on.
    NeedsPerson {
        /// About what.
        concern: Concern,
        /// Until when something else is to be done all the same.
        until: Option<Timestamp>,
    },
    /// The session is over, and nobody can be made to pay.
    WriteOff,
}

/// How long to wait before asking again about a payment that is under way, in seconds.
pub(super) const PROCESSING_PAUSE: i64 = 15 * 60;
/// How long to wait before asking again about a dispute, in seconds. Its end is also told.
pub(super) const DISPUTE_PAUSE: i64 = DAY;

impl Settlement {
    /// What a person must decide.
    pub fn concern(self) -> Option<Concern> {
        match self {
            Self::NeedsPerson { concern, .. } => Some(concern),
            _ => None,
        }
    }

    /// The order that it is and of how much, of those that a person decides about when the gateway refuses them.
    pub fn refusable(self) -> Option<(Order, Money)> {
        match self {
            Self::Capture(amount) => Some((Order::Capture, amount)),
            Self::Refund { amount, .. } => Some((Order::Refund, amount)),
            Self::Reverse { amount, .. } => Some((Order::Reversal, amount)),
            Self::TransferAgain(amount) => Some((Order::Transfer, amount)),
            _ => None,
        }
    }

    /// The same, looked at again by then at the latest.
    fn by(self, latest: Timestamp) -> Self {
        let sooner = |until: Option<Timestamp>| until.map_or(latest, |until| until.min(latest));
        match self {
            Self::Settled => Self::WaitUntil(latest),
            Self::WaitUntil(until) => Self::WaitUntil(until.min(latest)),
            Self::NeedsPerson { concern, until } => Self::NeedsPerson { concern, until: Some(sooner(until)) },
            step => step,
        }
    }

    /// Whether nothing is to be done now.
    pub fn rests(self) -> bool {
        matches!(self, Self::Settled | Self::WaitUntil(_) | Self::NeedsPerson { .. })
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
    let target = payment.target(&appointment.status);
    let at_hand =
        Situation { appointment, payment, seen, totals: Totals::of(movements), target, abilities, now };
    match &appointment.status {
        Status::Pending { hold_expires_at } => at_hand.pending(*hold_expires_at),
        Status::Confirmed => at_hand.confirmed(),
        Status::Completed | Status::NoShow { .. } | Status::Cancelled { .. } | Status::Expired => {
            match appointment.review {
                // What costs nothing needs no decision.
                Some(review @ (Review::Objections { .. } | Review::Contested))
                    if !target.is_zero() && !planted("take_before_it_is_decided") =>
                {
                    at_hand.reviewed(review)
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
    seen: &'a Seen,
    totals: Totals,
    /// What the client shall have paid in the end.
    target: Money,
    abilities: Abilities,
    now: Timestamp,
}

impl Situation<'_> {
    fn pending(&self, hold_expires_at: Timestamp) -> Settlement {
        let (in_time, over) = (self.now < self.appointment.end, hold_expires_at <= self.now);
        match self.seen.status {
            IntentStatus::Open if planted("confirm_on_redirect") => Settlement::Confirm,
            _ if planted("expire_before_cancelling") && over => Settlement::Expire,
            status if status.is_secure() && in_time => Settlement::Confirm,
            IntentStatus::Approved if in_time => Settlement::Take,
            _ if !over => Settlement::WaitUntil(hold_expires_at),
            IntentStatus::Open | IntentStatus::Approved if !self.abilities.waits_to_be_taken => {
                Settlement::CancelIntent
            }
            IntentStatus::Processing => self.wait_for_the_bank(),
            // A bank debit may take days. Nobody held the session for whom it comes too late.
            _ => Settlement::Expire,
        }
    }

    /// Nobody has to say that a session took place: a while after its end it did.
    fn confirmed(&self) -> Settlement {
        let completes_at = self.appointment.completes_at();
        match self.not_ended_yet() {
            step if step.rests() && self.now >= completes_at => Settlement::Complete,
            step => step.by(completes_at),
        }
    }

    fn not_ended_yet(&self) -> Settlement {
        match self.seen.status {
            _ if self.totals.captured > 0 => self.adjust(),
            IntentStatus::Succeeded => Settlement::Settled,
            IntentStatus::Processing => self.wait_for_the_bank(),
            // Nobody shall be asked to pay nothing, and of an order that waits to be taken nothing is.
            IntentStatus::Open | IntentStatus::Approved if self.target.is_zero() => {
                if self.abilities.waits_to_be_taken { Settlement::Settled } else { Settlement::CancelIntent }
            }
            IntentStatus::Approved if self.can_still_pay() => Settlement::Take,
            IntentStatus::Authorised { capture_before } => self.keep_set_aside(capture_before),
            IntentStatus::CardSaved
                if self.payment.action_deadline.is_none_or(|deadline| self.now < deadline) =>
            {
                let at = Payment::authorise_at(self.abilities, self.appointment.end);
                // A part that is less than a card can be charged is let go.
                if self.target.check_charge().is_err() {
                    Settlement::Settled
                } else if self.now < at {
                    Settlement::WaitUntil(at)
                } else {
                    Settlement::AuthoriseSaved(self.target)
                }
            }
            _ => self.ask_client(),
        }
    }

    /// The client must pay anew, or the appointment is called off.
    fn ask_client(&self) -> Settlement {
        let anew = self.seen.status != IntentStatus::Open;
        match self.payment.action_deadline {
            _ if self.target.is_zero() || self.payment.state == PaymentState::Unpaid => Settlement::Settled,
            _ if self.now >= self.appointment.end => Settlement::WriteOff,
            None => Settlement::AskClient { deadline: action_deadline(self.appointment, self.now), anew },
            Some(deadline) if self.now >= deadline => Settlement::CallOff,
            Some(deadline) if anew => Settlement::AskClient { deadline, anew },
            Some(deadline) => Settlement::WaitUntil(deadline),
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
    fn keep_set_aside(&self, capture_before: Timestamp) -> Settlement {
        let latest = capture_before.plus(-CAPTURE_MARGIN);
        if self.now < latest {
            Settlement::WaitUntil(latest)
        } else if self.target.is_zero() {
            Settlement::CancelIntent
        } else {
            self.capture()
        }
    }

    fn capture(&self) -> Settlement {
        match self.refused(Order::Capture, self.target) {
            Some(concern) => Settlement::NeedsPerson { concern, until: None },
            None => Settlement::Capture(self.target),
        }
    }

    fn refused(&self, order: Order, amount: Money) -> Option<Concern> {
        self.payment.refused.contains_key(&order).then_some(Concern::Refused { order, amount })
    }

    fn wait_for_the_bank(&self) -> Settlement {
        Settlement::WaitUntil(self.now.plus(PROCESSING_PAUSE))
    }

    /// The two do not say the same of the session, or one of them may still contradict: until that is decided money is kept
    /// where it is, and nothing goes back for it.
    fn reviewed(&self, review: Review) -> Settlement {
        let step = match self.seen.status {
            _ if self.totals.captured > 0 => self.adjust(),
            IntentStatus::Authorised { capture_before } => self.keep_set_aside(capture_before),
            IntentStatus::Processing => self.wait_for_the_bank(),
            _ => Settlement::Settled,
        };
        match review {
            _ if !step.rests() => step,
            Review::Objections { until } if self.now >= until => Settlement::AcceptReport,
            Review::Objections { until } => step.by(until),
            Review::Contested | Review::Decided => {
                let until = match step {
                    Settlement::WaitUntil(until) | Settlement::NeedsPerson { until: Some(until), .. } => {
                        Some(until)
                    }
                    _ => None,
                };
                Settlement::NeedsPerson { concern: Concern::Contested, until }
            }
        }
    }

    fn ended(&self) -> Settlement {
        let (paid, unpaid) = (self.totals.captured > 0, self.payment.state == PaymentState::Unpaid);
        // The session took place while the client was asked to pay anew, and they still can.
        let can_pay = !self.target.is_zero() && self.can_still_pay();
        match self.seen.status {
            _ if paid && planted("late_payments_are_kept") => Settlement::Settled,
            _ if paid => self.adjust(),
            IntentStatus::Processing => self.wait_for_the_bank(),
            IntentStatus::Authorised { .. } if self.target.is_zero() => Settlement::CancelIntent,
            IntentStatus::Authorised { .. } => self.capture(),
            IntentStatus::CardSaved if self.target.is_zero() || unpaid => Settlement::CancelIntent,
            // A part that is less than a card can be charged is let go.
            IntentStatus::CardSaved if self.target.check_charge().is_err() => Settlement::CancelIntent,
            IntentStatus::CardSaved if planted("nobody_asks_the_card") => Settlement::WriteOff,
            IntentStatus::CardSaved => Settlement::ChargeSaved(self.target),
            IntentStatus::Approved if can_pay => Settlement::Take,
            IntentStatus::Open | IntentStatus::Approved => match self.payment.action_deadline {
                Some(deadline) if can_pay => Settlement::WaitUntil(deadline),
                _ if self.abilities.waits_to_be_taken => self.nothing_comes(),
                _ => Settlement::CancelIntent,
            },
            IntentStatus::Missing | IntentStatus::Cancelled | IntentStatus::Succeeded => self.nothing_comes(),
        }
    }

    /// Nothing was paid, and nothing will be.
    fn nothing_comes(&self) -> Settlement {
        // Somebody came, or called off too late, and the card failed: that is the expert's loss, and they are told.
        if self.target.is_zero() || self.payment.state == PaymentState::Unpaid {
            Settlement::Settled
        } else {
            Settlement::WriteOff
        }
    }

    /// Brings what was taken to what shall be kept, and the expert's part to their part of it.
    fn adjust(&self) -> Settlement {
        let surplus = self.totals.held().saturating_sub(self.target.amount());
        let no_refund = (surplus > 0).then(|| self.no_refund(self.money(surplus))).flatten();
        if surplus > 0 && no_refund.is_none() && !self.seen.open_dispute {
            return self.refund(surplus);
        }
        let expert = self.adjust_expert();
        let no_expert =
            expert.and_then(Settlement::refusable).and_then(|(order, amount)| self.refused(order, amount));
        // A bank that decides about a dispute holds refunds up, and nothing else.
        let until = self.seen.open_dispute.then(|| self.now.plus(DISPUTE_PAUSE));
        match (expert, no_expert.or(no_refund.filter(|_| until.is_none())), until) {
            (Some(step), ..) if no_expert.is_none() => step,
            (_, Some(concern), until) => Settlement::NeedsPerson { concern, until },
            (_, None, Some(until)) => Settlement::WaitUntil(until),
            (_, None, None) => Settlement::Settled,
        }
    }

    /// Why a refund would not be taken. What a bank did not take it will not take again by itself.
    fn no_refund(&self, amount: Money) -> Option<Concern> {
        if self.totals.disputed > 0 && !self.abilities.refunds_after_dispute {
            Some(Concern::DisputeLost { amount })
        } else if self.totals.failed_refunds >= self.payment.refund_tries {
            Some(Concern::RefundFailed { amount })
        } else {
            self.refused(Order::Refund, amount)
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

    fn refund(&self, surplus: u64) -> Settlement {
        let (with_expert, mirrored) = self.with_expert();
        let surplus = if planted("refund_everything") { self.totals.held() } else { surplus };
        Settlement::Refund {
            amount: self.money(surplus),
            // Unless it is with the platform already, the expert's part comes from the expert by the same order.
            from_expert: !self.abilities.reaches_experts
                || (mirrored && !self.payment.settled_with_expert && with_expert >= self.totals.held()),
        }
    }

    fn adjust_expert(&self) -> Option<Settlement> {
        // Where experts cannot be reached, what they have is what the gateway's own refunds and disputes left them.
        if !self.abilities.reaches_experts
            || self.payment.settled_with_expert
            || planted("experts_are_never_made_whole")
        {
            return None;
        }
        let (with_expert, mirrored) = self.with_expert();
        let theirs = self.for_expert();
        if mirrored {
            // What the expert gives back mirrors what the client gets back, and the fee goes along with it.
            let surplus = with_expert.saturating_sub(theirs);
            return (surplus > 0)
                .then(|| Settlement::Reverse { amount: self.money(surplus), with_fee: true });
        }
        // What is given again has its fee taken off already, so only what is left of both is compared: by sums, because a
        // rounded fee may leave the expert less than nothing.
        let Totals { transferred, fee_refunded, reversed, fee, .. } = self.totals;
        let net = theirs - self.money(theirs).share(self.payment.fee_rate).amount();
        let (got, shall_have_got) = (transferred + fee_refunded, net + reversed + fee);
        if got > shall_have_got {
            Some(Settlement::Reverse { amount: self.money(got - shall_have_got), with_fee: false })
        } else if got < shall_have_got {
            Some(Settlement::TransferAgain(self.money(shall_have_got - got)))
        } else {
            None
        }
    }
}
