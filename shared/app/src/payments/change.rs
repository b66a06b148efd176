//! What one look at a payment changes, in one transaction.

use domain::Timestamp;
use domain::kernel::text::LongText;
use domain::payments::ledger::{Entry, Movement, MovementKind};
use domain::payments::payment::{Escalation, Payment, PaymentState, Transition};
use domain::scheduling::appointment::{Appointment, Event, Outcome};
use domain::scheduling::cancellation::no_show;
use domain::scheduling::party::Party;
use store::table::Consistency;
use store::{Job, Transaction};

use super::process::ESCALATED;
use crate::{App, AppError};

/// What an appointment is called off with when nobody could be made to pay.
const NOT_PAID: &str = "The payment could not be collected in time.";

/// What one look changes, in one transaction: the payment, the ledger, and the appointment where the step says so.
pub(super) struct Change<'a> {
    app: &'a App,
    appointment: &'a Appointment,
    before: Payment,
    after: Payment,
    new_movements: Vec<Movement>,
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
        new_movements: Vec<Movement>,
        now: Timestamp,
    ) -> Self {
        let mut events: Vec<Event> =
            new_movements.iter().filter_map(|movement| event_for(movement, &new_movements)).collect();
        if after.lost_dispute && !before.lost_dispute {
            events.push(Event::PaymentDisputeLost);
        }
        events.sort();
        events.dedup();
        Self { app, appointment, before, after, new_movements, now, transaction: Transaction::new(), events }
    }

    /// Notes what an administrator must decide, or that nothing is left to decide.
    pub(super) fn set_escalation(&mut self, escalation: Option<Escalation>) {
        self.after.escalation = escalation;
        if let Some(escalation) = escalation.filter(|_| escalation != self.before.escalation) {
            tracing::error!(appointment = %self.appointment.id, ?escalation, "{ESCALATED}");
            self.events.push(Event::PaymentEscalated);
        }
    }

    /// Marks a payment that settled without ever being paid. Returns whether it was open until now: a booking that was slower
    /// than its hold may have opened an intent meanwhile, so the gateway must be asked once more.
    pub(super) fn close_unpaid(&mut self) -> bool {
        if self.after.state != PaymentState::Open {
            return false;
        }
        self.after.state = PaymentState::Cancelled;
        self.before.state != PaymentState::Cancelled
    }

    /// Adds what a transition changes.
    pub(super) async fn apply(&mut self, transition: Transition) -> Result<(), AppError> {
        match transition {
            Transition::Confirm => {
                let confirmed = self.appointment.confirmed()?;
                let occupancy = self.occupancy().await?;
                self.transaction.put_appointment(&confirmed)?;
                self.transaction.put_occupancy(self.appointment.expert, &occupancy.confirm(self.appointment));
                self.app.announce(&mut self.transaction, &confirmed, Event::Confirmed, self.now)?;
            }
            Transition::Expire => {
                if let Ok(expired) = self.appointment.expired(self.now) {
                    self.release(&expired, Event::Expired).await?;
                }
            }
            Transition::CancelUnpaid => {
                let reason = LongText::try_from(NOT_PAID.to_owned()).unwrap_or_default();
                let cancelled = self.appointment.cancelled(Party::Platform, reason, self.now)?;
                self.after.final_charge = Some(self.after.amount.nothing());
                self.release(&cancelled, Event::Cancelled).await?;
            }
            Transition::Complete => {
                let completed = self.appointment.ended(Outcome::Completed, Party::Platform, self.now)?;
                self.transaction.put_appointment(&completed)?;
                self.app.announce(&mut self.transaction, &completed, Event::Completed, self.now)?;
            }
            Transition::AcceptReport => {
                let Appointment { cancellation, price, .. } = self.appointment;
                self.transaction.put_appointment(&self.appointment.report_accepted())?;
                let quote = no_show(cancellation, *price, Party::Expert).after(self.after.final_charge);
                self.after.final_charge = Some(quote.final_charge);
            }
            Transition::AwaitClient { deadline } => {
                self.after = self.after.awaiting_client_until(deadline);
                self.events.push(Event::PaymentActionRequired);
            }
            Transition::WriteOff => {
                self.after.state = PaymentState::Unpaid;
                self.events.push(Event::PaymentUnpaid);
            }
        }
        Ok(())
    }

    async fn occupancy(&self) -> Result<domain::scheduling::occupancy::Occupancy, AppError> {
        let occupied = self.appointment.occupied();
        Ok(self.app.store.occupancy(self.appointment.expert, occupied, Consistency::Strong).await?)
    }

    async fn release(&mut self, ended: &Appointment, event: Event) -> Result<(), AppError> {
        let occupancy = self.occupancy().await?;
        self.transaction.put_appointment(ended)?;
        self.transaction.put_occupancy(self.appointment.expert, &occupancy.release(self.appointment));
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
        if self.after != self.before || !self.new_movements.is_empty() {
            self.after.version = self.before.version + 1;
            if !self.new_movements.is_empty() {
                self.write_down()?;
            }
            self.transaction.put_payment(&self.after)?;
            let id = self.appointment.id;
            for event in std::mem::take(&mut self.events) {
                let job = Job::Announcement { appointment: id, version: self.after.version, event };
                self.app.enqueue(&mut self.transaction, job, self.now)?;
            }
        }
        // The simulation does not find these checks missing: what is written has its versions, and the next look mends what was
        // ordered in vain. They keep a needless order from being given at all.
        if orders || !self.transaction.is_empty() {
            self.transaction.check_appointment(self.appointment);
            self.transaction.check_payment(&self.before);
        }
        let committed = self.app.commit_step(self.transaction).await?;
        Ok(committed.then_some(self.after))
    }

    fn write_down(&mut self) -> Result<(), AppError> {
        self.after.entries += 1;
        let documented =
            |kind| matches!(kind, MovementKind::Captured | MovementKind::Refund | MovementKind::RefundFailed);
        if self.new_movements.iter().any(|movement| documented(movement.kind)) {
            self.app.enqueue(&mut self.transaction, Job::Receipts(self.appointment.id), self.now)?;
        }
        let entry = Entry {
            appointment: Some(self.appointment.id),
            expert: self.appointment.expert,
            gateway: self.after.gateway,
            number: self.after.entries,
            at: self.now,
            movements: std::mem::take(&mut self.new_movements),
        };
        Ok(self.transaction.put_ledger_entry(self.appointment.id, &entry)?)
    }
}

/// What the people are told of a movement.
fn event_for(movement: &Movement, new_movements: &[Movement]) -> Option<Event> {
    let failed = |refund: &Movement| {
        new_movements.iter().any(|one| one.kind == MovementKind::RefundFailed && one.object == refund.object)
    };
    match movement.kind {
        MovementKind::Refund if !failed(movement) => Some(Event::PaymentRefunded),
        MovementKind::RefundFailed => Some(Event::PaymentRefundFailed),
        MovementKind::Dispute => Some(Event::PaymentDisputed),
        MovementKind::DisputeWon => Some(Event::PaymentDisputeWon),
        _ => None,
    }
}
