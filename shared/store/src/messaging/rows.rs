//! The stored form of notifications.

use domain::messaging::notification::{Notification, ReadMark};
use domain::{AppointmentId, ExpertId, NotificationId, PersonId, Timestamp};

use crate::row::{MoneyRow, Row, stored};
use crate::scheduling::rows::{ChangeRow, ChangedByRow, SessionTimeRow};

impl Row<Notification> for NotificationRow {
    const SCHEMA: u16 = 1;

    /// A notification is only replaced by that of a later change.
    fn degraded(notification: Notification) -> Option<Notification> {
        Some(notification)
    }
}

impl Row<ReadMark> for ReadMarkRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct NotificationRow for Notification {
        id: NotificationId,
        person: PersonId,
        appointment: AppointmentId,
        expert: ExpertId,
        version: u64,
        at: Timestamp,
        by: ChangedByRow,
        session: SessionTimeRow,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        final_charge: Option<MoneyRow>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object_until: Option<Timestamp>,
        #[serde(flatten)]
        change: ChangeRow,
    }

    struct ReadMarkRow for ReadMark {
        version: u64,
        until: NotificationId,
    }
}
