//! Appointments and their payments.

use domain::payments::ledger::Movement;
use domain::payments::payment::Payment;
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ClientId, ExpertId, TimeSpan};

use super::keys;
use crate::keys::{GSI1, GSI2, SK, appointment_partition, instant};
use crate::payments::ledger::entry_of;
use crate::table::{Consistency, Expect, Query};
use crate::transaction::{document, text};
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// Most reads of an appointment that is being written meanwhile.
const MOST_READS: usize = 5;

/// A stretch of a dashboard.
#[derive(Debug, Clone)]
pub struct AppointmentPage {
    /// In the order of their starts.
    pub appointments: Vec<Appointment>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// An appointment, its payment, and what moved.
#[derive(Debug, Clone)]
pub struct AppointmentRecord {
    /// The appointment.
    pub appointment: Appointment,
    /// None when there is nothing to pay.
    pub payment: Option<Payment>,
    /// Everything that moved, in the order in which it was written down.
    pub movements: Vec<Movement>,
}

impl Transaction {
    /// Writes an appointment over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_appointment(&mut self, appointment: &Appointment) -> Result<(), CommitError> {
        let place = keys::appointment_order(appointment.start, appointment.id);
        let mut index = vec![
            (GSI2.pk, text(keys::appointments_of_client(appointment.client))),
            (GSI2.sk, text(place.clone())),
        ];
        // A hold that ended unpaid is nothing to the expert.
        if appointment.status != Status::Expired {
            index.push((GSI1.pk, text(keys::appointments_of_expert(appointment.expert))));
            index.push((GSI1.sk, text(place)));
        }
        let expect = Expect::read(appointment.version - 1);
        self.put_document(keys::appointment(appointment.id), expect, appointment, index)
    }

    /// Fails when the appointment is no longer as it was read. One that is written anyway needs no check.
    pub fn check_appointment(&mut self, appointment: &Appointment) {
        self.check(keys::appointment(appointment.id), Expect::Version(appointment.version));
    }
}

impl Store {
    /// An appointment as it stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, ReadError> {
        self.table.get(&keys::appointment(id), Consistency::Strong).await?.map(document).transpose()
    }

    /// An appointment with its payment and everything that moved, in one request.
    ///
    /// A query is not isolated from a transaction: it may see some of its rows and not others
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation>). A
    /// payment counts its entries, so a read that saw the one without the other is made again. Whoever acts on an appointment
    /// and its payment without writing both checks the other ([`Transaction::check_appointment`],
    /// [`Transaction::check_payment`]).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn appointment_record(
        &self,
        id: AppointmentId,
    ) -> Result<Option<AppointmentRecord>, ReadError> {
        for read in 1..=MOST_READS {
            let (record, entries) = self.read_record(id).await?;
            let counted = record
                .as_ref()
                .and_then(|record| record.payment.as_ref())
                .map_or(0, |payment| payment.entries);
            // Entries that stay uncounted were written by hand. Everybody shall see those; who acts on them finds that the payment
            // is as it was read.
            let by_hand = read == MOST_READS && entries > counted;
            if counted == entries || by_hand {
                return Ok(record);
            }
        }
        Err(TableError::Busy(format!("{id} is being written just now")).into())
    }

    /// The same for who found that something is owed, and must see what owed it.
    ///
    /// A query may still see all of an appointment as it was before a transaction, another row of which was read already: who
    /// then finds nothing to do would take for done what was only just owed. A read of one row is never behind.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn latest_appointment_record(
        &self,
        id: AppointmentId,
    ) -> Result<Option<AppointmentRecord>, ReadError> {
        let version = |payment: Option<&Payment>| payment.map_or(0, |payment| payment.version);
        for _ in 0..MOST_READS {
            let latest = self.payment(id).await?;
            let record = self.appointment_record(id).await?;
            let seen = record.as_ref().and_then(|record| record.payment.as_ref());
            if version(seen) >= version(latest.as_ref()) {
                return Ok(record);
            }
        }
        Err(TableError::Busy(format!("{id} is being written just now")).into())
    }

    /// What one query sees of it, and how many ledger entries.
    async fn read_record(&self, id: AppointmentId) -> Result<(Option<AppointmentRecord>, u32), ReadError> {
        let (first, last) = (keys::appointment(id).sk, crate::payments::keys::payment(id).sk);
        let query = Query {
            index: None,
            pk: appointment_partition(id),
            from: first.clone(),
            to: last.clone(),
            backwards: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        let (mut appointment, mut payment, mut movements) = (None, None, Vec::new());
        let mut entries = 0;
        for item in self.table.query(&query).await? {
            let sort_key = item.get(SK).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            if sort_key == first {
                appointment = Some(document(item)?);
            } else if sort_key == last {
                payment = Some(document(item)?);
            } else if sort_key.starts_with(crate::payments::keys::LEDGER_ENTRIES) {
                movements.extend(entry_of(item)?.movements);
                entries += 1;
            }
        }
        let record = appointment.map(|appointment| AppointmentRecord { appointment, payment, movements });
        Ok((record, entries))
    }

    /// The appointments of one side that start within a span, by time.
    ///
    /// `after` continues behind the last appointment of the page before; it is what that page gave as `next`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn appointments(
        &self,
        whose: AppointmentsOf,
        starts: TimeSpan,
        after: Option<&str>,
        limit: u16,
    ) -> Result<AppointmentPage, ReadError> {
        let (index, pk) = match whose {
            AppointmentsOf::Expert(id) => (GSI1, keys::appointments_of_expert(id)),
            AppointmentsOf::Client(id) => (GSI2, keys::appointments_of_client(id)),
        };
        let first = instant(starts.start());
        let query = Query {
            index: Some(index),
            pk,
            // Behind `after`: nothing sorts between it and itself with a space, the lowest character that is printable.
            from: after.map_or(first, |after| format!("{after} ")),
            to: format!("{}~", instant(starts.end().plus(-1))),
            backwards: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let mut appointments: Vec<Appointment> = items.into_iter().map(document).collect::<Result<_, _>>()?;
        let more = appointments.len() > usize::from(limit);
        appointments.truncate(limit.into());
        let next =
            appointments.last().filter(|_| more).map(|last| keys::appointment_order(last.start, last.id));
        Ok(AppointmentPage { appointments, next })
    }
}

/// AppointmentsOf dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppointmentsOf {
    /// Sessions that this expert gives.
    Expert(ExpertId),
    /// Sessions that this client booked.
    Client(ClientId),
}

impl AppointmentsOf {
    /// The side of the appointment.
    pub fn party(self) -> Party {
        match self {
            Self::Expert(_) => Party::Expert,
            Self::Client(_) => Party::Client,
        }
    }
}
