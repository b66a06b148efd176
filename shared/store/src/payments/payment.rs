//! Payments of appointments.

use domain::AppointmentId;
use domain::payments::payment::Payment;

use super::keys;
use crate::keys::GSI2;
use crate::table::{Consistency, Expect, Query};
use crate::transaction::{document, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// A stretch of the payments that wait for a person.
#[derive(Debug, Clone)]
pub struct EscalationPage {
    /// The oldest booking first.
    pub payments: Vec<Payment>,
    /// Behind which the next page begins; `None` at the end.
    pub next: Option<AppointmentId>,
}

impl Transaction {
    /// Writes a payment over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_payment(&mut self, payment: &Payment) -> Result<(), CommitError> {
        let waits = payment
            .escalation
            .map(|_| [(GSI2.pk, text(keys::ESCALATIONS)), (GSI2.sk, text(payment.appointment.to_string()))]);
        let expect = Expect::read(payment.version - 1);
        self.put_document(keys::payment(payment.appointment), expect, payment, waits.into_iter().flatten())
    }

    /// Fails when the payment is no longer as it was read. One that is written anyway needs no check.
    pub fn check_payment(&mut self, payment: &Payment) {
        self.check(keys::payment(payment.appointment), Expect::Version(payment.version));
    }
}

impl Store {
    /// A payment as it stands; none when there is nothing to pay.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn payment(&self, id: AppointmentId) -> Result<Option<Payment>, ReadError> {
        self.table.get(&keys::payment(id), Consistency::Strong).await?.map(document).transpose()
    }

    /// The payments that wait for a person and were booked after that of `after`, the oldest booking first. The last moments may be
    /// missing.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn escalations(
        &self,
        after: Option<AppointmentId>,
        limit: u16,
    ) -> Result<EscalationPage, ReadError> {
        let query = Query {
            index: Some(GSI2),
            pk: keys::ESCALATIONS.to_owned(),
            from: after.map_or("0".to_owned(), |after| format!("{after} ")),
            to: "~".to_owned(),
            backwards: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let items = self.table.query(&query).await?;
        let mut payments: Vec<Payment> = items.into_iter().map(document).collect::<Result<_, _>>()?;
        let more = payments.len() > usize::from(limit);
        payments.truncate(limit.into());
        let next = payments.last().filter(|_| more).map(|last| last.appointment);
        Ok(EscalationPage { payments, next })
    }
}
