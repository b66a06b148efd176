//! What clients have booked, and how often network addresses tried to book, as far as limits need it.

use domain::payments::payment::Payment;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::booking_limits::{Claim, ClientBooking, ClientBookings, PaymentProgress};
use domain::{AppointmentId, ClientId, ExpertId, SessionTypeId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use super::rows::AppointmentRow;
use crate::experts::rows::SecondsRow;
use crate::keys::{EXPIRES_AT, Key, SK};
use crate::payments::rows::PaymentRow;
use crate::row::{Known, Row, SCHEMA, Stored, Unreadable, read_row, stored};
use crate::table::{Condition, Consistency, Item};
use crate::transaction::number;
use crate::{CommitError, ReadError, Store, TableError, Transaction};

impl Row<ClientBookings> for ClientBookingsRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct ClientBookingsRow for ClientBookings {
        version: u64,
        day: SecondsRow,
        booked: u16,
        unpaid: Vec<SecondsRow>,
        #[serde(default)]
        priced: std::collections::BTreeMap<ExpertId, Vec<SecondsRow>>,
        #[serde(default)]
        proposed: Vec<SecondsRow>,
        bookings: std::collections::BTreeMap<AppointmentId, ClientBookingRow>,
    }
}

/// The stored form of a booking: expert, start, length, time of the change, claim, end of the hold, and session type of a group. It
/// is a list, because attribute names would double the size of the row, and each booking writes the row.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ClientBookingRow(ExpertId, i64, i64, i64, ClaimRow, Option<i64>, Option<SessionTypeId>);

/// The stored form of what pays for a booking.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClaimRow {
    Hold,
    HoldForCard,
    CardSaved,
    CardDeclined,
    Paid,
    Free,
    #[serde(other)]
    Unknown,
}

impl Known for ClientBookingRow {
    fn is_known(&self) -> bool {
        !matches!(self.4, ClaimRow::Unknown)
    }
}

impl Stored<ClientBooking> for ClientBookingRow {
    fn of(booking: &ClientBooking) -> Self {
        let ClientBooking { expert, group, start, changed_at, claim, .. } = booking;
        let (claim, ends_at) = match claim {
            Claim::Hold { expires_at, saves_card } => {
                let claim = if *saves_card { ClaimRow::HoldForCard } else { ClaimRow::Hold };
                (claim, Some(expires_at.seconds()))
            }
            Claim::CardSaved => (ClaimRow::CardSaved, None),
            Claim::CardDeclined => (ClaimRow::CardDeclined, None),
            Claim::Paid => (ClaimRow::Paid, None),
            Claim::Free => (ClaimRow::Free, None),
        };
        let length = booking.session_span().seconds();
        Self(*expert, start.seconds(), length, changed_at.seconds(), claim, ends_at, *group)
    }

    fn read(self) -> Result<ClientBooking, Unreadable> {
        let Self(expert, start, length, changed_at, claim, ends_at, group) = self;
        let start = Timestamp::from_seconds(start);
        let claim = match (claim, ends_at) {
            (hold @ (ClaimRow::Hold | ClaimRow::HoldForCard), Some(end)) => Claim::Hold {
                expires_at: Timestamp::from_seconds(end),
                saves_card: matches!(hold, ClaimRow::HoldForCard),
            },
            (ClaimRow::CardSaved, _) => Claim::CardSaved,
            (ClaimRow::CardDeclined, _) => Claim::CardDeclined,
            (ClaimRow::Hold | ClaimRow::HoldForCard, None) => {
                return Err(Unreadable::invalid("a hold has no end"));
            }
            (ClaimRow::Paid, _) => Claim::Paid,
            (ClaimRow::Free, _) => Claim::Free,
            // It may count.
            (ClaimRow::Unknown, _) => return Err(Unreadable::unknown("claim of a booking")),
        };
        let (end, changed_at) = (start.plus(length), Timestamp::from_seconds(changed_at));
        Ok(ClientBooking { expert, group, start, end, changed_at, claim })
    }
}

impl Transaction {
    /// Writes what a client has booked, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_client_bookings(
        &mut self,
        client: ClientId,
        bookings: &ClientBookings,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(bookings.version - 1);
        self.put_row::<ClientBookingsRow, _>(keys::client_bookings(client), condition, bookings, [])
    }
}

impl Store {
    /// What a client has booked. Read it before the list of the client's appointments.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn client_bookings(&self, client: ClientId) -> Result<ClientBookings, ReadError> {
        let item = self.table.get(&keys::client_bookings(client), Consistency::Strong).await?;
        Ok(item.map(read_row::<ClientBookingsRow, _>).transpose()?.unwrap_or_else(ClientBookings::none))
    }

    /// These appointments, each with the progress of its payment, in requests of at most 100 rows.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn holds(
        &self,
        appointments: &[AppointmentId],
    ) -> Result<Vec<(Appointment, PaymentProgress)>, ReadError> {
        let mut found = Vec::new();
        for some in appointments.chunks(50) {
            let rows =
                some.iter().flat_map(|id| [keys::appointment(*id), crate::payments::keys::payment(*id)]);
            let rows: Vec<Key> = rows.collect();
            let (mut read, mut payments) = (Vec::new(), Vec::new());
            for item in self.table.get_many(&rows, Consistency::Strong).await? {
                match item.get(SK).and_then(|sk| sk.as_s().ok()) == rows.first().map(|key| &key.sk) {
                    true => read.push(read_row::<AppointmentRow, Appointment>(item)?),
                    false => payments.push(read_row::<PaymentRow, Payment>(item)?),
                }
            }
            let progress = |id| {
                let payment = payments.iter().find(|payment| payment.appointment == id);
                payment.map_or(PaymentProgress::NotOpened, Payment::progress)
            };
            found.extend(read.into_iter().map(|appointment| {
                let progress = progress(appointment.id);
                (appointment, progress)
            }));
        }
        Ok(found)
    }

    /// Counts an attempt to book from a network address, and returns the number of attempts. `digest` stands for the address and the
    /// day. TTL may delete the count at `expires_at`.
    ///
    /// # Errors
    /// [`TableError`] if the table did not execute the request.
    pub async fn count_attempt(&self, digest: &str, expires_at: Timestamp) -> Result<u64, TableError> {
        let attributes = Item::from([
            (SCHEMA.to_owned(), number(1)),
            (EXPIRES_AT.to_owned(), number(expires_at.seconds())),
        ]);
        self.table.count(&keys::attempts(digest), attributes).await
    }
}
