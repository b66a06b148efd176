//! Rows of appointments, and appointments together with their payments.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::time::DAY;
use domain::payments::ledger::Movement;
use domain::payments::payment::Payment;
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ClientId, ExpertId, TimeSpan, Timestamp};

use super::keys;
use super::notes::VersionedDetails;
use super::rows::{AppointmentRow, DetailsRow};
use crate::keys::{GSI1, GSI2, Key, SK, appointment_partition, instant};
use crate::payments::rows::{EntryRow, PaymentRow};
use crate::row::{cut_page, read_list, read_row};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::text;
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// How often an appointment is read at most while it is being written.
const MAX_READS: usize = 5;

/// One page of the appointments of an expert or a client.
#[derive(Debug, Clone)]
pub struct AppointmentPage {
    /// The appointments, ordered by start.
    pub appointments: Vec<Appointment>,
    /// The number of appointments of the page that this release cannot read.
    pub unreadable: usize,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// An appointment with its details, its payment, and the movements of its ledger entries.
#[derive(Debug, Clone)]
pub struct AppointmentRecord {
    /// The appointment.
    pub appointment: Appointment,
    /// The payment; `None` if there is nothing to pay.
    pub payment: Option<Payment>,
    /// All movements, in the order in which they were recorded.
    pub movements: Vec<Movement>,
    /// What the client said about the session; `None` if this release cannot read it. Nothing is decided by it.
    pub details: Option<VersionedDetails>,
}

impl Transaction {
    /// Writes an appointment, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::NewerRelease`] if its status is unknown, [`CommitError::Unstorable`] if the document cannot be represented as a
    /// row.
    pub fn put_appointment(&mut self, appointment: &Appointment) -> Result<(), CommitError> {
        let order = keys::appointment_order(appointment.start, appointment.id);
        let mut index = vec![
            (GSI2.pk, text(keys::appointments_of_client(appointment.client))),
            (GSI2.sk, text(order.clone())),
        ];
        // The expert does not see holds that expired unpaid.
        if appointment.status != Status::Expired {
            index.push((GSI1.pk, text(keys::appointments_of_expert(appointment.expert))));
            index.push((GSI1.sk, text(order)));
        }
        let condition = Condition::unchanged_since(appointment.version - 1);
        self.put_row::<AppointmentRow, _>(keys::appointment(appointment.id), condition, appointment, index)
    }

    /// Adds the condition that the appointment has not changed since it was read. An appointment that the transaction already
    /// writes needs no check.
    pub fn check_appointment(&mut self, appointment: &Appointment) {
        self.check(keys::appointment(appointment.id), Condition::Version(appointment.version));
    }
}

impl Store {
    /// The clients who booked these appointments, each with the end of their last one.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn clients_of(
        &self,
        appointments: &BTreeSet<AppointmentId>,
    ) -> Result<BTreeMap<ClientId, Timestamp>, ReadError> {
        let keys: Vec<Key> = appointments.iter().map(|id| keys::appointment(*id)).collect();
        let mut clients = BTreeMap::new();
        for some in keys.chunks(100) {
            for item in self.table.get_many(some, Consistency::Strong).await? {
                let (client, booked_until) = client_of(item)?;
                let end = clients.entry(client).or_insert(booked_until);
                *end = booked_until.max(*end);
            }
        }
        Ok(clients)
    }

    /// An appointment, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, ReadError> {
        self.table
            .get(&keys::appointment(id), Consistency::Strong)
            .await?
            .map(read_row::<AppointmentRow, _>)
            .transpose()
    }

    /// The expert and the client of an appointment, also if this release cannot read the rest of it. `None` if it does not exist, or
    /// its parties cannot be read either.
    ///
    /// # Errors
    /// [`TableError`] if the table cannot be read.
    pub async fn parties(&self, id: AppointmentId) -> Result<Option<(ExpertId, ClientId)>, TableError> {
        let item = self.table.get(&keys::appointment(id), Consistency::Strong).await?;
        Ok(item.and_then(|item| {
            let id = |name: &str| item.get(name)?.as_s().ok();
            Some((id("expert")?.parse().ok()?, id("client")?.parse().ok()?))
        }))
    }

    /// An appointment with its payment and all movements, in one query.
    ///
    /// A query is not isolated from transactions: it may see some rows of a transaction and not others
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation>). A
    /// payment counts its ledger entries, so a read that saw only one of the two is detected and repeated. A caller that
    /// decides on an appointment and its payment and writes only one of them checks the other one in the transaction
    /// ([`Transaction::check_appointment`], [`Transaction::check_payment`]).
    ///
    /// # Errors
    /// [`ReadError`]; [`TableError::Busy`] if the rows changed during every read.
    pub async fn appointment_record(
        &self,
        id: AppointmentId,
    ) -> Result<Option<AppointmentRecord>, ReadError> {
        for read in 1..=MAX_READS {
            let (record, entries) = self.read_record(id).await?;
            let counted = record
                .as_ref()
                .and_then(|record| record.payment.as_ref())
                .map_or(0, |payment| payment.entries);
            // If there are still more entries than the payment counts, the extra ones were added manually to the table. They are
            // shown. They cannot hide a concurrent change: its transaction also writes the payment, whose version is checked.
            let added_manually = read == MAX_READS && entries > counted;
            if counted == entries || added_manually {
                return Ok(record);
            }
        }
        Err(TableError::Busy(format!("{id} is being changed; try again")).into())
    }

    /// Like [`Store::appointment_record`], for a job whose outbox entry was already read.
    ///
    /// The result is not older than the transaction that wrote the outbox entry. A query may return all rows of an appointment
    /// as they were before a transaction from which another row was read already. The job would then find nothing to do, and
    /// its entry would be deleted. A read of a single row is always up to date, so it serves as the comparison.
    ///
    /// # Errors
    /// As for [`Store::appointment_record`].
    pub async fn latest_appointment_record(
        &self,
        id: AppointmentId,
    ) -> Result<Option<AppointmentRecord>, ReadError> {
        let version = |payment: Option<&Payment>| payment.map_or(0, |payment| payment.version);
        for _ in 0..MAX_READS {
            let latest = self.payment(id).await?;
            let record = self.appointment_record(id).await?;
            let read = record.as_ref().and_then(|record| record.payment.as_ref());
            if version(read) >= version(latest.as_ref()) {
                return Ok(record);
            }
        }
        Err(TableError::Busy(format!("{id} is being changed; try again")).into())
    }

    /// The result of one query, with the number of ledger entries that it saw.
    async fn read_record(&self, id: AppointmentId) -> Result<(Option<AppointmentRecord>, u32), ReadError> {
        let (first, last) = (keys::appointment(id).sk, crate::payments::keys::payment(id).sk);
        let details_key = keys::details(id).sk;
        let query = Query {
            index: None,
            pk: appointment_partition(id),
            from: first.clone(),
            to: last.clone(),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        let (mut appointment, mut payment, mut movements) = (None, None, Vec::new());
        let (mut entries, mut details) = (0, Some(VersionedDetails::default()));
        for item in self.table.query(&query).await? {
            let sort_key = item.get(SK).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            if sort_key == first {
                appointment = Some(read_row::<AppointmentRow, _>(item)?);
            } else if sort_key == last {
                payment = Some(read_row::<PaymentRow, _>(item)?);
            } else if sort_key == details_key {
                details = read_list::<DetailsRow, _>(vec![item]).0.pop();
            } else if sort_key.starts_with(crate::payments::keys::LEDGER_ENTRIES) {
                movements.extend(read_row::<EntryRow, _>(item)?.movements);
                entries += 1;
            }
        }
        let record =
            appointment.map(|appointment| AppointmentRecord { appointment, payment, movements, details });
        Ok((record, entries))
    }

    /// The appointments of an expert or a client that start within a span, ordered by start.
    ///
    /// `after` is the `next` of the previous page. The latest changes may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn appointments(
        &self,
        of: AppointmentOwner,
        starts: TimeSpan,
        after: Option<&str>,
        limit: u16,
    ) -> Result<AppointmentPage, ReadError> {
        let (index, pk) = match of {
            AppointmentOwner::Expert(id) => (GSI1, keys::appointments_of_expert(id)),
            AppointmentOwner::Client(id) => (GSI2, keys::appointments_of_client(id)),
        };
        let first = instant(starts.start());
        let query = Query {
            index: Some(index),
            pk,
            // Appending a space, the lowest printable character, excludes `after` itself and nothing else.
            from: after.map_or(first, |after| format!("{after} ")),
            to: format!("{}~", instant(starts.end().plus(-1))),
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let next = cut_page(&mut items, limit, index.sk);
        let (appointments, unreadable) = read_list::<AppointmentRow, _>(items);
        Ok(AppointmentPage { appointments, unreadable, next })
    }
}

/// The client of an appointment, and the end of the session. If this release cannot read the row, its keys in the client's index
/// name the client, and the session may take as long as the longest one.
fn client_of(item: Item) -> Result<(ClientId, Timestamp), ReadError> {
    let key = |name: &str| item.get(name)?.as_s().ok();
    let indexed = || Some((keys::client_of(key(GSI2.pk)?)?, keys::start_of(key(GSI2.sk)?)?.plus(DAY)));
    let indexed = indexed();
    match (read_row::<AppointmentRow, Appointment>(item), indexed) {
        (Ok(appointment), _) => Ok((appointment.client, appointment.end)),
        (Err(_), Some(indexed)) => Ok(indexed),
        (Err(error), None) => Err(error),
    }
}

/// Whose appointments to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppointmentOwner {
    /// The sessions that this expert gives.
    Expert(ExpertId),
    /// The sessions that this client has booked.
    Client(ClientId),
}

impl AppointmentOwner {
    /// The side on which the expert or client is.
    pub fn party(self) -> Party {
        match self {
            Self::Expert(_) => Party::Expert,
            Self::Client(_) => Party::Client,
        }
    }
}
