//! Who is on the other side of the appointments in which a person was unreliable.

use domain::Timestamp;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::{Consequence, Counterparts, Incident, IncidentKind, counted_with};

use crate::{App, AppError};

impl App {
    /// Returns the counterparts of the late cancellations and no-shows of one side, or none of them if their number has no
    /// consequence even if each session counts. Reads a row for each appointment.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub(crate) async fn counterparts(
        &self,
        incidents: &[Incident],
        now: Timestamp,
    ) -> Result<Counterparts, AppError> {
        let mut counterparts = Counterparts::new();
        let sessions = counted_with(incidents, &counterparts, IncidentKind::NoShow, now).len();
        let limits = self.settings.reliability.limits(IncidentKind::NoShow);
        if limits.consequence(sessions) == Consequence::None {
            return Ok(counterparts);
        }
        let is_meant = |one: &&Incident| one.counts(now) && one.kind.is_counted_with(IncidentKind::NoShow);
        for incident in incidents.iter().filter(is_meant) {
            if let Some((expert, client)) = self.store.parties(incident.appointment).await? {
                let counterpart =
                    if incident.side == Party::Client { expert.person() } else { client.person() };
                counterparts.insert(incident.appointment, counterpart);
            }
        }
        Ok(counterparts)
    }
}
