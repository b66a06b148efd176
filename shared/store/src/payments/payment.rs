//! Rows of payments.

use domain::AppointmentId;
use domain::payments::payment::Payment;

use super::keys;
use super::rows::PaymentRow;
use crate::keys::GSI2;
use crate::row::{cut_page, read_row};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::text;
use crate::{CommitError, ReadError, Store, Transaction};

/// An escalated payment that this release cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableEscalation {
    /// The appointment whose payment it is.
    pub appointment: AppointmentId,
    /// Whether a newer release has written the payment; otherwise its row is damaged.
    pub is_newer: bool,
}

/// One page of the payments that are escalated.
#[derive(Debug, Clone)]
pub struct EscalationPage {
    /// The payments, the oldest booking first.
    pub payments: Vec<Payment>,
    /// The appointments of this page whose payment this release cannot read.
    pub unreadable: Vec<UnreadableEscalation>,
    /// The last appointment of this page, if there is another page.
    pub next: Option<AppointmentId>,
}

impl Transaction {
    /// Writes a payment, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::NewerRelease`] if it has a value that this release does not know, [`CommitError::Unstorable`] if the document
    /// cannot be represented as a row.
    pub fn put_payment(&mut self, payment: &Payment) -> Result<(), CommitError> {
        let index = payment
            .escalation
            .map(|_| [(GSI2.pk, text(keys::ESCALATIONS)), (GSI2.sk, text(payment.appointment.to_string()))]);
        let condition = Condition::unchanged_since(payment.version - 1);
        self.put_row::<PaymentRow, _>(
            keys::payment(payment.appointment),
            condition,
            payment,
            index.into_iter().flatten(),
        )
    }

    /// Adds the condition that the payment has not changed since it was read. A payment that the transaction already writes
    /// needs no check.
    pub fn check_payment(&mut self, payment: &Payment) {
        self.check(keys::payment(payment.appointment), Condition::Version(payment.version));
    }
}

impl Store {
    /// The payment of an appointment; `None` if there is nothing to pay.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn payment(&self, id: AppointmentId) -> Result<Option<Payment>, ReadError> {
        self.table
            .get(&keys::payment(id), Consistency::Strong)
            .await?
            .map(read_row::<PaymentRow, _>)
            .transpose()
    }

    /// The payments that are escalated, the oldest booking first. `after` is the `next` of the previous page. The latest changes
    /// may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
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
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let next = cut_page(&mut items, limit, GSI2.sk).and_then(|last| last.parse().ok());
        let (mut payments, mut unreadable) = (Vec::new(), Vec::new());
        for item in items {
            let appointment = item.get(GSI2.sk).and_then(|id| id.as_s().ok()?.parse().ok());
            let is_newer = match read_row::<PaymentRow, _>(item) {
                Ok(payment) => {
                    payments.push(payment);
                    continue;
                }
                // The reason can contain personal data.
                Err(error) => matches!(error, ReadError::NewerRelease { .. }),
            };
            tracing::error!(?appointment, "an escalated payment cannot be read");
            unreadable.extend(appointment.map(|appointment| UnreadableEscalation { appointment, is_newer }));
        }
        Ok(EscalationPage { payments, unreadable, next })
    }
}
