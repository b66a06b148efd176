//! Rows of receipts, receipt numbers, billing details and tax calculations.

use domain::receipts::billing::BillingDetails;
use domain::receipts::receipt::{DocumentName, Receipt};
use domain::receipts::tax::Taxes;
use domain::{AppointmentId, ExpertId, ReceiptId, Timestamp};

use super::keys;
use super::rows::{BillingRow, CounterRow, ReceiptRow, TaxCalculationRow};
use crate::keys::{GSI1, GSI2, VERSION, appointment_partition};
use crate::row::{cut_page, read_list, read_row};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{number, text};
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// Billing details with their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedBilling {
    /// Increases by one with each change. It is also the ETag.
    pub version: u64,
    /// The billing details.
    pub details: BillingDetails,
}

/// A gateway's tax calculation for a document. It is stored before the document is issued and is never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedTaxCalculation {
    /// Increases by one with each new calculation.
    pub version: u64,
    /// The gateway's id of the calculation.
    pub id: String,
    /// The gateway adds the calculation to the expert's tax reports until this instant.
    pub valid_until: Timestamp,
    /// The calculated taxes.
    pub taxes: Taxes,
}

/// The last receipt number of an expert in a year. The row's version is the number: each issued document increases it by one.
pub(crate) struct Counter {
    /// The number.
    pub(super) version: u32,
}

/// One page of the documents that an expert has issued in a year.
#[derive(Debug, Clone)]
pub struct ReceiptPage {
    /// The documents, ordered by number.
    pub receipts: Vec<Receipt>,
    /// How many rows of this page cannot be read.
    pub unreadable: usize,
    /// The last sequence number of this page, if there is another page.
    pub next: Option<u32>,
}

impl Transaction {
    /// Writes billing details, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_billing(&mut self, expert: ExpertId, billing: &VersionedBilling) -> Result<(), CommitError> {
        self.put_row::<BillingRow, _>(
            keys::billing(expert),
            Condition::unchanged_since(billing.version - 1),
            billing,
            [],
        )
    }

    /// Writes a tax calculation, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_tax_calculation(
        &mut self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
        calculation: &VersionedTaxCalculation,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(calculation.version - 1);
        self.put_row::<TaxCalculationRow, _>(
            keys::tax_calculation(appointment, name),
            condition,
            calculation,
            [],
        )
    }

    /// Writes a document and the counter of its number.
    ///
    /// The conditions are that the counter is one below the number, and that the document does not exist. Both rows are
    /// written or none, so numbers have no gap and no duplicate, whatever requests race and wherever the process stops.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn issue_receipt(&mut self, receipt: &Receipt) -> Result<(), CommitError> {
        let (year, sequence) = (receipt.number.year(), receipt.number.sequence());
        self.put_row::<CounterRow, _>(
            keys::receipt_counter(receipt.expert, year),
            Condition::unchanged_since(u64::from(sequence.saturating_sub(1))),
            &Counter { version: sequence },
            [],
        )?;
        let by_id = keys::receipt(receipt.id);
        let more = [
            (VERSION, number(1)),
            (GSI1.pk, text(keys::receipts_of_expert(receipt.expert))),
            (GSI1.sk, text(keys::receipt_order(year, sequence))),
            (GSI2.pk, text(by_id.pk)),
            (GSI2.sk, text(by_id.sk)),
        ];
        self.put_row::<ReceiptRow, _>(
            keys::document(receipt.appointment, receipt.name()),
            Condition::Absent,
            receipt,
            more,
        )
    }
}

impl Store {
    /// The billing details of an expert.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn billing(&self, expert: ExpertId) -> Result<Option<VersionedBilling>, ReadError> {
        self.table
            .get(&keys::billing(expert), Consistency::Strong)
            .await?
            .map(read_row::<BillingRow, _>)
            .transpose()
    }

    /// The sequence number of the last document that an expert has issued in a year; 0 before the first.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn last_receipt(&self, expert: ExpertId, year: u16) -> Result<u32, ReadError> {
        let counter = self.table.get(&keys::receipt_counter(expert, year), Consistency::Strong).await?;
        Ok(counter.map(read_row::<CounterRow, _>).transpose()?.map_or(0, |counter| counter.version))
    }

    /// The document of an appointment with this name.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn document(
        &self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
    ) -> Result<Option<Receipt>, ReadError> {
        let key = keys::document(appointment, name);
        self.table.get(&key, Consistency::Strong).await?.map(read_row::<ReceiptRow, _>).transpose()
    }

    /// The gateway's tax calculation for the document with this name.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn tax_calculation(
        &self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
    ) -> Result<Option<VersionedTaxCalculation>, ReadError> {
        let key = keys::tax_calculation(appointment, name);
        self.table.get(&key, Consistency::Strong).await?.map(read_row::<TaxCalculationRow, _>).transpose()
    }

    /// The documents of an appointment, ordered by number. There are few: one for each payment, refund and failed refund.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn documents(&self, appointment: AppointmentId) -> Result<Vec<Receipt>, ReadError> {
        let items = self.document_rows(appointment).await?;
        let mut receipts: Vec<Receipt> =
            items.into_iter().map(read_row::<ReceiptRow, _>).collect::<Result<_, _>>()?;
        receipts.sort_by_key(|receipt| receipt.number);
        Ok(receipts)
    }

    /// The documents of an appointment that this release can read, ordered by number, and how many it cannot read.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn readable_documents(
        &self,
        appointment: AppointmentId,
    ) -> Result<(Vec<Receipt>, usize), ReadError> {
        let items = self.document_rows(appointment).await?;
        let (mut receipts, unreadable) = read_list::<ReceiptRow, Receipt>(items);
        receipts.sort_by_key(|receipt| receipt.number);
        Ok((receipts, unreadable))
    }

    async fn document_rows(&self, appointment: AppointmentId) -> Result<Vec<Item>, TableError> {
        let query = Query {
            index: None,
            pk: appointment_partition(appointment),
            from: keys::DOCUMENTS.to_owned(),
            to: format!("{}~", keys::DOCUMENTS),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        self.table.query(&query).await
    }

    /// A document by its id. A document that was issued moments ago may not be found yet.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, ReadError> {
        let key = keys::receipt(id);
        let query = Query {
            index: Some(GSI2),
            pk: key.pk,
            from: key.sk.clone(),
            to: key.sk,
            descending: false,
            limit: Some(1),
            consistency: Consistency::Eventual,
        };
        self.table.query(&query).await?.pop().map(read_row::<ReceiptRow, _>).transpose()
    }

    /// The documents that an expert has issued in a year, after this sequence number. The latest may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn receipts(
        &self,
        expert: ExpertId,
        year: u16,
        after: u32,
        limit: u16,
    ) -> Result<ReceiptPage, ReadError> {
        let query = Query {
            index: Some(GSI1),
            pk: keys::receipts_of_expert(expert),
            from: keys::receipt_order(year, after.saturating_add(1)),
            to: keys::receipt_order(year, u32::MAX),
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let next = cut_page(&mut items, limit, GSI1.sk).and_then(|last| keys::sequence_of(&last));
        let (receipts, unreadable) = read_list::<ReceiptRow, _>(items);
        Ok(ReceiptPage { receipts, unreadable, next })
    }
}
