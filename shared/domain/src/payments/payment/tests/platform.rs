//! The platform's side of a payment: performs each action like `app::payments`, but on values, and handles requests
//! like `app::scheduling::appointments`.

use super::gateway::{Card, Fetched, ModelGateway, Outside, Refusal};
use super::*;
use crate::Money;
use crate::kernel::text::LongText;
use crate::payments::ledger::Balances;
use crate::scheduling::appointment::{NoShowReport, Outcome};
use crate::scheduling::cancellation;
use crate::scheduling::party::Party;

/// The maximum number of actions without waiting, as in `app::payments`.
const MAX_STEPS: usize = 12;

/// The gateway refuses orders of this kind at present.
const REFUSES: Refusal = Refusal("not this now");

/// A request to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Cancel(Party),
    /// The client cancels and pays for the processing: this percentage of the refund.
    CancelAtCost {
        percent: u8,
    },
    /// The outcome charges this percentage of the price.
    Complete {
        by: Party,
        percent: u8,
    },
    NoShow {
        missed_by: Party,
        by: Party,
    },
    /// The expert refunds this percentage of what the client pays.
    GiveBack {
        percent: u8,
    },
    /// The expert causes a refund of another payment, which costs the platform as many charge steps.
    CauseCost {
        steps: u64,
    },
    Move {
        by: Party,
        hours: i64,
        price_percent: u8,
    },
    TryAgain,
    ResolveManually,
    /// Another client takes the slot of an expired hold.
    TakeSlot,
}

#[derive(Debug, Clone)]
pub(super) struct Platform {
    pub(super) appointment: Appointment,
    pub(super) payment: Payment,
    pub(super) ledger: Vec<Movement>,
    /// What the expert owes.
    pub(super) debt: Debt,
    /// What the refunds that the expert caused have cost.
    pub(super) caused: u64,
    /// Whether the platform crashes before it can record the next intent of a saved card.
    pub(super) forgets: bool,
    /// When the platform checks the payment again.
    pub(super) wake: Option<Timestamp>,
    /// A log of everything done, which is printed when a test fails.
    pub(super) log: Vec<String>,
}

impl Platform {
    pub(super) fn totals(&self) -> Totals {
        Totals::of(&self.ledger)
    }

    pub(super) fn target(&self) -> Money {
        self.payment.amount_due(&self.appointment.status)
    }

    /// Like `app::payments::process::process_payment`. The event `meanwhile` occurs after the first snapshot, before
    /// any action.
    pub(super) fn settle(
        &mut self,
        gateway: &mut ModelGateway,
        mut meanwhile: Option<Outside>,
        now: Timestamp,
    ) -> Result<PaymentAction, String> {
        let (calm, mut steps) = (meanwhile.is_none(), 0);
        while steps < MAX_STEPS {
            steps += 1;
            let Fetched { snapshot, unrecorded_intent } = gateway.fetch_payment(&self.payment, now);
            let new_movements: Vec<Movement> =
                crate::payments::ledger::new_movements(&self.ledger, &snapshot.movements)
                    .into_iter()
                    .cloned()
                    .collect();
            let movements: Vec<Movement> = self.ledger.iter().cloned().chain(new_movements).collect();
            let before = self.payment.clone();
            let new = &movements[self.ledger.len()..];
            let totals = Totals::of(&movements);
            let observed = before.observed(&self.appointment, &snapshot, &movements, new);
            let observed = match unrecorded_intent {
                Some(intent) => observed.with_intent(intent),
                None => observed,
            };
            if let Some(regained) = observed.share_regained(new, totals, self.target()) {
                let in_debt = regained.with_amount(self.debt.owed_in(regained.currency())).expect("in range");
                let in_debt = in_debt.at_most(regained);
                (self.debt, self.caused) = (self.debt.minus(in_debt), self.caused - in_debt.amount());
                self.payment = observed.with_share_regained(in_debt, totals, self.target());
                self.ledger = movements;
                continue;
            }
            let step = super::next_action(
                &self.appointment,
                &observed,
                &snapshot,
                &movements,
                gateway.capabilities,
                now,
            );
            self.log.push(format!(
                "    {:?} and {:?}: {step:?}",
                self.appointment.status.as_str(),
                snapshot.status
            ));
            self.payment = observed;
            self.ledger = movements;
            self.check(step, &snapshot, now)?;
            if let Some(event) = meanwhile.take()
                && gateway.apply(event, &self.payment, now)
            {
                self.log.push(format!("    meanwhile {event:?}"));
                steps = 0;
            }
            if step.is_wait() {
                self.payment.escalation = step.escalation();
            }
            match step {
                PaymentAction::Wait(Wait::Done) if self.payment.state == PaymentState::Open => {
                    self.payment.state = PaymentState::Cancelled;
                    if before.state == PaymentState::Cancelled {
                        return Ok(self.rests(step, None));
                    }
                }
                PaymentAction::Wait(Wait::Done) => return Ok(self.rests(step, None)),
                PaymentAction::Wait(Wait::ForDecision { until, .. }) => return Ok(self.rests(step, until)),
                PaymentAction::Wait(Wait::Until(instant)) => return Ok(self.rests(step, Some(instant))),
                PaymentAction::Transition(Transition::Confirm) => self.change(Appointment::confirm)?,
                PaymentAction::Transition(Transition::Expire) => {
                    self.change(|appointment| appointment.expire(now))?
                }
                PaymentAction::Transition(Transition::CancelUnpaid | Transition::CancelDisputed) => {
                    self.change(|appointment| appointment.cancel(Party::Platform, LongText::default(), now))?;
                    self.payment.final_charge = Some(self.payment.amount.zero());
                }
                PaymentAction::Transition(Transition::Complete) => {
                    self.change(|appointment| {
                        appointment.ended(Outcome::Completed, None, Party::Platform, now)
                    })?;
                }
                PaymentAction::Transition(Transition::AcceptReport) => {
                    let before = self.payment.final_charge.unwrap_or(self.payment.amount);
                    let (accepted, final_charge) = self.appointment.accept_report(before);
                    self.appointment = accepted;
                    self.payment.lower_charge(final_charge, final_charge);
                }
                PaymentAction::Transition(Transition::AwaitClient { deadline }) => {
                    self.payment = self.payment.awaiting_client_until(deadline);
                }
                PaymentAction::Transition(Transition::WriteOff) => self.payment.state = PaymentState::Unpaid,
                PaymentAction::Transition(Transition::OweAgain(excess)) => {
                    self.debt = self.debt.plus(excess);
                    self.payment = self.payment.withholding_less(excess);
                }
                PaymentAction::Transition(Transition::OweShare(excess)) => {
                    (self.debt, self.caused) = (self.debt.plus(excess), self.caused + excess.amount());
                    self.payment = self.payment.owing(excess);
                }
                PaymentAction::Order(order @ (Order::PayOut(_) | Order::TransferAgain(_)))
                    if self.offset(order).is_some() =>
                {
                    let back = self.offset(order).expect("just computed");
                    (self.debt, self.caused) = (self.debt.minus(back), self.caused - back.amount());
                    self.payment = self.payment.owing_less(back);
                }
                PaymentAction::Order(Order::PayOut(share)) if self.debt.withhold(share).is_some() => {
                    if let Some((withheld, debt)) = self.debt.withhold(share) {
                        (self.payment, self.debt) = (self.payment.withholding(withheld), debt);
                    }
                }
                PaymentAction::Order(order) => {
                    match (self.order(gateway, order, now), order.refused_as(gateway.capabilities)) {
                        (Ok(()), _) => {}
                        (Err(refusal), Some(kind)) if !calm || refusal == REFUSES => {
                            self.log.push(format!("    refused: {}", refusal.0));
                            let waits = self.payment.reverses_for_grant(self.totals(), self.target());
                            self.payment = self.payment.with_refusal(kind, refusal.0.to_owned(), waits, now);
                        }
                        // A concurrent event made the order unnecessary, or the next snapshot shows the change.
                        (Err(_), None) if !calm => {}
                        (Err(refusal), _) => {
                            return Err(format!("the order is always refused: {}", refusal.0));
                        }
                    }
                }
            }
        }
        Err(format!("{MAX_STEPS} steps and no end"))
    }

    /// Like `app::payments::change::Change::withhold`: what the expert owes of this share, and is about to get again.
    fn offset(&self, order: Order) -> Option<Money> {
        let amount = match order {
            Order::PayOut(share) => share.net(),
            Order::TransferAgain(amount) => amount,
            _ => return None,
        };
        let owed = self.payment.share_owed?.amount().min(self.debt.owed_in(amount.currency()));
        amount.with_amount(owed.min(amount.amount())).ok().filter(|back| !back.is_zero())
    }

    fn rests(&mut self, step: PaymentAction, wake: Option<Timestamp>) -> PaymentAction {
        self.wake = wake;
        step
    }

    fn change<E: std::fmt::Display>(
        &mut self,
        change: impl FnOnce(&Appointment) -> Result<Appointment, E>,
    ) -> Result<(), String> {
        self.appointment = change(&self.appointment)
            .map_err(|refusal| format!("a transition is not possible: {refusal}"))?;
        Ok(())
    }

    /// Checks what must hold for every action.
    fn check(&self, step: PaymentAction, snapshot: &PaymentSnapshot, now: Timestamp) -> Result<(), String> {
        let totals = self.totals();
        for (place, movement) in self.ledger.iter().enumerate() {
            if self.ledger[..place].iter().any(|other| other.is_same_event(movement)) {
                return Err(format!("{:?} of {} is written down twice", movement.kind, movement.object));
            }
        }
        let target = self.target().amount();
        let cost = self.payment.processing_cost.map_or(0, Money::amount);
        let final_charge = self
            .payment
            .amount
            .with_amount(totals.net_paid().min(target).saturating_sub(cost))
            .map_err(|error| error.to_string())?;
        let has = Balances::of(&self.ledger).get(Account::Expert, final_charge.currency());
        let theirs = final_charge.saturating_sub(final_charge.apply_rate(self.payment.fee_rate)).amount();
        let withheld = self.payment.withheld.map_or(0, Money::amount);
        if withheld + self.debt.owed_in(final_charge.currency()) != self.caused {
            let (owed, caused) = (&self.debt.owed, self.caused);
            return Err(format!("{withheld} is withheld and {owed:?} owed, of {caused}"));
        }
        let left = i128::from(theirs) - i128::from(withheld);
        let has = has - i128::from(self.payment.share_owed.map_or(0, Money::amount));
        let entitled = self.payment.charge_before_grants.map_or(target, |charge| charge.amount().max(target));
        let step_of_charge = i128::from(final_charge.currency().charge_step());
        let wrong = match step {
            PaymentAction::Wait(Wait::Until(instant)) if instant <= now => {
                Some("the action waits for a past instant")
            }
            PaymentAction::Order(Order::RequestPayment { deadline })
            | PaymentAction::Transition(Transition::AwaitClient { deadline })
                if deadline < now =>
            {
                Some("the deadline has passed")
            }
            PaymentAction::Order(Order::Refund { .. }) if snapshot.open_dispute => {
                Some("the order refunds a disputed charge")
            }
            PaymentAction::Order(Order::Refund { amount, .. })
                if amount.amount() == 0
                    || ![target, entitled].contains(&(totals.net_paid() - amount.amount())) =>
            {
                Some("the refund differs from the surplus")
            }
            PaymentAction::Order(Order::Refund { amount, .. })
                if totals.net_paid() - amount.amount() < entitled
                    && has > left + step_of_charge
                    && !self.payment.resolved_with_expert =>
            {
                Some("the order refunds what the expert granted and has not returned")
            }
            PaymentAction::Order(Order::Refund { amount, from_expert: true })
                if totals.transferred < totals.reversed + target + amount.amount() =>
            {
                Some("the order takes the expert's own share")
            }
            PaymentAction::Order(Order::Capture(amount))
            | PaymentAction::Order(Order::ChargeSavedCard(amount))
            | PaymentAction::Order(Order::AuthorizeSavedCard(amount))
                if amount.is_zero() || amount.amount() != target =>
            {
                Some("the order captures another amount than the target")
            }
            PaymentAction::Order(Order::Reverse { amount, .. }) if amount.is_zero() => {
                Some("the order has a zero amount")
            }
            PaymentAction::Order(Order::TransferAgain(amount))
                if has + i128::from(amount.amount()) != theirs.into() =>
            {
                Some("the order transfers another amount than the expert's share")
            }
            PaymentAction::Order(Order::PayOut(_) | Order::TakeBack(_))
                if self.payment.payout_timing == PayoutTiming::AtPayment =>
            {
                Some("the gateway has already transferred the share")
            }
            PaymentAction::Order(Order::PayOut(_)) if snapshot.open_dispute || self.must_hold(now) => {
                Some("the order pays out what the platform must hold")
            }
            PaymentAction::Order(Order::PayOut(share))
                if share.net().is_zero() || has + i128::from(share.net().amount()) > left =>
            {
                Some("the order pays out more than the expert's share")
            }
            PaymentAction::Order(Order::TakeBack(share))
                if share.net().is_zero() || has - i128::from(share.net().amount()) < left =>
            {
                Some("the order takes back the expert's own share")
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |text| Err(text.to_owned()))
    }

    /// Returns whether the expert must not get anything now: before one day after the end of the session, while the
    /// outcome is not certain, and while a dispute is open.
    pub(super) fn must_hold(&self, now: Timestamp) -> bool {
        let uncertain = !matches!(self.appointment.no_show_report, None | Some(NoShowReport::Decided));
        self.appointment.status.is_active()
            || now < self.appointment.end.plus(DAY)
            || uncertain
            || self.payment.open_dispute
    }

    /// Like `app::payments::orders::order`.
    fn order(&mut self, gateway: &mut ModelGateway, order: Order, now: Timestamp) -> Result<(), Refusal> {
        let takes_back = matches!(order, Order::Refund { from_expert: true, .. });
        let refused = match gateway.refuses {
            Some(OrderKind::Reversal) if takes_back => true,
            refuses => refuses.is_some() && refuses == order.refusable().map(|(kind, _)| kind),
        };
        if refused {
            return Err(REFUSES);
        }
        match order {
            Order::CompleteApproved => gateway.complete_approved(&self.payment, now),
            Order::CancelIntent => {
                gateway.cancel(&self.payment, now);
                Ok(())
            }
            Order::Capture(amount) => {
                gateway.capture(&self.payment, amount, amount.apply_rate(self.payment.fee_rate), now)
            }
            Order::AuthorizeSavedCard(amount) => self.charge_saved_card(gateway, amount, false, now),
            Order::ChargeSavedCard(amount) => self.charge_saved_card(gateway, amount, true, now),
            Order::RequestPayment { deadline } => {
                self.ask_client(gateway, deadline);
                Ok(())
            }
            Order::Refund { amount, from_expert } => gateway.refund(amount.amount(), from_expert, now),
            Order::Reverse { amount, with_fee } => gateway.reverse(amount.amount(), with_fee, now),
            Order::TransferAgain(amount) => gateway.transfer(amount.amount(), now),
            Order::PayOut(share) => gateway.pay_out(share, now),
            Order::TakeBack(share) => gateway.take_back(share, now),
        }
    }

    fn charge_saved_card(
        &mut self,
        gateway: &mut ModelGateway,
        amount: Money,
        at_once: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let wanted = Payment { intent_number: self.payment.intent_number + 1, ..self.payment.clone() };
        match gateway.charge_saved_card(&wanted, amount, at_once, now) {
            Ok(_) if std::mem::take(&mut self.forgets) => self.log.push("    and cannot note it".to_owned()),
            Ok(intent) => self.payment = self.payment.with_intent(intent),
            Err(refusal) if gateway.card != Card::NotAsked => return Err(refusal),
            Err(_) if self.appointment.status == Status::Confirmed => {
                let deadline = action_deadline(&self.appointment, now);
                self.ask_client(gateway, self.payment.action_deadline.unwrap_or(deadline));
            }
            Err(_) => self.payment.state = PaymentState::Unpaid,
        }
        Ok(())
    }

    fn ask_client(&mut self, gateway: &mut ModelGateway, deadline: Timestamp) {
        let wanted = Payment {
            plan: Plan::Authorize,
            intent_number: self.payment.intent_number + 1,
            references: References { intent: None, ..self.payment.references.clone() },
            ..self.payment.awaiting_client_until(deadline)
        };
        self.payment = Payment { references: gateway.open(&wanted), ..wanted };
    }

    /// Performs a request. Returns whether it was allowed.
    pub(super) fn act(&mut self, act: Act, now: Timestamp) -> bool {
        let allowed = self.try_act(act, now);
        allowed.is_some()
    }

    fn try_act(&mut self, act: Act, now: Timestamp) -> Option<()> {
        let appointment = self.appointment.clone();
        let price = appointment.price;
        let percent_of = |percent: u8, of: Money| of.prorate(percent.into(), 100);
        match act {
            Act::Cancel(by) => {
                self.appointment = appointment.cancel(by, LongText::default(), now).ok()?;
                let charge = appointment.cancellation_quote(by, now).final_charge;
                self.payment.lower_charge(charge, charge);
            }
            Act::CancelAtCost { percent } => {
                // Nothing was processed yet.
                if self.totals().captured == 0 {
                    return None;
                }
                self.appointment = appointment.cancel(Party::Client, LongText::default(), now).ok()?;
                let quote = appointment.cancellation_quote(Party::Client, now);
                let quote =
                    quote.after(self.payment.final_charge).limited_to_net_paid(self.totals().net_paid());
                let quote = quote.less_processing_cost(percent_of(percent, quote.refund));
                self.payment.processing_cost = Some(quote.processing_cost);
                self.payment.lower_charge(quote.final_charge, quote.final_charge);
            }
            Act::Complete { by, percent } => {
                if by == Party::Client {
                    return None;
                }
                self.say(Outcome::Completed, by, percent_of(percent, price), now)?;
            }
            Act::NoShow { missed_by, by } => {
                if missed_by == Party::Platform || by == Party::Client && missed_by != Party::Expert {
                    return None;
                }
                let final_charge =
                    cancellation::no_show(&appointment.cancellation, price, missed_by).final_charge;
                self.say(Outcome::NoShow { missed_by }, by, final_charge, now)?;
            }
            Act::GiveBack { percent } => {
                use PaymentState::{Authorized, CardSaved, Paid, PartiallyRefunded};
                let secured = matches!(
                    self.payment.state,
                    Paid { .. } | PartiallyRefunded { .. } | Authorized { .. } | CardSaved
                );
                let cost = self.payment.processing_cost.unwrap_or(self.target().zero());
                let amount = percent_of(percent, self.target().saturating_sub(cost));
                if !secured || amount.is_zero() {
                    return None;
                }
                self.payment.grant_charge(self.target().saturating_sub(amount));
            }
            Act::CauseCost { steps } => {
                let cost = price.with_amount(steps * price.currency().charge_step()).ok()?;
                (self.debt, self.caused) = (self.debt.plus(cost), self.caused + cost.amount());
            }
            Act::Move { by, hours, price_percent } => {
                match by {
                    Party::Client => appointment.check_reschedule(now).ok()?,
                    Party::Expert | Party::Platform => appointment.check_proposal(by, now).ok()?,
                }
                let current = percent_of(price_percent, price);
                if !current.is_zero() && current.check_charge().is_err() {
                    return None;
                }
                let price = appointment.price_after_reschedule(current);
                let start = appointment.start.plus(hours * HOUR);
                if start <= now {
                    return None;
                }
                let end = start.plus(appointment.session_span().seconds());
                let reschedules = appointment.reschedules + 1;
                self.appointment = Appointment { start, end, price, reschedules, ..appointment };
                self.payment.grant_charge(price);
            }
            Act::TryAgain => {
                match self.payment.escalation? {
                    Escalation::RefundFailed { .. } => {
                        self.payment.max_failed_refunds = self.totals().failed_refunds + 1
                    }
                    Escalation::Refused { order, .. } => self.payment = self.payment.without_refusal(order),
                    Escalation::DisputeLost { .. } | Escalation::NoShowDisputed | Escalation::Unknown => {
                        return None;
                    }
                }
                self.payment.escalation = None;
            }
            Act::ResolveManually => {
                match self.payment.escalation? {
                    Escalation::NoShowDisputed | Escalation::Unknown => return None,
                    Escalation::Refused { order: OrderKind::Capture, .. } => {
                        self.payment.lower_charge(price.zero(), price.zero())
                    }
                    Escalation::Refused { order: OrderKind::Reversal | OrderKind::Transfer, .. } => {
                        self.payment = self.payment.settled_with_expert(self.totals(), self.target());
                    }
                    Escalation::RefundFailed { .. }
                    | Escalation::DisputeLost { .. }
                    | Escalation::Refused { order: OrderKind::Refund, .. } => {
                        let surplus = self.totals().net_paid() - self.target().amount();
                        let object = format!("manual_{}", self.ledger.len());
                        let amount = price.with_amount(surplus).ok()?;
                        self.ledger.push(Movement::new(
                            MovementKind::ResolvedManually,
                            amount,
                            object,
                            now,
                            None,
                        ));
                        self.payment.max_failed_refunds = self.totals().failed_refunds + 1;
                        self.payment = self.payment.without_refusal(OrderKind::Refund);
                    }
                }
                self.payment.escalation = None;
            }
            Act::TakeSlot => self.appointment = appointment.expire(now).ok()?,
        }
        Some(())
    }

    /// Like `app::scheduling::session_reports::end`.
    fn say(&mut self, outcome: Outcome, by: Party, final_charge: Money, now: Timestamp) -> Option<()> {
        if self.appointment.has_reported(outcome, by) {
            return None;
        }
        let charge = (outcome == Outcome::Completed).then_some(final_charge);
        let ended = self.appointment.ended(outcome, charge, by, now).ok()?;
        // Whoever can object is notified at once.
        let ended = ended.objection_period_begun(now.plus(DAY)).unwrap_or(ended);
        let undecided = ended.no_show_report.is_some_and(NoShowReport::is_unresolved);
        self.appointment = ended;
        match (outcome, by) {
            _ if undecided => {}
            (Outcome::Completed, Party::Expert) => self.payment.grant_charge(final_charge),
            _ => self.payment.lower_charge(final_charge, final_charge),
        }
        Some(())
    }
}
