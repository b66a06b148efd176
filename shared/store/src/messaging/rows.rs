//! The stored form of notifications.

use domain::messaging::notification::{
    AppointmentChange, Content, Notification, ReadMark, ReliabilityWarning,
};
use domain::{AppointmentId, ExpertId, NotificationId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::row::{Known, MoneyRow, Row, Stored, Unreadable, stored};
use crate::scheduling::rows::{ChangeRow, ChangedByRow, PartyRow, SessionTimeRow};

impl Row<Notification> for NotificationRow {
    const SCHEMA: u16 = 2;

    /// A release that knows format 1 would count lost disputes as late cancellations.
    fn schema_of(notification: &Notification) -> u16 {
        match &notification.content {
            Content::Warning(warning) if warning.for_lost_disputes => 2,
            Content::Warning(_) | Content::Change(_) => 1,
        }
    }

    /// A notification is only replaced by that of a later change.
    fn degraded(notification: Notification) -> Option<Notification> {
        Some(notification)
    }
}

impl Row<ReadMark> for ReadMarkRow {
    const SCHEMA: u16 = 1;
}

/// What a notification is about: the attributes of a change, or those of a warning. Releases that do not know warnings leave them
/// out of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum ContentRow {
    Change(AppointmentChangeRow),
    Warning(ReliabilityWarningRow),
}

impl Known for ContentRow {
    fn is_known(&self) -> bool {
        match self {
            Self::Change(change) => change.is_known(),
            Self::Warning(warning) => warning.is_known(),
        }
    }
}

impl Stored<Content> for ContentRow {
    fn of(value: &Content) -> Self {
        match value {
            Content::Change(change) => Self::Change(Stored::of(change)),
            Content::Warning(warning) => Self::Warning(Stored::of(warning)),
        }
    }

    fn read(self) -> Result<Content, Unreadable> {
        Ok(match self {
            Self::Change(change) => Content::Change(change.read()?),
            Self::Warning(warning) => Content::Warning(warning.read()?),
        })
    }
}

stored! {
    struct NotificationRow for Notification {
        id: NotificationId,
        person: PersonId,
        at: Timestamp,
        #[serde(flatten)]
        content: ContentRow,
    }

    struct ReliabilityWarningRow for ReliabilityWarning {
        side: PartyRow,
        appointment: AppointmentId,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_lost_disputes: bool,
        incidents: u32,
        warning_from: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspension_from: Option<u16>,
    }

    struct AppointmentChangeRow for AppointmentChange {
        appointment: AppointmentId,
        expert: ExpertId,
        version: u64,
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
