//! Receipts, their numbers, and what they say of their issuer.

use domain::receipts::billing::BillingDetails;
use domain::receipts::receipt::{DocumentName, Receipt};
use domain::receipts::tax::Taxes;
use domain::{AppointmentId, ExpertId, ReceiptId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{GSI1, GSI2, VERSION, appointment_partition};
use crate::table::{Consistency, Expect, Item, Query};
use crate::transaction::{document, number, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// Billing details with their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedBilling {
    /// Grows by one with each change; the ETag.
    pub version: u64,
    /// The details.
    pub details: BillingDetails,
}

/// What a gateway calculated for a document, kept until the document is issued and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenCalculation {
    /// Grows by one each time it had to be calculated anew.
    pub version: u64,
    /// What the gateway calls it.
    pub id: String,
    /// Until when the gateway takes it into the expert's tax reports.
    pub valid_until: Timestamp,
    /// What it came to.
    pub taxes: Taxes,
}

/// The last number of a series. The number is the row's version: each document that is issued makes both one larger.
#[derive(Deserialize)]
struct Counter {
    version: u32,
}

/// A stretch of an issuer's series of a year.
#[derive(Debug, Clone)]
pub struct ReceiptPage {
    /// In the order of their numbers.
    pub receipts: Vec<Receipt>,
    /// The sequence number behind which the next page begins; `None` at the end.
    pub next: Option<u32>,
}

impl Transaction {
    /// Writes billing details over the version before them.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub fn put_billing(&mut self, expert: ExpertId, billing: &VersionedBilling) -> Result<(), CommitError> {
        self.put_document(keys::billing(expert), Expect::read(billing.version - 1), billing, [])
    }

    /// Writes a calculation over the one before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_tax_calculation(
        &mut self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
        calculation: &WrittenCalculation,
    ) -> Result<(), CommitError> {
        let expect = Expect::read(calculation.version - 1);
        self.put_document(keys::tax_calculation(appointment, name), expect, calculation, [])
    }

    /// Issues a document under its number.
    ///
    /// The counter must still stand one before the number, and the movement must have no such document yet. Either both rows
    /// are written or none, so the series has no gap and no number twice, whoever races and whatever crashes.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn issue_receipt(&mut self, receipt: &Receipt) -> Result<(), CommitError> {
        let (year, sequence) = (receipt.number.year(), receipt.number.sequence());
        let counter = Item::from([(VERSION.to_owned(), number(sequence))]);
        self.put(
            keys::receipt_counter(receipt.expert, year),
            Expect::read(u64::from(sequence.saturating_sub(1))),
            counter,
        );
        let by_id = keys::receipt(receipt.id);
        let more = [
            (VERSION, number(1)),
            (GSI1.pk, text(keys::receipts_of_expert(receipt.expert))),
            (GSI1.sk, text(keys::receipt_order(year, sequence))),
            (GSI2.pk, text(by_id.pk)),
            (GSI2.sk, text(by_id.sk)),
        ];
        self.put_document(keys::document(receipt.appointment, receipt.name()), Expect::Absent, receipt, more)
    }
}

impl Store {
    /// An expert's billing details.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn billing(&self, expert: ExpertId) -> Result<Option<VersionedBilling>, ReadError> {
        self.table.get(&keys::billing(expert), Consistency::Strong).await?.map(document).transpose()
    }

    /// The sequence number of the last document that an expert issued in a year; 0 before the first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn last_receipt(&self, expert: ExpertId, year: u16) -> Result<u32, ReadError> {
        let counter = self.table.get(&keys::receipt_counter(expert, year), Consistency::Strong).await?;
        Ok(counter.map(document::<Counter>).transpose()?.map_or(0, |counter| counter.version))
    }

    /// The document of this name among those of an appointment.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn document(
        &self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
    ) -> Result<Option<Receipt>, ReadError> {
        let key = keys::document(appointment, name);
        self.table.get(&key, Consistency::Strong).await?.map(document).transpose()
    }

    /// What a gateway calculated for the document of this name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn tax_calculation(
        &self,
        appointment: AppointmentId,
        name: DocumentName<'_>,
    ) -> Result<Option<WrittenCalculation>, ReadError> {
        let key = keys::tax_calculation(appointment, name);
        self.table.get(&key, Consistency::Strong).await?.map(document).transpose()
    }

    /// The documents of an appointment in the order of their numbers: a few, one for each movement of its money.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn documents(&self, appointment: AppointmentId) -> Result<Vec<Receipt>, ReadError> {
        let query = Query {
            index: None,
            pk: appointment_partition(appointment),
            from: keys::DOCUMENTS.to_owned(),
            to: format!("{}~", keys::DOCUMENTS),
            backwards: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        let items = self.table.query(&query).await?;
        let mut receipts: Vec<Receipt> = items.into_iter().map(document).collect::<Result<_, _>>()?;
        receipts.sort_by_key(|receipt| receipt.number);
        Ok(receipts)
    }

    /// A document by its id. One that was issued moments ago may not be found yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, ReadError> {
        let place = keys::receipt(id);
        let query = Query {
            index: Some(GSI2),
            pk: place.pk,
            from: place.sk.clone(),
            to: place.sk,
            backwards: false,
            limit: Some(1),
            consistency: Consistency::Eventual,
        };
        self.table.query(&query).await?.pop().map(document).transpose()
    }

    /// What an expert issued in a year behind this sequence number. The last moments may be missing.
    ///
    /// # Errors
    /// When it cannot be read.
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
            backwards: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let items = self.table.query(&query).await?;
        let mut receipts: Vec<Receipt> = items.into_iter().map(document).collect::<Result<_, _>>()?;
        let more = receipts.len() > usize::from(limit);
        receipts.truncate(limit.into());
        let next = receipts.last().filter(|_| more).map(|last| last.number.sequence());
        Ok(ReceiptPage { receipts, next })
    }
}
