//! Holding the ledger against the gateways' books, hour by hour.
//!
//! What the ledger lacks of a payment of ours is not a difference yet: a lost message is mended by looking at the payment
//! again, which is owed at once. Only when the next run still sees it does it count. Whatever differs is compared anew in
//! each run until the two agree.

use std::collections::{BTreeMap, BTreeSet};

use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation::{
    BookLine, Difference, DifferenceKind, Discrepancy, LedgerMovement, SLACK, compare, exclusion_reason,
    next_window,
};
use domain::{AppointmentId, TimeSpan, Timestamp};
use store::{AppointmentRecord, CommitError, Job, ReconciliationProgress, Transaction};

use crate::payments::ports::PaymentGateway;
use crate::{App, AppError};

/// So much later than it moved an entry may have been written down and still be found among those of its days, in seconds.
/// What comes later still is found with its payment.
const DAYS_AROUND: i64 = domain::kernel::time::DAY;

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Lines of the gateways' books that were compared for the first time.
    pub lines: usize,
    /// Differences that stand and count.
    pub differences: usize,
}

/// An object and a currency.
type Place = (String, String);

/// Compares what the gateways wrote since the last run, and again what differed then.
///
/// # Errors
/// When a gateway or the table does not answer. What was not compared the next run compares.
pub async fn reconcile(app: &App) -> Result<Reconciled, AppError> {
    let mut reconciled = Reconciled::default();
    for (gateway, port) in app.gateways.iter().filter(|(_, port)| port.keeps_books()) {
        reconciled.lines += Run { app, gateway, port, now: app.now() }.compare_all().await?;
    }
    let standing = app.store.unresolved_differences().await?;
    reconciled.differences = standing.iter().filter(|difference| difference.counts).count();
    Ok(reconciled)
}

/// A run over one gateway's books.
struct Run<'a> {
    app: &'a App,
    gateway: GatewayKind,
    port: &'a dyn PaymentGateway,
    now: Timestamp,
}

/// What a window came to.
struct Examined {
    lines: usize,
    /// With whether the payment is one of ours.
    discrepancies: BTreeMap<Place, (Discrepancy, bool)>,
}

impl Run<'_> {
    /// How many lines were compared for the first time.
    async fn compare_all(&self) -> Result<usize, AppError> {
        let mut standing = self.look_again().await?;
        let compared = self.app.store.reconciliation_progress(self.gateway).await?;
        let window = next_window(compared.map(|compared| compared.until), self.now);
        if window.is_empty() {
            return Ok(0);
        }
        let Examined { lines, discrepancies } = self.examine(window, &BTreeMap::new()).await?;
        for (place, (discrepancy, ours)) in discrepancies {
            self.note(standing.remove(&place), discrepancy, ours).await?;
        }
        let version = compared.map_or(0, |compared| compared.version) + 1;
        let mut transaction = Transaction::new();
        transaction.put_reconciliation_progress(&ReconciliationProgress {
            gateway: self.gateway,
            version,
            until: window.end(),
        })?;
        self.write(transaction).await?;
        Ok(lines)
    }

    /// Compares again what differed; what still does.
    async fn look_again(&self) -> Result<BTreeMap<Place, Difference>, AppError> {
        let mut hours: BTreeMap<(Timestamp, Timestamp), Vec<Difference>> = BTreeMap::new();
        for difference in self.app.store.unresolved_differences().await? {
            if difference.gateway == self.gateway {
                let span = difference.hours();
                hours.entry((span.start(), span.end())).or_default().push(difference);
            }
        }
        let mut standing = BTreeMap::new();
        for ((start, end), differences) in hours {
            let known = differences.iter().filter_map(|one| Some((one.object.clone(), one.appointment?)));
            let Examined { mut discrepancies, .. } =
                self.examine(TimeSpan::new(start, end), &known.collect()).await?;
            for difference in differences {
                let place = (difference.object.clone(), difference.currency.clone());
                match discrepancies.remove(&place) {
                    Some((discrepancy, ours)) => {
                        let difference = self.note(Some(difference), discrepancy, ours).await?;
                        standing.insert(place, difference);
                    }
                    None => self.resolve(&difference).await?,
                }
            }
        }
        Ok(standing)
    }

    /// What a window of the books and the ledger say differently. `known` says of objects whose they are.
    async fn examine(
        &self,
        window: TimeSpan,
        known: &BTreeMap<String, AppointmentId>,
    ) -> Result<Examined, AppError> {
        let around = window.widened(SLACK, SLACK);
        let mut lines = self.port.book_lines(around).await?;
        lines.retain(|line| exclusion_reason(self.gateway, &line.kind).is_none());
        let mut booked = Vec::new();
        for day in window.widened(DAYS_AROUND, DAYS_AROUND).utc_days() {
            let entries = self.app.store.ledger_of_day(day).await?;
            for entry in entries.into_iter().filter(|entry| entry.gateway == self.gateway) {
                let appointment = entry.appointment;
                booked.extend(
                    entry.movements.into_iter().map(|movement| LedgerMovement { movement, appointment }),
                );
            }
        }
        let mut whose = BTreeMap::new();
        for discrepancy in compare(&lines, &booked, window) {
            let told = discrepancy.appointment.or_else(|| known.get(&discrepancy.object).copied());
            let appointment = match told {
                Some(appointment) => Some(appointment),
                None => self.ask_whose(&lines, &discrepancy.object).await?,
            };
            whose.insert(discrepancy.object, appointment);
        }
        // Of payments of ours the whole ledger counts, whenever it was written down.
        let appointments: BTreeSet<AppointmentId> = whose.values().copied().flatten().collect();
        let mut ours = BTreeSet::new();
        for id in appointments {
            let record = self.app.store.appointment_record(id).await?;
            let Some(AppointmentRecord { payment: Some(payment), movements, .. }) = record else { continue };
            if payment.gateway == self.gateway {
                ours.insert(id);
                booked.retain(|one| one.appointment != Some(id));
                let whole = movements.into_iter();
                booked.extend(whole.map(|movement| LedgerMovement { movement, appointment: Some(id) }));
            }
        }
        let mut discrepancies = BTreeMap::new();
        for mut discrepancy in compare(&lines, &booked, window) {
            let appointment = discrepancy.appointment.or_else(|| whose.get(&discrepancy.object).copied()?);
            discrepancy.appointment = appointment;
            let is_ours = appointment.is_some_and(|id| ours.contains(&id));
            let place = (discrepancy.object.clone(), discrepancy.currency.clone());
            discrepancies.insert(place, (discrepancy, is_ours));
        }
        let lines = lines.iter().filter(|line| window.contains(line.at)).count();
        Ok(Examined { lines, discrepancies })
    }

    async fn ask_whose(&self, lines: &[BookLine], object: &str) -> Result<Option<AppointmentId>, AppError> {
        match lines.iter().find(|line| line.object == object || line.id == object) {
            Some(line) => Ok(self.port.appointment_of(line).await?),
            None => Ok(None),
        }
    }

    /// Writes down that something differs, and owes a look at its payment where that may mend it.
    async fn note(
        &self,
        before: Option<Difference>,
        seen: Discrepancy,
        ours: bool,
    ) -> Result<Difference, AppError> {
        // Looking at the payment again brings nothing back that the gateway does not have.
        let told = ours && seen.kind() != DifferenceKind::MissingAtGateway;
        let mendable = seen.appointment.filter(|_| told);
        let difference = match &before {
            Some(before) => before.seen_again(seen, self.now),
            None => Difference::new(self.gateway, seen, mendable.is_some(), self.now),
        };
        let mut transaction = Transaction::new();
        transaction.put_difference(&difference, before.as_ref())?;
        if let Some(appointment) = mendable {
            self.app.enqueue(&mut transaction, Job::Payment(appointment), self.now)?;
        }
        if difference.counts {
            let Difference { object, currency, expected, found, appointment, .. } = &difference;
            let kind = difference.kind();
            tracing::error!(
                gateway = %self.gateway, object, currency, ?kind, ?expected, ?found, ?appointment,
                "the ledger and the gateway's books differ"
            );
        } else {
            tracing::info!(gateway = %self.gateway, object = %difference.object, "the ledger may have missed something");
        }
        self.write(transaction).await?;
        Ok(difference)
    }

    /// The two agree again. What never counted is forgotten.
    async fn resolve(&self, difference: &Difference) -> Result<(), AppError> {
        let mut transaction = Transaction::new();
        if difference.counts {
            transaction.put_difference(&difference.resolved(self.now), Some(difference))?;
        } else {
            transaction.delete_difference(difference);
        }
        tracing::info!(gateway = %self.gateway, object = %difference.object, "the ledger and the gateway's books agree again");
        self.write(transaction).await
    }

    /// Commits; when another run was faster, what that one saw stands.
    async fn write(&self, transaction: Transaction) -> Result<(), AppError> {
        match self.app.commit(transaction).await {
            Ok(()) | Err(AppError::Commit(CommitError::VersionConflict(_))) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}
