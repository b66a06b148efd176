//! The platform's side of a payment: each step carried out as `app::payments` does it, on values, and what people ask of it as
//! `app::appointments` does.

use super::gateway::{Gateway, Outside, Refusal};
use super::*;
use crate::appointment::{Outcome, Party};
use crate::ledger::Balances;
use crate::text::LongText;
use crate::{Money, policy};

/// Most steps in a row before something must have come of them, as in `app::payments`.
const MOST_STEPS: usize = 12;
/// How long until an order that was refused is tried again, in seconds.
const AGAIN: i64 = HOUR;

/// What people ask of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Cancel(Party),
    /// The expert takes so much per cent of the price.
    Complete {
        percent: u8,
    },
    NoShow {
        missed_by: Party,
        by: Party,
    },
    /// The expert gives so much per cent back of what the client pays.
    GiveBack {
        percent: u8,
    },
    Move {
        by: Party,
        hours: i64,
        price_percent: u8,
    },
    TryRefundAgain,
    SettleByHand,
    /// Somebody else takes the slot of a hold whose time is over.
    TakeSlot,
}

/// How a settlement came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Agreed(Settlement),
    Refused(Refusal),
}

#[derive(Debug, Clone)]
pub(super) struct Platform {
    pub(super) appointment: Appointment,
    pub(super) payment: Payment,
    pub(super) ledger: Vec<Movement>,
    /// When it looks again by itself.
    pub(super) wake: Option<Timestamp>,
    /// What was done, for people to read when a test fails.
    pub(super) log: Vec<String>,
}

impl Platform {
    pub(super) fn totals(&self) -> Totals {
        Totals::of(&self.ledger)
    }

    pub(super) fn target(&self) -> Money {
        self.payment.target(&self.appointment.status)
    }

    /// `app::payments::settle_payment`. What happens `meanwhile` does so after the first look, before anything is done about it.
    pub(super) fn settle(
        &mut self,
        gateway: &mut Gateway,
        mut meanwhile: Option<Outside>,
        now: Timestamp,
    ) -> Result<Rest, String> {
        let mut steps = 0;
        while steps < MOST_STEPS {
            steps += 1;
            let seen = gateway.look(&self.payment, now);
            let news: Vec<Movement> =
                crate::ledger::news(&self.ledger, &seen.movements).into_iter().cloned().collect();
            let movements: Vec<Movement> = self.ledger.iter().cloned().chain(news).collect();
            let before = self.payment.clone();
            let observed = Payment {
                state: before.state_of(&seen, &movements),
                decline: seen.decline,
                open_dispute: seen.open_dispute,
                ..before.clone()
            };
            let step = super::settle(&self.appointment, &observed, &seen, &movements, gateway.abilities, now);
            self.log.push(format!(
                "    {:?} and {:?}: {step:?}",
                self.appointment.status.word(),
                seen.status
            ));
            self.payment = observed;
            self.ledger = movements;
            self.check(step, &seen, now)?;
            if let Some(event) = meanwhile.take()
                && gateway.suffers(event, &self.payment, now)
            {
                self.log.push(format!("    meanwhile {event:?}"));
                steps = 0;
            }
            match step {
                Settlement::Settled | Settlement::NeedsPerson if self.payment.state == PaymentState::Open => {
                    self.payment.state = PaymentState::Cancelled;
                    if before.state == PaymentState::Cancelled {
                        return Ok(self.rests(step, None));
                    }
                }
                Settlement::Settled | Settlement::NeedsPerson => return Ok(self.rests(step, None)),
                Settlement::WaitUntil(instant) => return Ok(self.rests(step, Some(instant))),
                Settlement::Confirm => self.change(Appointment::confirmed)?,
                Settlement::Expire => self.change(|appointment| appointment.expired(now))?,
                Settlement::CallOff => {
                    self.change(|appointment| {
                        appointment.cancelled(Party::Platform, LongText::default(), now)
                    })?;
                    self.payment.kept = Some(self.payment.amount.nothing());
                }
                Settlement::Complete => {
                    self.change(|appointment| appointment.ended(Outcome::Completed, Party::Platform, now))?;
                }
                Settlement::AskClient { deadline, anew: false } => {
                    self.payment.action_deadline = Some(deadline);
                    self.payment.state = PaymentState::ActionRequired { deadline };
                }
                Settlement::WriteOff => self.payment.state = PaymentState::Unpaid,
                _ => {
                    if let Err(refusal) = self.order(gateway, step, now) {
                        self.log.push(format!("    refused: {}", refusal.0));
                        self.wake = Some(now.plus(AGAIN));
                        return Ok(Rest::Refused(refusal));
                    }
                }
            }
        }
        Err(format!("{MOST_STEPS} steps and no end"))
    }

    fn rests(&mut self, step: Settlement, wake: Option<Timestamp>) -> Rest {
        self.wake = wake;
        Rest::Agreed(step)
    }

    fn change<E: std::fmt::Display>(
        &mut self,
        change: impl FnOnce(&Appointment) -> Result<Appointment, E>,
    ) -> Result<(), String> {
        self.appointment =
            change(&self.appointment).map_err(|refusal| format!("a step cannot be done: {refusal}"))?;
        Ok(())
    }

    /// What must hold of every step.
    fn check(&self, step: Settlement, seen: &Seen, now: Timestamp) -> Result<(), String> {
        let totals = self.totals();
        for (place, movement) in self.ledger.iter().enumerate() {
            if self.ledger[..place].iter().any(|other| other.is(movement)) {
                return Err(format!("{:?} of {} is written down twice", movement.kind, movement.object));
            }
        }
        let target = self.target().amount();
        let kept =
            self.payment.amount.with_amount(totals.held().min(target)).map_err(|error| error.to_string())?;
        let has = Balances::of(&self.ledger).get(Account::Expert, kept.currency());
        let theirs = kept.less(kept.share(self.payment.fee_rate)).amount();
        let wrong = match step {
            Settlement::WaitUntil(instant) if instant <= now => Some("it waits for the past"),
            Settlement::AskClient { deadline, .. } if deadline < now => Some("the deadline is over"),
            Settlement::Refund { .. } if seen.open_dispute => Some("it refunds what is disputed"),
            Settlement::Refund { amount, .. }
                if amount.amount() == 0 || totals.held() - amount.amount() != target =>
            {
                Some("the refund is not what is too much")
            }
            Settlement::Refund { amount, from_expert: true }
                if totals.transferred < totals.reversed + target + amount.amount() =>
            {
                Some("it takes what is the expert's")
            }
            Settlement::Capture(amount)
            | Settlement::ChargeSaved(amount)
            | Settlement::AuthoriseSaved(amount)
                if amount.is_zero() || amount.amount() != target =>
            {
                Some("it takes other than what is owed")
            }
            Settlement::Reverse { amount, .. } if amount.is_zero() => Some("it moves nothing"),
            Settlement::TransferAgain(amount) if has + i128::from(amount.amount()) != theirs.into() => {
                Some("it gives the expert other than what is theirs")
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |text| Err(text.to_owned()))
    }

    /// `app::payments::order`.
    fn order(&mut self, gateway: &mut Gateway, step: Settlement, now: Timestamp) -> Result<(), Refusal> {
        match step {
            Settlement::Take => gateway.take(&self.payment, now),
            Settlement::CancelIntent => {
                gateway.cancel(&self.payment, now);
                Ok(())
            }
            Settlement::Capture(amount) => {
                gateway.capture(&self.payment, amount, amount.share(self.payment.fee_rate), now)
            }
            Settlement::AuthoriseSaved(amount) => self.use_saved_card(gateway, amount, false, now),
            Settlement::ChargeSaved(amount) => self.use_saved_card(gateway, amount, true, now),
            Settlement::AskClient { deadline, .. } => {
                let wanted = Payment {
                    plan: Plan::Authorise,
                    intents: self.payment.intents + 1,
                    action_deadline: Some(deadline),
                    state: PaymentState::ActionRequired { deadline },
                    references: References { intent: None, ..self.payment.references.clone() },
                    ..self.payment.clone()
                };
                self.payment = Payment { references: gateway.open(&wanted), ..wanted };
                Ok(())
            }
            Settlement::Refund { amount, from_expert } => gateway.refund(amount.amount(), from_expert, now),
            Settlement::Reverse { amount, with_fee } => gateway.reverse(amount.amount(), with_fee, now),
            Settlement::TransferAgain(amount) => gateway.transfer(amount.amount(), now),
            _ => unreachable!("{step:?} is no order"),
        }
    }

    fn use_saved_card(
        &mut self,
        gateway: &mut Gateway,
        amount: Money,
        at_once: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let wanted = Payment { intents: self.payment.intents + 1, ..self.payment.clone() };
        let asked = gateway.use_saved_card(&wanted, amount, at_once, now);
        match &asked {
            Ok(intent) => {
                let references = References { intent: Some(intent.clone()), ..wanted.references.clone() };
                self.payment = Payment { references, ..wanted };
            }
            Err(_)
                if self.payment.action_deadline.is_none() && self.appointment.status == Status::Confirmed =>
            {
                let deadline = now.plus(ACTION_TIME).min(self.appointment.start.max(now));
                self.payment.action_deadline = Some(deadline);
                self.payment.state = PaymentState::ActionRequired { deadline };
            }
            Err(_) => {}
        }
        asked.map(|_| ())
    }

    /// Does what somebody asks; whether it was allowed.
    pub(super) fn act(&mut self, act: Act, now: Timestamp) -> bool {
        let allowed = self.try_act(act, now);
        allowed.is_some()
    }

    fn try_act(&mut self, act: Act, now: Timestamp) -> Option<()> {
        let appointment = self.appointment.clone();
        let price = appointment.price;
        let percent_of = |percent: u8, of: Money| of.proportion(percent.into(), 100);
        match act {
            Act::Cancel(by) => {
                self.appointment = appointment.cancelled(by, LongText::default(), now).ok()?;
                self.keep(appointment.cancellation_quote(by, now).kept);
            }
            Act::Complete { percent } => {
                self.appointment = appointment.ended(Outcome::Completed, Party::Expert, now).ok()?;
                self.keep(percent_of(percent, price));
            }
            Act::NoShow { missed_by, by } => {
                if by == Party::Client && missed_by != Party::Expert {
                    return None;
                }
                self.appointment = appointment.ended(Outcome::NoShow { missed_by }, by, now).ok()?;
                self.keep(policy::no_show(&appointment.cancellation, price, missed_by).kept);
            }
            Act::GiveBack { percent } => {
                use PaymentState::{Authorised, CardSaved, Paid, PartlyRefunded};
                let secured = matches!(
                    self.payment.state,
                    Paid { .. } | PartlyRefunded { .. } | Authorised { .. } | CardSaved
                );
                let amount = percent_of(percent, self.target());
                if !secured || amount.is_zero() {
                    return None;
                }
                self.payment.kept = Some(self.target().less(amount));
            }
            Act::Move { by, hours, price_percent } => {
                appointment.check_reschedule(by, now).ok()?;
                let current = percent_of(price_percent, price);
                if !current.is_zero() && current.check_charge().is_err() {
                    return None;
                }
                let price = appointment.price_when_moved(current).ok()?;
                let start = appointment.start.plus(hours * HOUR);
                if start <= now {
                    return None;
                }
                let end = start.plus(appointment.session().seconds());
                let reschedules = appointment.reschedules + 1;
                self.appointment = Appointment { start, end, price, reschedules, ..appointment };
                self.keep(price);
            }
            Act::TryRefundAgain | Act::SettleByHand => {
                let totals = self.totals();
                let owed = totals.held().saturating_sub(self.target().amount());
                if totals.failed_refunds < self.payment.refund_tries || owed == 0 {
                    return None;
                }
                if act == Act::TryRefundAgain {
                    self.payment.refund_tries = totals.failed_refunds + 1;
                } else {
                    let (amount, object) =
                        (price.with_amount(owed).ok()?, format!("by_hand_{}", self.ledger.len()));
                    self.ledger.push(Movement::new(MovementKind::SettledByHand, amount, object, now, None));
                }
            }
            Act::TakeSlot => self.appointment = appointment.expired(now).ok()?,
        }
        Some(())
    }

    /// `app::appointments::keep`: never more than was decided before.
    fn keep(&mut self, kept: Money) {
        let before = self.payment.kept.unwrap_or(self.payment.amount);
        self.payment.kept = Some(if kept.amount() < before.amount() { kept } else { before });
    }
}
