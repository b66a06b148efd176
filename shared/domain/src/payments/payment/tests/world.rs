//! The environment of a simulated payment: its clock, its gateway and the platform, and the invariants that hold
//! whenever the platform is idle.

use super::gateway::{Card, ModelGateway, Outside};
use super::platform::{Act, Platform};
use super::*;
use crate::Rate;
use crate::experts::policy::{CancellationPolicy, ReschedulePolicy};
use crate::kernel::time::MINUTE;
use crate::payments::ledger::Balances;
use crate::scheduling::appointment::NoShowReport;
use crate::scheduling::party::Party;

/// The next event of a story.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Outside(Outside),
    Act(Act),
    /// The given number of seconds pass.
    Wait(i64),
    /// Time passes until the given number of seconds after a mark.
    WaitFor(Mark, i64),
}

/// An instant at which something changes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    HoldEnd,
    Start,
    End,
    /// The instant at which the platform checks the payment again.
    Wake,
    ActionDeadline,
    LastCapture,
}

/// An event and its circumstances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) what: What,
    /// Whether the platform is notified of the event, and keeps working while time passes.
    pub(super) heard: bool,
    /// An event between the platform's snapshot and its action.
    pub(super) meanwhile: Option<Outside>,
    /// Whether the platform crashes before it can record the intent of a saved card.
    pub(super) forgets: bool,
}

impl Moment {
    pub(super) fn notified(what: What) -> Self {
        Self { what, heard: true, meanwhile: None, forgets: false }
    }

    pub(super) fn unnotified(what: What) -> Self {
        Self { what, heard: false, meanwhile: None, forgets: false }
    }
}

/// The initial situation of a story.
#[derive(Debug, Clone)]
pub(super) struct Beginning {
    pub(super) price: Money,
    pub(super) fee_rate: Rate,
    pub(super) collection: Collection,
    pub(super) payout_timing: PayoutTiming,
    /// Whether the gateway saves cards. A gateway that does not must collect approved payments.
    pub(super) saves_cards: bool,
    pub(super) stutters: bool,
    /// Minutes from booking to start.
    pub(super) lead: i64,
    /// Length of the session in minutes.
    pub(super) length: i64,
    pub(super) cancellation: CancellationPolicy,
    pub(super) rescheduling: ReschedulePolicy,
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) gateway: ModelGateway,
    pub(super) platform: Platform,
}

fn booked_at() -> Timestamp {
    at("2027-03-01T00:00:00Z")
}

const HOLD: i64 = 15 * MINUTE;

impl World {
    pub(super) fn begin(beginning: Beginning) -> Self {
        let Beginning { price, fee_rate, collection, payout_timing, .. } = beginning;
        let Beginning { saves_cards, stutters, lead, length, .. } = beginning;
        let now = booked_at();
        let later = saves_cards.then_some(4 * DAY + 18 * HOUR);
        let capabilities = Capabilities {
            authorization_validity: 7 * DAY,
            saved_card_authorization_validity: later,
            requires_completion: false,
            supports_transfers: true,
            refunds_after_dispute: false,
            hold_period: Some(90 * DAY),
            refund_period: None,
        };
        let mut gateway = ModelGateway::new(capabilities);
        (gateway.asks_first, gateway.stutters) = (!saves_cards, stutters);
        gateway.holds = payout_timing == PayoutTiming::AfterSession;
        let start = now.plus(lead * MINUTE);
        let end = start.plus(length * MINUTE);
        let appointment = Appointment {
            start,
            end,
            price,
            created_at: now,
            cancellation: beginning.cancellation,
            rescheduling: beginning.rescheduling,
            status: Status::Pending { hold_expires_at: now.plus(HOLD) },
            ..appointment(1)
        };
        let plan = Plan::choose(collection, capabilities, payout_timing, end, now);
        let plan = plan.expect("within the limits, or the card is saved");
        let mut payment = Payment { amount: price, fee_rate, payout_timing, plan, ..payment() };
        payment.references = gateway.open(&payment);
        let log = vec![format!(
            "{price} by {plan:?} for {start} to {end}, paid out {payout_timing:?}, {} basis points for the platform",
            fee_rate.basis_points()
        )];
        let platform = Platform {
            appointment,
            payment,
            ledger: vec![],
            debt: Debt::default(),
            caused: 0,
            forgets: false,
            wake: Some(now.plus(HOLD)),
            log,
        };
        Self { now, gateway, platform }
    }

    /// Plays a story to its end: no more events occur, and open disputes and escalations are decided.
    pub(super) fn tell(mut self, moments: &[Moment], wins: bool) -> Result<Self, String> {
        let told = moments
            .iter()
            .try_for_each(|moment| self.happens(*moment))
            .and_then(|()| self.comes_to_rest(wins));
        match told {
            Ok(()) => Ok(self),
            Err(wrong) => Err(format!("{wrong}\n{}", self.platform.log.join("\n"))),
        }
    }

    pub(super) fn happens(&mut self, moment: Moment) -> Result<(), String> {
        let Moment { what, heard, meanwhile, forgets } = moment;
        self.platform.forgets = forgets;
        let (happened, until) = match what {
            What::Outside(event) => (self.gateway.apply(event, &self.platform.payment, self.now), None),
            What::Act(act) => (self.platform.act(act, self.now), None),
            What::Wait(seconds) => (true, Some(self.now.plus(seconds))),
            What::WaitFor(mark, seconds) => {
                let until =
                    self.instant(mark).map(|instant| instant.plus(seconds)).filter(|until| *until > self.now);
                (until.is_some(), until)
            }
        };
        if !happened {
            return Ok(());
        }
        if let Some(until) = until {
            if heard {
                self.works_until(until)?;
            }
            self.now = until;
        }
        let unheard = if heard { "" } else { ", unheard of" };
        self.platform.log.push(format!("{} {what:?}{unheard}", self.now));
        if heard { self.fetches(meanwhile) } else { Ok(()) }
    }

    fn instant(&self, mark: Mark) -> Option<Timestamp> {
        let Platform { appointment, payment, wake, .. } = &self.platform;
        match mark {
            Mark::HoldEnd => Some(booked_at().plus(HOLD)),
            Mark::Start => Some(appointment.start),
            Mark::End => Some(appointment.end),
            Mark::Wake => *wake,
            Mark::ActionDeadline => payment.action_deadline,
            Mark::LastCapture => match payment.state {
                PaymentState::Authorized { capture_before } => Some(capture_before),
                _ => None,
            },
        }
    }

    /// Lets the platform act whenever it is due until the given instant, with a limit on the number of times.
    fn works_until(&mut self, until: Timestamp) -> Result<(), String> {
        for _ in 0..20 {
            match self.platform.wake.filter(|wake| *wake <= until) {
                Some(wake) => self.now = self.now.max(wake),
                None => break,
            }
            self.platform.log.push(format!("{} fetches by itself", self.now));
            self.fetches(None)?;
        }
        Ok(())
    }

    /// The platform reads a snapshot, performs all actions, and waits.
    fn fetches(&mut self, meanwhile: Option<Outside>) -> Result<(), String> {
        if meanwhile.is_some() {
            self.platform.settle(&mut self.gateway, meanwhile, self.now)?;
        }
        let step = self.platform.settle(&mut self.gateway, None, self.now)?;
        self.check_books()?;
        self.check_rest(step)?;
        let rested = self.platform.clone();
        self.platform.settle(&mut self.gateway, None, self.now)?;
        let same = (&rested.appointment, &rested.payment, &rested.ledger)
            == (&self.platform.appointment, &self.platform.payment, &self.platform.ledger);
        ensure(same, || "looking again changes something".to_owned())
    }

    /// Decides everything that is open, and lets the platform act until there is nothing left to do.
    fn comes_to_rest(&mut self, wins: bool) -> Result<(), String> {
        self.platform.log.push("end of story".to_owned());
        if self.gateway.card == Card::NotAsked {
            self.gateway.card = if wins { Card::Good } else { Card::Declines };
        }
        self.fetches(None)?;
        for _ in 0..100 {
            if let Some(escalation) = self.platform.payment.escalation {
                self.decides(escalation, wins)?;
                self.fetches(None)?;
                continue;
            }
            let Some(wake) = self.platform.wake else { return self.check_end() };
            self.now = self.now.max(wake);
            let payment = &self.platform.payment;
            if self.gateway.is_processing() {
                let event = if wins { Outside::DebitArrives } else { Outside::DebitFails };
                self.gateway.apply(event, payment, self.now);
            }
            if self.gateway.has_open_dispute() {
                let event = if wins { Outside::DisputeWon } else { Outside::DisputeLost };
                self.gateway.apply(event, payment, self.now);
                self.gateway.apply(Outside::BankIsContent, payment, self.now);
            }
            self.platform.log.push(format!("{} fetches by itself", self.now));
            self.fetches(None)?;
        }
        Err("the payment never reaches a final state".to_owned())
    }

    /// An administrator decides: retries what is possible, and resolves the rest manually.
    fn decides(&mut self, escalation: Escalation, wins: bool) -> Result<(), String> {
        let act = match escalation {
            Escalation::NoShowDisputed if wins => Act::Complete { by: Party::Platform, percent: 100 },
            Escalation::NoShowDisputed => Act::NoShow { missed_by: Party::Expert, by: Party::Platform },
            Escalation::Refused { .. } if wins => {
                self.gateway.refuses = None;
                Act::TryAgain
            }
            Escalation::RefundFailed { .. } if wins => Act::TryAgain,
            _ => Act::ResolveManually,
        };
        self.platform.log.push(format!("{} a person decides about {escalation:?}: {act:?}", self.now));
        // A final charge can only decrease.
        let decided = self.platform.act(act, self.now)
            || escalation == Escalation::NoShowDisputed
                && self.platform.act(Act::NoShow { missed_by: Party::Expert, by: Party::Platform }, self.now);
        ensure(decided, || format!("no decision is possible for {escalation:?}"))
    }

    /// Checks the final state, in which nothing is left to do.
    fn check_end(&self) -> Result<(), String> {
        let Platform { appointment, payment, .. } = &self.platform;
        ensure(!appointment.status.is_active(), || {
            format!("the appointment stays {}", appointment.status.as_str())
        })?;
        let decided = matches!(appointment.no_show_report, None | Some(NoShowReport::Decided));
        ensure(decided || self.platform.target().is_zero(), || "it stays undecided".to_owned())?;
        let aside = self.platform.totals().authorized;
        ensure(aside == 0, || format!("{aside} stay set aside"))?;
        ensure(payment.escalation.is_none(), || format!("no decision was made for {:?}", payment.escalation))
    }

    pub(super) fn balance(&self, account: Account) -> i128 {
        Balances::of(&self.platform.ledger).get(account, self.platform.payment.amount.currency())
    }

    /// Checks the ledger: every movement at the gateway is recorded, and all balances sum to zero.
    fn check_books(&self) -> Result<(), String> {
        let ledger = &self.platform.ledger;
        for movement in self.gateway.movements() {
            ensure(ledger.iter().any(|known| known == movement), || {
                format!("{movement:?} is not written down")
            })?;
        }
        let by_hand = ledger.iter().filter(|one| one.kind == MovementKind::ResolvedManually).count();
        let (written, moved) = (ledger.len() - by_hand, self.gateway.movements().count());
        ensure(written == moved, || format!("{written} movements are written down of {moved}"))?;
        let sum: i128 = Balances::of(ledger).iter().map(|(_, _, amount)| amount).sum();
        ensure(sum == 0, || format!("the balances sum to {sum}"))?;
        let all = [Account::Expert, Account::Platform, Account::Gateway, Account::Authorized];
        let everybody: i128 = all.into_iter().map(|account| self.balance(account)).sum();
        let totals = self.platform.totals();
        let paid = i128::from(totals.captured) - i128::from(totals.refunded) - i128::from(totals.disputed);
        let given = -self.balance(Account::Client);
        let aside = i128::from(totals.authorized);
        ensure(given == everybody && given == paid + aside, || {
            format!(
                "the client gave {given}, {everybody} arrived, and the totals say {paid} and {aside} set aside"
            )
        })
    }

    /// Checks that each party has its share while the platform is idle.
    fn check_rest(&self, step: PaymentAction) -> Result<(), String> {
        let Platform { appointment, payment, .. } = &self.platform;
        let totals = self.platform.totals();
        let currency = payment.amount.currency();
        let escalation = step.escalation();
        let waits = !matches!(appointment.no_show_report, None | Some(NoShowReport::Decided))
            || matches!(escalation, Some(Escalation::Refused { order: OrderKind::Capture, .. }));
        let ended = !appointment.status.is_active() && !waits;
        ensure(!ended || totals.authorized == 0, || "it is over, and money is still set aside".to_owned())?;
        let target = self.platform.target();
        self.check_state(step, target)?;
        if totals.captured == 0 {
            return Ok(());
        }

        let paid = -self.balance(Account::Client) - i128::from(totals.authorized);
        let owed = i128::from(target.amount());
        let open = payment.open_dispute || step.escalation().is_some();
        ensure(open || paid <= owed, || format!("the client paid {paid} and owes {owed}"))?;
        let untouched = self.gateway.taken_by_others == 0;
        ensure(open || !untouched || paid == owed, || format!("the client paid {paid}, not {owed}"))?;

        let of_gateway = self.balance(Account::Gateway);
        let (expert, platform) =
            (self.balance(Account::Expert), self.balance(Account::Platform) + of_gateway);
        // After a permanent refusal, the parties settle outside the gateway.
        let refused = |order| payment.refused.contains_key(&order);
        let waits_for_share =
            matches!(escalation, Some(Escalation::Refused { order: OrderKind::Reversal, .. }));
        let by_themselves = payment.resolved_with_expert || waits_for_share || refused(OrderKind::Transfer);
        if by_themselves {
            return Ok(());
        }
        ensure(expert >= 0, || format!("the expert has {expert}"))?;
        // What the expert owes of their share is the platform's.
        let of_share = i128::from(payment.share_owed.map_or(0, Money::amount));
        let (expert, platform) = (expert - of_share, platform + of_share);
        // Somebody may refund at the gateway what an administrator has already returned by other means.
        let has = |kind| self.platform.ledger.iter().any(|one| one.kind == kind);
        let twice = has(MovementKind::ResolvedManually) && !untouched;
        let troubled = totals.failed_refunds > 0 || has(MovementKind::Dispute) || twice;
        ensure(troubled || platform >= 0, || format!("the platform has {platform}"))?;
        // What the client pays for the processing belongs to the platform.
        let cost = i128::from(payment.processing_cost.map_or(0, Money::amount));
        let final_charge = (paid.clamp(0, owed) - cost).max(0);
        let fee = i128::from(
            target
                .with_amount(final_charge.try_into().unwrap_or(0))
                .unwrap_or(target)
                .apply_rate(payment.fee_rate)
                .amount(),
        );
        if payment.payout_timing == PayoutTiming::AfterSession {
            ensure(self.now >= appointment.end.plus(DAY) || expert == 0, || {
                format!("the expert has {expert} before the session is over")
            })?;
            let withheld = i128::from(payment.withheld.map_or(0, Money::amount));
            let (held, share) = (self.platform.must_hold(self.now), final_charge - fee - withheld);
            return ensure(expert == share || held && expert < share, || {
                format!("of {final_charge} the expert has {expert}, not {share}; held: {held}")
            });
        }
        // The gateway rounds the fee refund of each reversal separately.
        let given_again = totals.transferred > totals.captured;
        let rounding = match given_again || final_charge == 0 || final_charge == i128::from(totals.captured) {
            true => 0,
            false => i128::from(currency.charge_step()),
        };
        ensure((expert - (final_charge - fee)).abs() <= rounding, || {
            format!("of {final_charge} the expert has {expert}, not {}", final_charge - fee)
        })?;
        // Without a dispute or a failed refund, the shares add up to what was paid.
        ensure(troubled || platform == paid - expert, || format!("of {paid} the platform has {platform}"))
    }

    /// Checks that the state matches the movements.
    fn check_state(&self, step: PaymentAction, target: Money) -> Result<(), String> {
        let Platform { appointment, payment, .. } = &self.platform;
        let (state, totals) = (&payment.state, self.platform.totals());
        if let Some(
            Escalation::RefundFailed { amount }
            | Escalation::DisputeLost { amount }
            | Escalation::Refused { order: OrderKind::Refund, amount },
        ) = step.escalation()
        {
            let owed = totals.net_paid() - target.amount();
            ensure(amount.amount() == owed, || format!("the escalation is for {amount} instead of {owed}"))?;
            let snapshot = matches!(state, PaymentState::RefundFailed | PaymentState::Disputed);
            ensure(snapshot, || format!("an escalation is open, but the state is {state:?}"))?;
        }
        let asked = matches!(state, PaymentState::ActionRequired { .. });
        ensure(!asked || !target.is_zero(), || "the client is asked to pay nothing".to_owned())?;
        let secured = totals.captured > 0
            || target.is_zero()
            || matches!(state, PaymentState::Authorized { .. } | PaymentState::CardSaved)
            || matches!(state, PaymentState::Processing | PaymentState::Unpaid)
            || matches!(state, PaymentState::ActionRequired { deadline } if *deadline > self.now);
        ensure(appointment.status != Status::Confirmed || secured, || {
            format!("the appointment is confirmed, but the state is {state:?}")
        })?;
        let expired = appointment.status == Status::Expired
            && totals.net_paid() > 0
            && self.gateway.taken_by_others == 0;
        let waits = payment.open_dispute || step.escalation().is_some();
        ensure(!expired || waits, || "an expired hold keeps money".to_owned())
    }
}

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}
