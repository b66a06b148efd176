//! Compares the ledger with the gateways' books, once an hour.
//!
//! If the ledger lacks a movement of one of our payments, a webhook was probably lost. The payment job is enqueued, and the
//! difference is unconfirmed until the next run still finds it. Every unresolved difference is compared again in
//! each run until both sides agree.

use std::collections::{BTreeMap, BTreeSet};

use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation::{
    BookLine, Difference, DifferenceKind, Discrepancy, LedgerMovement, WINDOW_MARGIN, compare,
    exclusion_reason, next_window,
};
use domain::{AppointmentId, TimeSpan, Timestamp};
use store::{AppointmentRecord, CommitError, ReconciliationProgress, Transaction};

use crate::identity::Actor;
use crate::jobs::AreaJob as _;
use crate::payments::jobs::PaymentsJob;
use crate::payments::ports::Books;
use crate::{App, AppError};

/// The maximum time, in seconds, between a movement and its ledger entry for the entry to be found by day. A later entry is found
/// with its payment.
const RECORDING_DELAY: i64 = domain::kernel::time::DAY;

/// The result of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// How many lines of the gateways' books were compared for the first time.
    pub lines: usize,
    /// How many confirmed differences are open.
    pub differences: usize,
}

/// What a difference is about: a gateway object and a currency.
type ObjectAndCurrency = (String, String);

/// Compares what the gateways have booked since the last run, and all unresolved differences again.
///
/// # Errors
/// If a gateway or the table fails. The next run continues where this one stopped. [`AppError::Forbidden`] if the actor is not the
/// platform.
pub async fn reconcile(app: &App, actor: &Actor) -> Result<Reconciled, AppError> {
    actor.require_platform()?;
    let mut reconciled = Reconciled::default();
    for gateway in app.gateways.iter() {
        let Some(books) = gateway.books.as_deref() else { continue };
        let run = Run { app, gateway: gateway.kind, books, now: app.now() };
        reconciled.lines += run.compare_all().await?;
    }
    let unresolved = app.store.unresolved_differences().await?;
    reconciled.differences = unresolved.iter().filter(|difference| difference.confirmed).count();
    Ok(reconciled)
}

/// A run for one gateway.
struct Run<'a> {
    app: &'a App,
    gateway: GatewayKind,
    books: &'a dyn Books,
    now: Timestamp,
}

/// The comparison of a window.
struct Comparison {
    lines: usize,
    /// Each discrepancy, and whether it belongs to a payment of ours.
    discrepancies: BTreeMap<ObjectAndCurrency, (Discrepancy, bool)>,
}

impl Run<'_> {
    /// Returns how many lines were compared for the first time.
    async fn compare_all(&self) -> Result<usize, AppError> {
        let mut unresolved = self.compare_unresolved().await?;
        let progress = self.app.store.reconciliation_progress(self.gateway).await?;
        let window = next_window(progress.map(|progress| progress.until), self.now);
        if window.is_empty() {
            return Ok(0);
        }
        let Comparison { lines, discrepancies } = self.compare(window, &BTreeMap::new()).await?;
        for (subject, (discrepancy, is_ours)) in discrepancies {
            self.record(unresolved.remove(&subject), discrepancy, is_ours).await?;
        }
        let version = progress.map_or(0, |progress| progress.version) + 1;
        let mut transaction = Transaction::new();
        transaction.put_reconciliation_progress(&ReconciliationProgress {
            gateway: self.gateway,
            version,
            until: window.end(),
        })?;
        self.write(transaction).await?;
        Ok(lines)
    }

    /// Compares the unresolved differences again and returns those that remain.
    async fn compare_unresolved(&self) -> Result<BTreeMap<ObjectAndCurrency, Difference>, AppError> {
        let mut hours: BTreeMap<(Timestamp, Timestamp), Vec<Difference>> = BTreeMap::new();
        for difference in self.app.store.unresolved_differences().await? {
            if difference.gateway == self.gateway {
                let span = difference.recheck_window();
                hours.entry((span.start(), span.end())).or_default().push(difference);
            }
        }
        let mut unresolved = BTreeMap::new();
        for ((start, end), differences) in hours {
            let known = differences.iter().filter_map(|one| Some((one.object.clone(), one.appointment?)));
            let Comparison { mut discrepancies, .. } =
                self.compare(TimeSpan::new(start, end), &known.collect()).await?;
            for difference in differences {
                let subject = (difference.object.clone(), difference.currency.clone());
                match discrepancies.remove(&subject) {
                    Some((discrepancy, is_ours)) => {
                        let difference = self.record(Some(difference), discrepancy, is_ours).await?;
                        unresolved.insert(subject, difference);
                    }
                    None => self.resolve(&difference).await?,
                }
            }
        }
        Ok(unresolved)
    }

    /// Compares a window of the books with the ledger. `known` maps gateway objects to appointments that earlier runs
    /// found.
    async fn compare(
        &self,
        window: TimeSpan,
        known: &BTreeMap<String, AppointmentId>,
    ) -> Result<Comparison, AppError> {
        let around = window.expanded(WINDOW_MARGIN, WINDOW_MARGIN);
        let mut lines = self.books.book_lines(around).await?;
        lines.retain(|line| exclusion_reason(self.gateway, &line.kind).is_none());
        let mut recorded = Vec::new();
        for day in window.expanded(RECORDING_DELAY, RECORDING_DELAY).utc_dates() {
            let entries = self.app.store.ledger_of_day(day).await?;
            for entry in entries.into_iter().filter(|entry| entry.gateway == self.gateway) {
                let appointment = entry.appointment;
                recorded.extend(
                    entry.movements.into_iter().map(|movement| LedgerMovement { movement, appointment }),
                );
            }
        }
        let mut appointments_of = BTreeMap::new();
        for discrepancy in compare(&lines, &recorded, window) {
            let appointment = discrepancy.appointment.or_else(|| known.get(&discrepancy.object).copied());
            let appointment = match appointment {
                Some(appointment) => Some(appointment),
                None => self.find_appointment(&lines, &discrepancy.object).await?,
            };
            appointments_of.insert(discrepancy.object, appointment);
        }
        // For payments of ours, all ledger entries count, whenever they were recorded.
        let appointments: BTreeSet<AppointmentId> = appointments_of.values().copied().flatten().collect();
        let mut ours = BTreeSet::new();
        for id in appointments {
            let record = self.app.store.appointment_record(id).await?;
            let Some(AppointmentRecord { payment: Some(payment), movements, .. }) = record else { continue };
            if payment.gateway == self.gateway {
                ours.insert(id);
                recorded.retain(|one| one.appointment != Some(id));
                let whole = movements.into_iter();
                recorded.extend(whole.map(|movement| LedgerMovement { movement, appointment: Some(id) }));
            }
        }
        let mut discrepancies = BTreeMap::new();
        for mut discrepancy in compare(&lines, &recorded, window) {
            let appointment =
                discrepancy.appointment.or_else(|| appointments_of.get(&discrepancy.object).copied()?);
            discrepancy.appointment = appointment;
            let is_ours = appointment.is_some_and(|id| ours.contains(&id));
            let subject = (discrepancy.object.clone(), discrepancy.currency.clone());
            discrepancies.insert(subject, (discrepancy, is_ours));
        }
        let lines = lines.iter().filter(|line| window.contains(line.at)).count();
        Ok(Comparison { lines, discrepancies })
    }

    /// Asks the gateway which appointment an object of the books belongs to.
    async fn find_appointment(
        &self,
        lines: &[BookLine],
        object: &str,
    ) -> Result<Option<AppointmentId>, AppError> {
        match lines.iter().find(|line| line.object == object || line.id == object) {
            Some(line) => Ok(self.books.find_appointment(line).await?),
            None => Ok(None),
        }
    }

    /// Stores a difference. If the payment job may resolve it, enqueues that job.
    async fn record(
        &self,
        before: Option<Difference>,
        discrepancy: Discrepancy,
        is_ours: bool,
    ) -> Result<Difference, AppError> {
        // The payment job records what the ledger lacks. It cannot help if the gateway lacks something.
        let is_resolvable = is_ours && discrepancy.kind() != DifferenceKind::MissingAtGateway;
        let resolvable = discrepancy.appointment.filter(|_| is_resolvable);
        let difference = match &before {
            Some(before) => before.observed_again(discrepancy, self.now),
            None => Difference::new(self.gateway, discrepancy, resolvable.is_some(), self.now),
        };
        let mut transaction = Transaction::new();
        transaction.put_difference(&difference, before.as_ref())?;
        if let Some(appointment) = resolvable
            && !self.is_failing(appointment).await?
        {
            self.app.enqueue(&mut transaction, PaymentsJob::Payment { appointment }, self.now)?;
        }
        if difference.confirmed {
            let Difference { object, currency, ledger, books, appointment, .. } = &difference;
            let kind = difference.kind();
            tracing::error!(
                gateway = %self.gateway, object, currency, ?kind, ?ledger, ?books, ?appointment,
                "the ledger and the gateway's books differ"
            );
        } else {
            tracing::info!(gateway = %self.gateway, object = %difference.object, "the ledger may lack a movement; the payment job is enqueued");
        }
        self.write(transaction).await?;
        Ok(difference)
    }

    /// Whether the payment job is being retried. It runs within an hour, and enqueuing it again would hide since when it fails.
    async fn is_failing(&self, appointment: AppointmentId) -> Result<bool, AppError> {
        let job = PaymentsJob::Payment { appointment }.name();
        let stored = self.app.store.outbox_entry(&job).await?;
        let entry = stored.and_then(|stored| stored.entry.ok());
        Ok(entry.is_some_and(|entry| entry.failing_since.is_some()))
    }

    /// Resolves a difference, because both sides agree again. One that was never confirmed is deleted.
    async fn resolve(&self, difference: &Difference) -> Result<(), AppError> {
        let mut transaction = Transaction::new();
        if difference.confirmed {
            transaction.put_difference(&difference.resolved(self.now), Some(difference))?;
        } else {
            transaction.delete_difference(difference);
        }
        tracing::info!(gateway = %self.gateway, object = %difference.object, "the ledger and the gateway's books agree again");
        self.write(transaction).await
    }

    /// Commits. On a version conflict, does nothing: a concurrent run has already written the row.
    async fn write(&self, transaction: Transaction) -> Result<(), AppError> {
        match self.app.commit(transaction).await {
            Ok(()) | Err(AppError::Commit(CommitError::VersionConflict(_))) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}
