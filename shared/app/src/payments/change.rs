//! What one look at a payment changes, in one transaction.

use domain::Timestamp;
use domain::kernel::text::LongText;
use domain::payments::ledger::{Entry, Movement, MovementKind};
use domain::payments::payment::{Payment, PaymentState, Settlement};
use domain::scheduling::appointment::{Appointment, Event, Outcome};
use domain::scheduling::cancellation::no_show;
use domain::scheduling::party::Party;
use store::table::Consistency;
use store::{Effect, Transaction};

use super::process::{NEEDS_PERSON, Next, commit_step};
use crate::{App, AppError};

/// What an appointment is called off with when nobody could be made to pay.
const NOT_PAID: &str = "The payment could not be collected in time.";

/// What a step comes to.
pub(super) enum Verdict {
    /// Nothing more to do until then.
    Agreed(Next),
    /// The state changes; then look again.
    LookAgain,
    /// The gateway is asked for something; then look again.
    Order(Settlement),
}

/// What one look changes, in one transaction: the payment, the ledger, and the appointment where the step says so.
pub(super) struct Change<'a> {
    app: &'a App,
    appointment: &'a Appointment,
    before: Payment,
    after: Payment,
    news: Vec<Movement>,
    now: Timestamp,
    transaction: Transaction,
    events: Vec<Event>,
}

impl<'a> Change<'a> {
    pub(super) fn new(
        app: &'a App,
        appointment: &'a Appointment,
        before: Payment,
        after: Payment,
        news: Vec<Movement>,
        now: Timestamp,
    ) -> Self {
        let mut events: Vec<Event> = news.iter().filter_map(|movement| told(movement, &news)).collect();
        if after.lost_dispute && !before.lost_dispute {
            events.push(Event::PaymentDisputeLost);
        }
        events.sort();
        events.dedup();
        Self { app, appointment, before, after, news, now, transaction: Transaction::new(), events }
    }

    pub(super) async fn decide(&mut self, step: Settlement) -> Result<Verdict, AppError> {
        if step.rests() {
            self.after.concern = step.concern();
            if let Some(concern) = self.after.concern.filter(|_| self.after.concern != self.before.concern) {
                tracing::error!(appointment = %self.appointment.id, ?concern, "{NEEDS_PERSON}");
                self.events.push(Event::PaymentNeedsPerson);
            }
        }
        match step {
            Settlement::Settled => {
                if self.after.state == PaymentState::Open {
                    self.after.state = PaymentState::Cancelled;
                    // A booking that was slower than its hold may have come first, with an intent, so look again.
                    if self.before.state != PaymentState::Cancelled {
                        return Ok(Verdict::LookAgain);
                    }
                }
                Ok(Verdict::Agreed(Next::Never))
            }
            Settlement::WaitUntil(instant) => Ok(Verdict::Agreed(Next::At(instant))),
            Settlement::NeedsPerson { until, .. } => Ok(Verdict::Agreed(until.map_or(Next::Never, Next::At))),
            Settlement::Confirm => {
                let confirmed = self.appointment.confirmed()?;
                let days = self.days().await?;
                self.transaction.put_appointment(&confirmed)?;
                self.transaction.change_days(self.appointment.expert, &days.confirm(self.appointment));
                self.app.announce(&mut self.transaction, &confirmed, Event::Confirmed, self.now)?;
                Ok(Verdict::LookAgain)
            }
            Settlement::Expire => {
                if let Ok(expired) = self.appointment.expired(self.now) {
                    self.release(&expired, Event::Expired).await?;
                }
                Ok(Verdict::LookAgain)
            }
            Settlement::CallOff => {
                let reason = LongText::try_from(NOT_PAID.to_owned()).unwrap_or_default();
                let cancelled = self.appointment.cancelled(Party::Platform, reason, self.now)?;
                self.after.kept = Some(self.after.amount.nothing());
                if domain::planted("call_off_keeps_the_time") {
                    self.transaction.put_appointment(&cancelled)?;
                } else {
                    self.release(&cancelled, Event::Cancelled).await?;
                }
                Ok(Verdict::LookAgain)
            }
            Settlement::Complete => {
                let completed = self.appointment.ended(Outcome::Completed, Party::Platform, self.now)?;
                self.transaction.put_appointment(&completed)?;
                self.app.announce(&mut self.transaction, &completed, Event::Completed, self.now)?;
                Ok(Verdict::LookAgain)
            }
            Settlement::AcceptReport => {
                let Appointment { cancellation, price, .. } = self.appointment;
                self.transaction.put_appointment(&self.appointment.report_accepted())?;
                let decided = no_show(cancellation, *price, Party::Expert).after(self.after.kept);
                self.after.kept = Some(decided.kept);
                Ok(Verdict::LookAgain)
            }
            Settlement::AskClient { deadline, anew: false } => {
                self.after = self.after.asked_until(deadline);
                self.events.push(Event::PaymentActionRequired);
                Ok(Verdict::LookAgain)
            }
            Settlement::WriteOff => {
                self.after.state = PaymentState::Unpaid;
                self.events.push(Event::PaymentUnpaid);
                Ok(Verdict::LookAgain)
            }
            Settlement::Take
            | Settlement::CancelIntent
            | Settlement::AuthoriseSaved(_)
            | Settlement::ChargeSaved(_)
            | Settlement::AskClient { anew: true, .. }
            | Settlement::Capture(_)
            | Settlement::Refund { .. }
            | Settlement::Reverse { .. }
            | Settlement::TransferAgain(_) => Ok(Verdict::Order(step)),
        }
    }

    async fn days(&self) -> Result<domain::scheduling::day_ledger::DayLedger, AppError> {
        let occupied = self.appointment.occupied();
        Ok(self.app.store.days(self.appointment.expert, occupied, Consistency::Strong).await?)
    }

    async fn release(&mut self, ended: &Appointment, event: Event) -> Result<(), AppError> {
        let days = self.days().await?;
        self.transaction.put_appointment(ended)?;
        self.transaction.change_days(self.appointment.expert, &days.release(self.appointment));
        self.app.announce(&mut self.transaction, ended, event, self.now)
    }

    /// Commits; whether nobody else was faster.
    pub(super) async fn commit(self) -> Result<bool, AppError> {
        Ok(self.commit_and_keep(false).await?.is_some())
    }

    /// Commits, and answers the payment as it stands then; none when somebody else was faster.
    ///
    /// Nothing is done when one of the two is no longer as it was read, and nothing is ordered then. The read may have seen the
    /// one before a change and the other after it, and what is decided from such a pair was never so.
    pub(super) async fn commit_and_keep(mut self, orders: bool) -> Result<Option<Payment>, AppError> {
        if self.after != self.before || !self.news.is_empty() {
            self.after.version = self.before.version + 1;
            if !self.news.is_empty() {
                self.write_down()?;
            }
            self.transaction.put_payment(&self.after)?;
            let id = self.appointment.id;
            for event in std::mem::take(&mut self.events) {
                let effect = Effect::Announcement { appointment: id, version: self.after.version, event };
                self.app.owe(&mut self.transaction, effect, self.now)?;
            }
        }
        // The simulation does not find these checks missing: what is written has its versions, and the next look mends what was
        // ordered in vain. They keep a needless order from being given at all.
        if orders || !self.transaction.is_empty() {
            self.transaction.check_appointment(self.appointment);
            self.transaction.check_payment(&self.before);
        }
        let committed = commit_step(self.app, self.transaction).await?;
        Ok(committed.then_some(self.after))
    }

    fn write_down(&mut self) -> Result<(), AppError> {
        self.after.entries += 1;
        let documented =
            |kind| matches!(kind, MovementKind::Captured | MovementKind::Refund | MovementKind::RefundFailed);
        if self.news.iter().any(|movement| documented(movement.kind)) {
            self.app.owe(&mut self.transaction, Effect::Receipts(self.appointment.id), self.now)?;
        }
        let entry = Entry {
            appointment: Some(self.appointment.id),
            expert: self.appointment.expert,
            gateway: self.after.gateway,
            number: self.after.entries,
            at: self.now,
            movements: std::mem::take(&mut self.news),
        };
        Ok(self.transaction.put_entry(self.appointment.id, &entry)?)
    }
}

/// What the people are told of a movement.
fn told(movement: &Movement, news: &[Movement]) -> Option<Event> {
    let failed = |refund: &Movement| {
        news.iter().any(|one| one.kind == MovementKind::RefundFailed && one.object == refund.object)
    };
    match movement.kind {
        MovementKind::Refund if !failed(movement) => Some(Event::PaymentRefunded),
        MovementKind::RefundFailed => Some(Event::PaymentRefundFailed),
        MovementKind::Dispute => Some(Event::PaymentDisputed),
        MovementKind::DisputeWon => Some(Event::PaymentDisputeWon),
        _ => None,
    }
}
