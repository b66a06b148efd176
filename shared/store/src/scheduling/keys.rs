//! Keys of occupancy rows, group sessions and appointments.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | list_slots, booking | an expert's occupied time over a range of UTC days | table | `EXPERT#<expert>` | `D#<yyyymmdd>` |
//! | list_slots, booking | the seats of group sessions over a range of UTC days | table | `EXPERT#<expert>` | `D#<yyyymmdd>#G#<session type>#<start>` |
//! | client, expert, jobs | an appointment | table | `APT#<id>` | `A` |
//! | client, expert | the details of an appointment | table | `APT#<id>` | `DETAILS` |
//! | client, expert | the history of an appointment | table | `APT#<id>` | `history#<at>#<appointment version>#<version>#<n>` |
//! | client, expert | the notes about a session | table | `APT#<id>` | `note#<note>` |
//! | client, expert | how many notes a side wrote | table | `APT#<id>` | `notes#<side>` |
//! | booking | what a client has booked, as far as limits need it | table | `CLIENT#<client>` | `BOOKINGS` |
//! | the person, administrators | what has consequences for a person as an expert or a client, by time | table | `RELIABILITY#<side>#<person>` | `consequence#<at>#<appointment>#<kind>#<number>` |
//! | the person, administrators | what else counts for the reliability of a person, by time | table | `RELIABILITY#<side>#<person>` | `other#<at>#<appointment>#<kind>#<number>` |
//! | booking | how often one network address tried to book in a UTC day | table | `ADDRESS#<digest>` | `ATTEMPTS` |
//! | expert | an expert's appointments by time | GSI1 | `EXP#<expert>` | `<start>#<id>` |
//! | client | a client's appointments by time | GSI2 | `CLI#<client>` | `<start>#<id>` |
//!
//! One query reads an appointment with its details and its payment. History and notes have sort keys in lower case, which are
//! behind them, so that the query does not read them.
//!
//! One query reads a range of days together with their group sessions: it ends at `D#<last day>~`.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::Incident;
use domain::{AppointmentId, ClientId, ExpertId, NoteId, PersonId, SessionTypeId, TimeSpan, Timestamp};

use crate::keys::{Key, appointment_partition, expert_partition, instant};

/// The occupancy row of an expert's UTC day.
pub fn day(expert: ExpertId, date: NaiveDate) -> Key {
    Key::new(expert_partition(expert), day_sort_key(date))
}

/// The sort key of a day's occupancy row, such as `D#20270305`.
fn day_sort_key(date: NaiveDate) -> String {
    format!("D#{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The date in the sort key of an occupancy row; `None` for other rows.
pub fn date_of_day(sk: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(sk.strip_prefix("D#")?, "%Y%m%d").ok()
}

/// The first and the last sort key, both inclusive, of the days that a span touches, with their group sessions.
pub fn days(span: TimeSpan) -> (String, String) {
    let last = span.end().plus(-1).max(span.start()).utc_date();
    (day_sort_key(span.start().utc_date()), format!("{}~", day_sort_key(last)))
}

/// The seats of a group session.
pub fn group(expert: ExpertId, session_type: SessionTypeId, start: Timestamp) -> Key {
    let day = day_sort_key(start.utc_date());
    Key::new(expert_partition(expert), format!("{day}#G#{session_type}#{}", instant(start)))
}

/// The session type and the start in the sort key of a group session; `None` for other rows.
pub fn session_of_group(sk: &str) -> Option<(SessionTypeId, Timestamp)> {
    let (session_type, start) = sk.split_once("#G#")?.1.split_once('#')?;
    Some((session_type.parse().ok()?, Timestamp::from_seconds(start.parse().ok()?)))
}

/// An appointment.
pub fn appointment(id: AppointmentId) -> Key {
    Key::new(appointment_partition(id), "A")
}

/// The details of an appointment.
pub fn details(id: AppointmentId) -> Key {
    Key::new(appointment_partition(id), "DETAILS")
}

/// The prefix of the sort keys of an appointment's history.
pub const HISTORY: &str = "history#";

/// The entry with this number of the history, of those that a transaction adds about one version of a row. `appointment_version`
/// is the version of the appointment after the change; it orders the changes of a second. The key does not name the change,
/// because cursors show it to people who may not see the entry.
pub fn history(
    id: AppointmentId,
    appointment_version: u64,
    version: RowVersion,
    at: Timestamp,
    number: usize,
) -> Key {
    let sk = format!("{HISTORY}{}#{appointment_version:06}#{version}#{number}", instant(at));
    Key::new(appointment_partition(id), sk)
}

/// The version of one of the rows of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVersion {
    /// Of the appointment.
    Appointment(u64),
    /// Of its details.
    Details(u64),
    /// Of its payment.
    Payment(u64),
}

impl RowVersion {
    /// The version.
    pub fn number(self) -> u64 {
        let (Self::Appointment(version) | Self::Details(version) | Self::Payment(version)) = self;
        version
    }
}

impl fmt::Display for RowVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appointment(version) => write!(out, "A{version:06}"),
            Self::Details(version) => write!(out, "D{version:06}"),
            Self::Payment(version) => write!(out, "P{version:06}"),
        }
    }
}

/// The prefix of the sort keys of notes.
pub const NOTES: &str = "note#";

/// A note about a session.
pub fn note(id: AppointmentId, note: NoteId) -> Key {
    Key::new(appointment_partition(id), format!("{NOTES}{note}"))
}

/// The count of the notes that a side of an appointment wrote. It is behind the notes.
pub fn notes_written(id: AppointmentId, author: Party) -> Key {
    let side = match author {
        Party::Expert => "expert",
        Party::Client => "client",
        Party::Platform => "platform",
    };
    Key::new(appointment_partition(id), format!("notes#{side}"))
}

/// What a client has booked.
pub fn client_bookings(client: ClientId) -> Key {
    Key::new(format!("CLIENT#{client}"), "BOOKINGS")
}

/// The partition of what counts for the reliability of a person as one side.
pub fn incidents_of(person: PersonId, side: Party) -> String {
    let side = if side == Party::Client { "client" } else { "expert" };
    format!("RELIABILITY#{side}#{person}")
}

/// The start of the sort keys of the incidents that have consequences, or of the others. One query reads one of the two.
pub fn incident_prefix(has_consequences: bool) -> &'static str {
    if has_consequences { "consequence#" } else { "other#" }
}

/// Something that counts for the reliability of a person.
pub fn incident(person: PersonId, incident: &Incident) -> Key {
    let Incident { side, kind, appointment, at, number, .. } = incident;
    let prefix = incident_prefix(kind.has_consequences());
    let sk = format!("{prefix}{}#{appointment}#{}#{number}", instant(*at), kind.as_str());
    Key::new(incidents_of(person, *side), sk)
}

/// The attempts to book from a network address in a UTC day. `digest` stands for both.
pub fn attempts(digest: &str) -> Key {
    Key::new(format!("ADDRESS#{digest}"), "ATTEMPTS")
}

/// The partition of [`GSI1`](crate::keys::GSI1) with an expert's appointments.
pub fn appointments_of_expert(id: ExpertId) -> String {
    format!("EXP#{id}")
}

/// The partition of [`GSI2`](crate::keys::GSI2) with a client's appointments.
pub fn appointments_of_client(id: ClientId) -> String {
    format!("CLI#{id}")
}

/// The client in the partition key of [`appointments_of_client`].
pub fn client_of(pk: &str) -> Option<ClientId> {
    pk.strip_prefix("CLI#")?.parse().ok()
}

/// The start in the sort key of [`appointment_order`].
pub fn start_of(sk: &str) -> Option<Timestamp> {
    Some(Timestamp::from_seconds(sk.split_once('#')?.0.parse().ok()?))
}

/// The sort key of an appointment in both indexes.
pub fn appointment_order(start: Timestamp, id: AppointmentId) -> String {
    format!("{}#{id}", instant(start))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::keys::tests::{APPOINTMENT, EXPERT, Example, SESSION_TYPE, ZEROS, indexed, row, start};
    use crate::keys::{GSI1, GSI2};

    /// A key of each function above.
    pub(crate) fn examples() -> Vec<Example> {
        let order = appointment_order(start(), APPOINTMENT);
        vec![
            row(day(EXPERT, start().utc_date())),
            row(group(EXPERT, SESSION_TYPE, start())),
            row(appointment(APPOINTMENT)),
            row(details(APPOINTMENT)),
            row(history(APPOINTMENT, 2, RowVersion::Appointment(2), start(), 0)),
            row(note(APPOINTMENT, NoteId::from_bits(1))),
            row(notes_written(APPOINTMENT, Party::Client)),
            row(client_bookings(ClientId::from_bits(1))),
            row(attempts("00ff")),
            row(incident(PersonId::from_bits(2), &late())),
            row(incident(PersonId::from_bits(2), &moved())),
            indexed(GSI1, appointments_of_expert(EXPERT), order.clone()),
            indexed(GSI2, appointments_of_client(ClientId::from_bits(1)), order),
        ]
    }

    fn late() -> Incident {
        let kind = domain::scheduling::reliability::IncidentKind::LateCancellation;
        Incident {
            side: Party::Client,
            kind,
            appointment: APPOINTMENT,
            group_session: None,
            counterpart: None,
            at: start(),
            number: 0,
        }
    }

    fn moved() -> Incident {
        let kind = domain::scheduling::reliability::IncidentKind::Move;
        Incident { kind, number: 3, ..late() }
    }

    #[test]
    fn key_strings_do_not_change() {
        let moved = incident(PersonId::from_bits(2), &moved());
        assert_eq!(moved.sk, format!("other#001804237200#apt_{ZEROS}a#move#3"));
        let late = incident(PersonId::from_bits(2), &late());
        assert_eq!(
            late.to_string(),
            format!(
                "RELIABILITY#client#per_{ZEROS}2 / consequence#001804237200#apt_{ZEROS}a#late_cancellation#0"
            )
        );
        let date = start().utc_date();
        assert_eq!(day(EXPERT, date).to_string(), format!("EXPERT#exp_{ZEROS}1 / D#20270305"));
        assert_eq!(
            group(EXPERT, SESSION_TYPE, start()).sk,
            format!("D#20270305#G#ses_{ZEROS}3#001804237200")
        );
        assert_eq!(appointment(APPOINTMENT).to_string(), format!("APT#apt_{ZEROS}a / A"));
        assert_eq!(details(APPOINTMENT).sk, "DETAILS");
        assert_eq!(
            history(APPOINTMENT, 2, RowVersion::Payment(7), start(), 1).sk,
            "history#001804237200#000002#P000007#1"
        );
        assert_eq!(note(APPOINTMENT, NoteId::from_bits(1)).sk, format!("note#not_{ZEROS}1"));
        assert_eq!(notes_written(APPOINTMENT, Party::Client).sk, "notes#client");
        assert_eq!(
            client_bookings(ClientId::from_bits(1)).to_string(),
            format!("CLIENT#cli_{ZEROS}1 / BOOKINGS")
        );
        assert_eq!(attempts("00ff").to_string(), "ADDRESS#00ff / ATTEMPTS");
        assert_eq!(appointments_of_expert(EXPERT), format!("EXP#exp_{ZEROS}1"));
        assert_eq!(appointments_of_client(ClientId::from_bits(1)), format!("CLI#cli_{ZEROS}1"));
        assert_eq!(appointment_order(start(), APPOINTMENT), format!("001804237200#apt_{ZEROS}a"));
    }

    #[test]
    fn history_and_notes_are_behind_the_rows_that_are_read_with_an_appointment() {
        let payment = crate::payments::keys::payment(APPOINTMENT).sk;
        assert!((appointment(APPOINTMENT).sk..=payment.clone()).contains(&details(APPOINTMENT).sk));
        assert!(HISTORY > payment.as_str() && NOTES > payment.as_str());
    }

    #[test]
    fn dates_and_group_sessions_are_read_from_sort_keys() {
        let group = group(EXPERT, SESSION_TYPE, start()).sk;
        assert_eq!(session_of_group(&group), Some((SESSION_TYPE, start())));
        assert_eq!(date_of_day(&day_sort_key(start().utc_date())), Some(start().utc_date()));
        assert_eq!(date_of_day(&group), None);
    }

    #[test]
    fn a_span_that_ends_at_midnight_does_not_touch_the_next_day() {
        let span = |hours: i64| TimeSpan::new(start(), start().plus(hours * 3600));
        assert_eq!(days(span(24)), ("D#20270305".to_owned(), "D#20270306~".to_owned()));
        assert_eq!(days(span(15)).1, "D#20270305~");
    }
}
