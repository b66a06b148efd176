//! Bringing an appointment and its payment together, whatever happened to either.

use domain::appointment::{Appointment, Event, Outcome, Party, Status};
use domain::ledger::{self, Entry, Movement, MovementKind};
use domain::payment::{
    IntentStatus, Payment, PaymentState, Plan, References, Seen, Settlement, action_deadline, settle,
};
use domain::text::LongText;
use domain::{AppointmentId, Money, Timestamp};
use store::table::Consistency;
use store::{AppointmentRecord, Effect, Transaction};

use crate::booking::announce;
use crate::ports::{Buyer, Looked, PayWith, PaymentError, PaymentGateway, RefundOrder};
use crate::{App, AppError};

/// Most steps of one settlement: confirm or cancel, expire, refund, and a few that others get in the way of.
const MOST_STEPS: usize = 12;
/// What an appointment is called off with when nobody could be made to pay.
const NOT_PAID: &str = "The payment could not be collected in time.";

/// When to look again.
pub(crate) enum Next {
    /// Not until something happens.
    Never,
    /// At this instant.
    At(Timestamp),
}

/// What the gateway says of a payment; of one that it was never asked for, that it is missing.
pub(crate) async fn look(app: &App, payment: &Payment) -> Result<Looked, AppError> {
    if payment.references == References::default() {
        let seen =
            Seen { status: IntentStatus::Missing, movements: Vec::new(), open_dispute: false, decline: None };
        return Ok(Looked { seen, pay_with: PayWith::Nothing });
    }
    Ok(app.gateways.get(payment.gateway)?.look(payment).await?)
}

/// How the people of an appointment are addressed by a gateway.
pub(crate) fn buyer<'a>(app: &'a App, appointment: &'a Appointment) -> Buyer<'a> {
    Buyer {
        description: appointment.session_name.as_str(),
        name: appointment.attendee.name.as_str(),
        email: appointment.attendee.email.as_str(),
        return_url: &app.settings.public_base_url,
    }
}

/// Takes steps until the payment and the appointment agree.
pub(crate) async fn settle_payment(app: &App, id: AppointmentId) -> Result<Next, AppError> {
    for _ in 0..MOST_STEPS {
        let Some(AppointmentRecord { appointment, payment: Some(payment), movements }) =
            app.store.appointment_record(id).await?
        else {
            return Ok(Next::Never);
        };
        let gateway = app.gateways.get(payment.gateway)?;
        let now = app.now();
        let Looked { seen, .. } = look(app, &payment).await?;
        let news: Vec<Movement> = ledger::news(&movements, &seen.movements).into_iter().cloned().collect();
        let movements: Vec<Movement> = movements.into_iter().chain(news.iter().cloned()).collect();
        let observed = Payment {
            state: payment.state_of(&seen, &movements),
            decline: seen.decline,
            open_dispute: seen.open_dispute,
            // Who paid anew has their deadline behind them.
            action_deadline: match seen.status {
                IntentStatus::Authorised { .. } | IntentStatus::Succeeded => None,
                _ => payment.action_deadline,
            },
            ..payment.clone()
        };
        let step = settle(&appointment, &observed, &seen, &movements, gateway.abilities(), now);
        tracing::info!(appointment = %id, status = appointment.status.word(), ?step, news = news.len(), "settling");

        let mut change = Change::new(app, &appointment, payment, observed, news, now);
        match change.decide(step).await? {
            Decision::Agreed(next) => {
                if change.commit().await? {
                    return Ok(next);
                }
            }
            Decision::LookAgain => {
                change.commit().await?;
            }
            Decision::Order(step) => {
                // What was seen is written down before anything more is asked for.
                if let Some(payment) = change.commit_and_keep().await? {
                    order(app, gateway, &appointment, payment, &movements, step).await?;
                }
            }
        }
    }
    // Others keep getting in the way; nothing is lost by looking again a little later.
    Ok(Next::At(app.now().plus(60)))
}

/// What a step comes to.
enum Decision {
    /// Nothing more to do until then.
    Agreed(Next),
    /// The state changes; then look again.
    LookAgain,
    /// The gateway is asked for something; then look again.
    Order(Settlement),
}

/// What one look changes, in one transaction: the payment, the ledger, and the appointment where the step says so.
struct Change<'a> {
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
    fn new(
        app: &'a App,
        appointment: &'a Appointment,
        before: Payment,
        after: Payment,
        news: Vec<Movement>,
        now: Timestamp,
    ) -> Self {
        let mut events: Vec<Event> = news.iter().filter_map(|movement| told(movement, &news)).collect();
        let won = news.iter().any(|movement| movement.kind == MovementKind::DisputeWon);
        if before.open_dispute && !after.open_dispute && !won {
            events.push(Event::PaymentDisputeLost);
        }
        events.sort();
        events.dedup();
        Self { app, appointment, before, after, news, now, transaction: Transaction::new(), events }
    }

    async fn decide(&mut self, step: Settlement) -> Result<Decision, AppError> {
        match step {
            Settlement::Settled | Settlement::NeedsPerson => {
                if self.after.state == PaymentState::Open {
                    self.after.state = PaymentState::Cancelled;
                    // A booking that was slower than its hold may have come first, with an intent, so look again.
                    if self.before.state != PaymentState::Cancelled {
                        return Ok(Decision::LookAgain);
                    }
                }
                Ok(Decision::Agreed(Next::Never))
            }
            Settlement::WaitUntil(instant) => Ok(Decision::Agreed(Next::At(instant))),
            Settlement::Confirm => {
                let confirmed = self.appointment.confirmed()?;
                let days = self.days().await?;
                self.transaction.put_appointment(&confirmed)?;
                self.transaction.change_days(self.appointment.expert, &days.confirm(self.appointment));
                announce(self.app, &mut self.transaction, &confirmed, Event::Confirmed, self.now)?;
                Ok(Decision::LookAgain)
            }
            Settlement::Expire => {
                if let Ok(expired) = self.appointment.expired(self.now) {
                    self.release(&expired, Event::Expired).await?;
                }
                Ok(Decision::LookAgain)
            }
            Settlement::CallOff => {
                let reason = LongText::try_from(NOT_PAID.to_owned()).unwrap_or_default();
                let cancelled = self.appointment.cancelled(Party::Platform, reason, self.now)?;
                self.after.kept = Some(self.after.amount.nothing());
                self.release(&cancelled, Event::Cancelled).await?;
                Ok(Decision::LookAgain)
            }
            Settlement::Complete => {
                let completed = self.appointment.ended(Outcome::Completed, Party::Platform, self.now)?;
                self.transaction.put_appointment(&completed)?;
                announce(self.app, &mut self.transaction, &completed, Event::Completed, self.now)?;
                Ok(Decision::LookAgain)
            }
            Settlement::AskClient { deadline, anew: false } => {
                self.ask_client(deadline);
                Ok(Decision::LookAgain)
            }
            Settlement::WriteOff => {
                self.after.state = PaymentState::Unpaid;
                self.events.push(Event::PaymentUnpaid);
                Ok(Decision::LookAgain)
            }
            Settlement::Take
            | Settlement::CancelIntent
            | Settlement::AuthoriseSaved(_)
            | Settlement::ChargeSaved(_)
            | Settlement::AskClient { anew: true, .. }
            | Settlement::Capture(_)
            | Settlement::Refund { .. }
            | Settlement::Reverse { .. }
            | Settlement::TransferAgain(_) => Ok(Decision::Order(step)),
        }
    }

    fn ask_client(&mut self, deadline: Timestamp) {
        self.after.action_deadline = Some(deadline);
        self.after.state = PaymentState::ActionRequired { deadline };
        self.events.push(Event::PaymentActionRequired);
    }

    async fn days(&self) -> Result<domain::day_ledger::DayLedger, AppError> {
        let occupied = self.appointment.occupied();
        Ok(self.app.store.days(self.appointment.expert, occupied, Consistency::Strong).await?)
    }

    async fn release(&mut self, ended: &Appointment, event: Event) -> Result<(), AppError> {
        let days = self.days().await?;
        self.transaction.put_appointment(ended)?;
        self.transaction.change_days(self.appointment.expert, &days.release(self.appointment));
        announce(self.app, &mut self.transaction, ended, event, self.now)
    }

    /// Commits; whether nobody else was faster.
    async fn commit(self) -> Result<bool, AppError> {
        Ok(self.commit_and_keep().await?.is_some())
    }

    /// Commits, and answers the payment as it stands then; none when somebody else was faster.
    async fn commit_and_keep(mut self) -> Result<Option<Payment>, AppError> {
        if self.after != self.before || !self.news.is_empty() {
            self.after.version = self.before.version + 1;
            if !self.news.is_empty() {
                self.write_down()?;
            }
            self.transaction.put_payment(&self.after)?;
            let id = self.appointment.id;
            for event in self.events {
                let effect = Effect::Announcement { appointment: id, version: self.after.version, event };
                self.app.owe(&mut self.transaction, effect, self.now)?;
            }
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

/// Commits one step; whether nobody else was faster. When somebody was, the step may be needless, so the caller looks again.
async fn commit_step(app: &App, transaction: Transaction) -> Result<bool, AppError> {
    let mut tries = app.tries();
    match app.commit(transaction).await {
        Ok(()) => Ok(true),
        Err(failure) => tries.again(failure).await.map(|()| false),
    }
}

/// Asks the gateway for one step.
async fn order(
    app: &App,
    gateway: &dyn PaymentGateway,
    appointment: &Appointment,
    payment: Payment,
    movements: &[Movement],
    step: Settlement,
) -> Result<(), AppError> {
    let ordinal = |kind| {
        let before = movements.iter().filter(|movement| movement.kind == kind).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    };
    match step {
        Settlement::Take => match gateway.take(&payment).await {
            // What is refused for good would be refused again: nobody else shall wait for it.
            Err(PaymentError::Refused { code, .. })
                if matches!(appointment.status, Status::Pending { .. }) =>
            {
                tracing::warn!(appointment = %appointment.id, code, "what the client agreed to cannot be taken");
                give_up(app, appointment).await?;
            }
            taken => taken?,
        },
        Settlement::CancelIntent => gateway.cancel(&payment).await?,
        Settlement::Capture(amount) => {
            gateway.capture(&payment, amount, amount.share(payment.fee_rate)).await?;
        }
        Settlement::AuthoriseSaved(amount) => {
            use_saved_card(app, gateway, appointment, payment, amount, false).await?
        }
        Settlement::ChargeSaved(amount) => {
            use_saved_card(app, gateway, appointment, payment, amount, true).await?
        }
        Settlement::AskClient { deadline, .. } => {
            let wanted = Payment {
                plan: Plan::Authorise,
                intents: payment.intents.saturating_add(1),
                action_deadline: Some(deadline),
                state: PaymentState::ActionRequired { deadline },
                references: References { intent: None, ..payment.references.clone() },
                ..payment.clone()
            };
            let opened = gateway.open(&wanted, &buyer(app, appointment)).await?;
            let asked = payment.action_deadline.is_none().then_some(Event::PaymentActionRequired);
            put_payment(app, payment.version, Payment { references: opened.references, ..wanted }, asked)
                .await?;
        }
        Settlement::Refund { amount, from_expert } => {
            let order = RefundOrder { amount, from_expert, ordinal: ordinal(MovementKind::Refund) };
            gateway.refund(&payment, order).await?;
        }
        Settlement::Reverse { amount, with_fee } => {
            gateway.reverse(&payment, amount, with_fee, ordinal(MovementKind::Reversal)).await?;
        }
        Settlement::TransferAgain(amount) => {
            gateway.transfer(&payment, amount, ordinal(MovementKind::Transfer)).await?;
        }
        Settlement::Settled
        | Settlement::WaitUntil(_)
        | Settlement::Confirm
        | Settlement::Expire
        | Settlement::CallOff
        | Settlement::Complete
        | Settlement::NeedsPerson
        | Settlement::WriteOff => {}
    }
    Ok(())
}

/// Asks a saved card. When the gateway will not even ask, the client gets a deadline, and we go on asking until then.
async fn use_saved_card(
    app: &App,
    gateway: &dyn PaymentGateway,
    appointment: &Appointment,
    payment: Payment,
    amount: Money,
    at_once: bool,
) -> Result<(), AppError> {
    let version = payment.version;
    let wanted = Payment { intents: payment.intents.saturating_add(1), ..payment.clone() };
    match gateway.use_saved_card(&wanted, amount, at_once).await {
        Ok(intent) => {
            let references = References { intent: Some(intent), ..wanted.references.clone() };
            put_payment(app, version, Payment { references, ..wanted }, None).await
        }
        Err(PaymentError::Refused { code, message }) if appointment.status != Status::Confirmed => {
            tracing::warn!(code, message, "what a late cancellation keeps cannot be collected");
            let unpaid = Payment { state: PaymentState::Unpaid, ..payment };
            put_payment(app, version, unpaid, Some(Event::PaymentUnpaid)).await
        }
        Err(refused @ PaymentError::Refused { .. }) => {
            if payment.action_deadline.is_none() {
                let now = app.now();
                let deadline = action_deadline(appointment, now);
                let state = PaymentState::ActionRequired { deadline };
                let asked = Payment { action_deadline: Some(deadline), state, ..payment };
                put_payment(app, version, asked, Some(Event::PaymentActionRequired)).await?;
            }
            Err(refused.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Writes a payment over the version that was read.
async fn put_payment(app: &App, version: u64, payment: Payment, news: Option<Event>) -> Result<(), AppError> {
    let payment = Payment { version: version + 1, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    if let Some(event) = news {
        let effect =
            Effect::Announcement { appointment: payment.appointment, version: payment.version, event };
        app.owe(&mut transaction, effect, app.now())?;
    }
    commit_step(app, transaction).await.map(|_| ())
}

/// Gives the slot of a hold back whose time is over. A hold that is something else by now stays as it is.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    match appointment.expired(app.now()) {
        Ok(expired) => release(app, &appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

/// Gives the slot of a hold back that can never be paid.
pub(crate) async fn give_up(app: &App, appointment: &Appointment) -> Result<(), AppError> {
    match appointment.given_up() {
        Ok(expired) => release(app, appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

async fn release(app: &App, appointment: &Appointment, expired: &Appointment) -> Result<(), AppError> {
    let now = app.now();
    let days = app.store.days(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(expired)?;
    transaction.change_days(appointment.expert, &days.release(appointment));
    app.owe(&mut transaction, Effect::Payment(appointment.id), now)?;
    announce(app, &mut transaction, expired, Event::Expired, now)?;
    commit_step(app, transaction).await.map(|_| ())
}

/// Writes down the payouts of an expert's account that are not in the ledger yet.
pub(crate) async fn note_payouts(
    app: &App,
    expert: domain::ExpertId,
    gateway: domain::payment::Gateway,
) -> Result<(), AppError> {
    let Some(account) = app.store.payment_account(expert, gateway).await? else { return Ok(()) };
    for movement in app.gateways.get(gateway)?.payouts(&account.account).await? {
        let kind = match movement.kind {
            MovementKind::PayoutFailed => "failed",
            _ => "paid",
        };
        let object = movement.object.clone();
        let at = app.now();
        let entry = Entry { appointment: None, expert, gateway, number: 0, at, movements: vec![movement] };
        let mut transaction = Transaction::new();
        transaction.put_payout(kind, &object, &entry)?;
        match app.commit(transaction).await {
            // Written down before, or by somebody faster.
            Ok(()) | Err(AppError::Commit(store::CommitError::Moved(_))) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
