//! The stored form of appointments.

use domain::scheduling::appointment::{Appointment, Attendee, NoShowReport, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ClientId, ExpertId, SessionTypeId, Timestamp};

use crate::experts::rows::{CancellationRow, RescheduleRow};
use crate::row::{MoneyRow, Row, Text, stored};

impl Row<Appointment> for AppointmentRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct AppointmentRow for Appointment {
        id: AppointmentId,
        version: u64,
        expert: ExpertId,
        client: ClientId,
        attendee: AttendeeRow,
        session_type: SessionTypeId,
        session_name: Text,
        start: Timestamp,
        end: Timestamp,
        buffer_before_minutes: u16,
        buffer_after_minutes: u16,
        seats: u16,
        group: bool,
        price: MoneyRow,
        created_at: Timestamp,
        reschedules: u16,
        #[serde(default)]
        cancellation: CancellationRow,
        #[serde(default)]
        rescheduling: RescheduleRow,
        #[serde(default)]
        no_show_report: Option<NoShowReportRow>,
        #[serde(flatten)]
        status: StatusRow,
    }

    struct AttendeeRow for Attendee {
        name: Text,
        email: Text,
        time_zone: Text,
        #[serde(default)]
        note: Text,
    }

    #[serde(tag = "status")]
    enum StatusRow for Status {
        Pending { hold_expires_at: Timestamp },
        Confirmed,
        Completed,
        NoShow {
            #[serde(default = "the_client")]
            missed_by: PartyRow,
        },
        Cancelled { cancelled_by: PartyRow, cancelled_at: Timestamp, reason: Text },
        Expired,
        // Nothing is done to an appointment whose status is not known.
        _ is Unknown
    }

    #[serde(tag = "state")]
    enum NoShowReportRow for NoShowReport {
        Open { until: Timestamp },
        Disputed,
        Decided,
        // Only an administrator can end a dispute, so no money moves because of this value.
        _ => Ok(NoShowReport::Disputed)
    }

    enum PartyRow for Party {
        Expert,
        Client,
        Platform,
        // Somebody who is neither the expert nor the client.
        _ => Ok(Party::Platform)
    }
}

fn the_client() -> PartyRow {
    PartyRow::Client
}
