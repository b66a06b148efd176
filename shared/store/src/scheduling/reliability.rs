//! Rows of what counts for the reliability of experts and clients.

use std::cmp::Reverse;

use domain::kernel::time::DAY;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::Incident;
use domain::{PersonId, Timestamp};

use super::keys;
use super::rows::IncidentRow;
use crate::keys::EXPIRES_AT;
use crate::row::read_list;
use crate::table::{Condition, Consistency, Query};
use crate::transaction::number;
use crate::{CommitError, ReadError, Store, Transaction};

/// How long an incident is kept, in seconds.
const RETENTION: i64 = 400 * DAY;
/// The maximum number of incidents that are read of those that have consequences, and of the others.
const MAX_INCIDENTS: u16 = 1_000;

impl Transaction {
    /// Writes an incident of a side of an appointment. The same incident replaces itself.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_incident(
        &mut self,
        appointment: &Appointment,
        incident: &Incident,
    ) -> Result<(), CommitError> {
        let key = keys::incident(incident.person(appointment), incident);
        let ttl = [(EXPIRES_AT, number(incident.at.plus(RETENTION).seconds()))];
        self.put_row::<IncidentRow, _>(key, Condition::None, incident, ttl)
    }

    /// Deletes an incident that did not happen after all.
    pub fn delete_incident(&mut self, appointment: &Appointment, incident: &Incident) {
        let key = keys::incident(incident.person(appointment), incident);
        self.delete(key, Condition::None);
    }
}

impl Store {
    /// The incidents of a person since an instant, the latest first: at most 1,000 that have consequences, and 1,000 others, so that
    /// no number of moves displaces a late cancellation. Those that this release cannot read are left out, and their number is returned
    /// too.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn incidents(
        &self,
        person: PersonId,
        side: Party,
        since: Timestamp,
    ) -> Result<(Vec<Incident>, usize), ReadError> {
        let read = async |has_consequences: bool| {
            let prefix = keys::incident_prefix(has_consequences);
            let query = Query {
                index: None,
                pk: keys::incidents_of(person, side),
                from: format!("{prefix}{}", crate::keys::instant(since)),
                to: format!("{prefix}~"),
                descending: true,
                limit: Some(MAX_INCIDENTS),
                consistency: Consistency::Strong,
            };
            Ok::<_, ReadError>(read_list::<IncidentRow, Incident>(self.table.query(&query).await?))
        };
        let ((mut incidents, unreadable), (others, unreadable_others)) =
            tokio::try_join!(read(true), read(false))?;
        incidents.extend(others);
        incidents.sort_by_key(|incident| Reverse(incident.at));
        Ok((incidents, unreadable + unreadable_others))
    }
}
