//! The changes of one step of the payment job.

use domain::kernel::text::LongText;
use domain::payments::debt::Debt;
use domain::payments::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payments::payment::{Escalation, Order, Payment, PaymentState, Transition};
use domain::scheduling::appointment::{Appointment, Outcome, Status};
use domain::scheduling::history::{Change as HistoryChange, HistoryEntry};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::reliability::Incident;
use domain::{Money, Timestamp};
use store::table::Consistency;
use store::{RowVersion, Transaction};

use super::process::{ESCALATED, SHARE_OWED};
use super::refund_costs;
use crate::events::{AmountChange, EventData, PaymentAmount, PaymentChanged, Refunded};
use crate::identity::suspension::expert_is_suspended;
use crate::{App, AppError};

/// The reason of a cancellation because of a missing payment.
const NOT_PAID: &str = "The payment could not be collected in time.";
/// The reason of a cancellation after a lost dispute.
const DISPUTE_LOST: &str = "The client's bank has taken the payment back, because the client disputed it.";

/// The changes of one step, committed in one transaction: the payment, new ledger entries, and what a transition changes.
pub(super) struct Change<'a> {
    app: &'a App,
    appointment: &'a Appointment,
    /// The appointment after the transition.
    changed: Appointment,
    before: Payment,
    after: Payment,
    /// The totals of all movements, before and after the new ones.
    totals: [Totals; 2],
    /// All movements, with the new ones.
    movements: &'a [Movement],
    new_movements: Vec<Movement>,
    now: Timestamp,
    transaction: Transaction,
    events: Vec<PaymentEvent>,
}

impl<'a> Change<'a> {
    /// `before` is the stored payment, `after` the same with what the payment snapshot shows. `movements` are all movements, and
    /// end with the new ones.
    pub(super) fn new(
        app: &'a App,
        appointment: &'a Appointment,
        before: Payment,
        after: Payment,
        movements: &'a [Movement],
        new_movements: Vec<Movement>,
        now: Timestamp,
    ) -> Self {
        let known = movements.len().saturating_sub(new_movements.len());
        let totals = [Totals::of(movements.iter().take(known)), Totals::of(movements)];
        let mut events: Vec<PaymentEvent> = Vec::new();
        for event in new_movements.iter().filter_map(|movement| event_for(movement, &new_movements)) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
        if after.lost_dispute && !before.lost_dispute {
            events.push(PaymentEvent::DisputeLost);
        }
        Self {
            app,
            appointment,
            changed: appointment.clone(),
            before,
            after,
            totals,
            movements,
            new_movements,
            now,
            transaction: Transaction::new(),
            events,
        }
    }

    /// Writes what the expert owes now that the bank has returned a disputed amount.
    ///
    /// # Errors
    /// [`AppError::Commit`] if the debt cannot be represented as a row.
    pub(super) fn put_debt(&mut self, debt: &Debt) -> Result<(), AppError> {
        Ok(self.transaction.put_debt(self.appointment.expert, debt)?)
    }

    /// Empties the track record of the expert if there is a new dispute, and records an incident of the client if the bank has decided it
    /// in their favor.
    ///
    /// # Errors
    /// [`AppError::Read`] if the track record cannot be read.
    pub(super) async fn apply_new_dispute(&mut self) -> Result<(), AppError> {
        if self.after.lost_dispute && !self.before.lost_dispute {
            let incident = Incident::lost_dispute(self.appointment, self.now);
            self.app.record_incident(&mut self.transaction, self.appointment, &incident, self.now)?;
        }
        let (is_disputed, was_disputed) = (
            self.after.open_dispute || self.after.lost_dispute,
            self.before.open_dispute || self.before.lost_dispute,
        );
        if is_disputed && !was_disputed {
            let expert = self.appointment.expert;
            if let Some(record) = self.app.store.track_record(expert).await?.emptied() {
                self.transaction.put_track_record(expert, &record)?;
            }
        }
        Ok(())
    }

    /// Sets or clears the escalation. A new escalation is logged and published.
    pub(super) fn set_escalation(&mut self, escalation: Option<Escalation>) {
        self.after.escalation = escalation;
        if let Some(escalation) = escalation.filter(|_| escalation != self.before.escalation) {
            tracing::error!(appointment = %self.appointment.id, ?escalation, "{ESCALATED}");
            self.events.push(PaymentEvent::Escalated(escalation));
        }
    }

    /// Sets the state of a payment without any charge to `Cancelled`; sends nothing to the gateway. Returns `true` if the stored
    /// state was not `Cancelled` yet. The caller must then fetch another snapshot: a booking that took longer than its hold may
    /// have opened an intent meanwhile.
    pub(super) fn mark_cancelled_if_unpaid(&mut self) -> bool {
        if self.after.state != PaymentState::Open {
            return false;
        }
        self.after.state = PaymentState::Cancelled;
        self.before.state != PaymentState::Cancelled
    }

    /// Adds the changes of a transition.
    ///
    /// # Errors
    /// [`AppError::Scheduling`] if the appointment does not allow it, [`AppError::Read`] if its occupancy cannot be read.
    pub(super) async fn apply(&mut self, transition: Transition) -> Result<(), AppError> {
        match transition {
            Transition::Confirm => {
                let confirmed = self.appointment.confirm()?;
                let occupancy = self.occupancy().await?;
                self.transaction.put_appointment(&confirmed)?;
                self.transaction.put_occupancy(self.appointment.expert, &occupancy.confirm(self.appointment));
                self.changed = confirmed;
                (self.after.declines, self.after.too_many_declines) = (0, false);
                self.after.booked_from = None;
                let event = EventData::confirmed(&self.changed);
                self.app.record_event(&mut self.transaction, ActingAs::Platform, event, self.now)?;
            }
            Transition::Expire => {
                // An error means that another transaction has already ended the hold.
                let expired = match self.after.too_many_declines {
                    true => self.appointment.hold_released(),
                    false => self.appointment.expire(self.now),
                };
                if let Ok(expired) = expired {
                    self.end_and_free_time(expired, EventData::expired).await?;
                }
            }
            Transition::CancelUnpaid => {
                self.record_late_cancellation().await?;
                self.cancel(NOT_PAID).await?;
            }
            // If the dispute was about a part, the rest is refunded.
            Transition::CancelDisputed => self.cancel(DISPUTE_LOST).await?,
            Transition::Complete => {
                let completed =
                    self.appointment.ended(Outcome::Completed, None, Party::Platform, self.now)?;
                self.transaction.put_appointment(&completed)?;
                self.changed = completed;
                let event = EventData::ended(&self.changed, None);
                self.app.record_event(&mut self.transaction, ActingAs::Platform, event, self.now)?;
            }
            Transition::AcceptReport => {
                let (price, before) = (self.appointment.price, self.after.charge_without_grants());
                let (changed, charge) = self.appointment.accept_report(before);
                let without_grants = self.after.price_without_grants(price);
                let (_, without_grants) = self.appointment.with_price(without_grants).accept_report(before);
                let final_charge = self.after.charge().at_most(charge);
                // What an administrator takes off the charge of a session that took place counts for nobody.
                if matches!(changed.status, Status::NoShow { .. }) {
                    let (app, before, now) = (self.app, Some(&self.after), self.now);
                    let (appointment, movements) = (self.appointment, self.movements);
                    refund_costs::of_expert(app, appointment, before, movements, final_charge, now)
                        .await?
                        .put(&mut self.transaction)?;
                }
                self.changed = changed;
                self.after.lower_charge(charge, without_grants);
                self.transaction.put_appointment(&self.changed)?;
                let change = match self.changed.no_show_report {
                    Some(_) => HistoryChange::DecisionTookEffect,
                    None => HistoryChange::NoShowAccepted,
                };
                let entry = HistoryEntry::new(self.now, ActingAs::Platform, change);
                let version = self.changed.version;
                let row_version = RowVersion::Appointment(version);
                self.transaction.put_history(self.changed.id, version, row_version, &entry)?;
                if let Some(incident) = Incident::no_show(&self.changed) {
                    self.app.record_incident(&mut self.transaction, &self.changed, &incident, self.now)?;
                }
            }
            Transition::AwaitClient { deadline } => {
                self.after = self.after.awaiting_client_until(deadline);
                self.events.push(PaymentEvent::ActionRequired { deadline });
            }
            Transition::WriteOff => {
                self.after.state = PaymentState::Unpaid;
                self.events.push(PaymentEvent::Unpaid);
            }
            Transition::OweAgain(excess) => {
                let debt =
                    self.app.store.debt(self.appointment.expert, Consistency::Strong).await?.plus(excess);
                self.transaction.put_debt(self.appointment.expert, &debt)?;
                self.after = self.after.withholding_less(excess);
            }
            Transition::OweShare(share) => {
                let expert = self.appointment.expert;
                let debt = self.app.store.debt(expert, Consistency::Strong).await?.plus(share);
                self.transaction.put_debt(expert, &debt)?;
                self.after = self.after.owing(share);
                tracing::error!(appointment = %self.appointment.id, %expert, amount = %share, "{SHARE_OWED}");
            }
        }
        Ok(())
    }

    /// Withholds of a share that is about to be paid out what the expert owes, beginning with what they owe of the same payment. Returns
    /// whether the share is smaller now, so that the caller must decide again.
    ///
    /// # Errors
    /// [`AppError::Read`] if the debt cannot be read, [`AppError::Commit`] if it cannot be represented as a row.
    pub(super) async fn withhold(&mut self, order: Order) -> Result<bool, AppError> {
        let amount = match order {
            Order::PayOut(share) => share.net(),
            Order::TransferAgain(amount) => amount,
            _ => return Ok(false),
        };
        let expert = self.appointment.expert;
        let debt = self.app.store.debt(expert, Consistency::Strong).await?;
        let owed = self.after.share_owed.map_or(0, Money::amount).min(debt.owed_in(amount.currency()));
        let kept = amount.with_amount(owed.min(amount.amount())).unwrap_or(amount.zero());
        if !kept.is_zero() {
            self.transaction.put_debt(expert, &debt.minus(kept))?;
            self.after = self.after.owing_less(kept);
            return Ok(true);
        }
        let Order::PayOut(share) = order else { return Ok(false) };
        let Some((withheld, debt)) = debt.withhold(share) else { return Ok(false) };
        self.transaction.put_debt(expert, &debt)?;
        self.after = self.after.withholding(withheld);
        Ok(true)
    }

    /// Records a late cancellation by the client whose card failed and who did not pay in time, as if they had cancelled instead. If the
    /// gateway refused for a reason that is not theirs, there is no declined attempt.
    async fn record_late_cancellation(&mut self) -> Result<(), AppError> {
        let failed = self.after.decline.is_some() || self.after.too_many_declines;
        let rules = &self.app.settings.reliability;
        let late = rules.of_cancellation(self.appointment, Party::Client, false, self.now);
        let Some(late) = late.filter(|_| failed) else { return Ok(()) };
        // The client could have cancelled with a full refund.
        if expert_is_suspended(self.app, self.appointment.expert).await? {
            return Ok(());
        }
        self.app.record_incident(&mut self.transaction, self.appointment, &late, self.now)
    }

    async fn occupancy(&self) -> Result<domain::scheduling::occupancy::Occupancy, AppError> {
        Ok(self.app.store.occupancy_of(self.appointment).await?)
    }

    /// Cancels the appointment for the platform. The client pays nothing in the end.
    async fn cancel(&mut self, reason: &str) -> Result<(), AppError> {
        let reason = LongText::try_from(reason.to_owned()).unwrap_or_default();
        let cancelled = self.appointment.cancel(Party::Platform, reason, self.now)?;
        let nothing = self.after.amount.zero();
        self.after.lower_charge(nothing, nothing);
        let charge = AmountChange::of_charge(Some(&self.before), Some(&self.after));
        let event = |cancelled: &_| EventData::cancelled(cancelled, Party::Platform, charge);
        self.end_and_free_time(cancelled, event).await
    }

    async fn end_and_free_time(
        &mut self,
        ended: Appointment,
        event: impl FnOnce(&Appointment) -> EventData,
    ) -> Result<(), AppError> {
        let occupancy = self.occupancy().await?;
        self.transaction.put_appointment(&ended)?;
        self.transaction.put_occupancy(self.appointment.expert, &occupancy.release(self.appointment));
        self.changed = ended;
        self.app.record_event(&mut self.transaction, ActingAs::Platform, event(&self.changed), self.now)
    }

    /// The data of an event, as of the change.
    fn data_of(&self, event: PaymentEvent) -> EventData {
        let changed = PaymentChanged::new(&self.changed, &self.after);
        let agreed = self.after.amount;
        let amount = |minor: u64| agreed.with_amount(minor).unwrap_or(agreed);
        let sum = |kind: MovementKind| {
            let movements = self.new_movements.iter().filter(|movement| movement.kind == kind);
            amount(movements.map(|movement| movement.amount.amount()).sum())
        };
        let of = |changed, amount: Money| PaymentAmount { changed, amount };
        let [before, after] = self.totals;
        match event {
            PaymentEvent::Refunded => EventData::PaymentRefunded(Refunded {
                changed,
                refunded: AmountChange {
                    before: before.refunded,
                    after: after.refunded,
                    currency: agreed.currency(),
                },
            }),
            PaymentEvent::RefundFailed => {
                EventData::PaymentRefundFailed(of(changed, sum(MovementKind::RefundFailed)))
            }
            PaymentEvent::Disputed => EventData::PaymentDisputed(of(changed, sum(MovementKind::Dispute))),
            PaymentEvent::DisputeWon => {
                EventData::PaymentDisputeWon(of(changed, sum(MovementKind::DisputeWon)))
            }
            PaymentEvent::DisputeLost => EventData::PaymentDisputeLost(of(changed, amount(after.disputed))),
            PaymentEvent::Unpaid => EventData::unpaid(changed, self.before.amount_due(&self.changed.status)),
            PaymentEvent::ActionRequired { deadline } => EventData::action_required(changed, deadline),
            PaymentEvent::Escalated(escalation) => EventData::escalated(changed, escalation),
        }
    }

    /// Commits the changes. Returns `false` after a version conflict, or if the table was busy.
    pub(super) async fn commit(self) -> Result<bool, AppError> {
        Ok(self.commit_and_return(false).await?.is_some())
    }

    /// Commits the changes and returns the stored payment; `None` after a version conflict, or if the table was busy.
    ///
    /// The transaction also checks that the appointment and the payment have not changed since they were read. The read may have
    /// seen one of them before a concurrent change and the other one after it, and a decision on such a pair would be wrong. With
    /// `check`, they are checked even if nothing changes, because the caller is about to send an order to the gateway.
    pub(super) async fn commit_and_return(mut self, check: bool) -> Result<Option<Payment>, AppError> {
        if self.after != self.before || !self.new_movements.is_empty() {
            self.after.version = self.before.version + 1;
            for event in std::mem::take(&mut self.events) {
                let event = self.data_of(event);
                self.app.record_event(&mut self.transaction, ActingAs::Platform, event, self.now)?;
            }
            if !self.new_movements.is_empty() {
                let (app, new) = (self.app, &self.new_movements);
                refund_costs::of_late_payment(app, &self.changed, &self.after, self.movements, new, self.now)
                    .await?
                    .put(&mut self.transaction)?;
                self.record_movements()?;
            }
            self.transaction.put_payment(&self.after)?;
        }
        // Each write has its own condition, so the next step would correct a wrong order. These checks prevent that it is sent.
        if check || !self.transaction.is_empty() {
            self.transaction.check_appointment(self.appointment);
            self.transaction.check_payment(&self.before);
        }
        let committed = self.app.try_commit(self.transaction).await?;
        Ok(committed.then_some(self.after))
    }

    /// Adds a ledger entry with the new movements, and the job that issues their documents.
    fn record_movements(&mut self) -> Result<(), AppError> {
        self.after.entries += 1;
        let documented =
            |kind| matches!(kind, MovementKind::Captured | MovementKind::Refund | MovementKind::RefundFailed);
        if self.new_movements.iter().any(|movement| documented(movement.kind)) {
            self.app.enqueue_receipts(&mut self.transaction, self.appointment.id, self.now)?;
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

/// An event about a payment, whose data is known when the change is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PaymentEvent {
    Refunded,
    RefundFailed,
    Disputed,
    DisputeWon,
    DisputeLost,
    Unpaid,
    ActionRequired { deadline: Timestamp },
    Escalated(Escalation),
}

/// The event about a movement, if there is one. A refund that has failed already is reported as failed only.
fn event_for(movement: &Movement, new_movements: &[Movement]) -> Option<PaymentEvent> {
    let failed = |refund: &Movement| {
        new_movements.iter().any(|one| one.kind == MovementKind::RefundFailed && one.object == refund.object)
    };
    match movement.kind {
        MovementKind::Refund if !failed(movement) => Some(PaymentEvent::Refunded),
        MovementKind::RefundFailed => Some(PaymentEvent::RefundFailed),
        MovementKind::Dispute => Some(PaymentEvent::Disputed),
        MovementKind::DisputeWon => Some(PaymentEvent::DisputeWon),
        _ => None,
    }
}
