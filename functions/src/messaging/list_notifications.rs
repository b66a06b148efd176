//! Lists the notifications of the signed-in person.

use app::App;
use app::messaging::notifications;
use domain::messaging::notification::{self, ReadMark};
use domain::{AppointmentId, ExpertId, Money, NotificationId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging;
use crate::scheduling::documents::{Change, ChangedBy, Party, SessionTime};

/// `GET /v1/me/notifications`
pub const ROUTE: Route = Route {
    function: "list_notifications",
    method: Method::Get,
    path: "/v1/me/notifications",
    audience: Audience::SignedIn,
    summary: "List my notifications, the newest first",
    operation: |schemas| {
        Operation::responds_with::<Notifications>(schemas, StatusCode::OK).query::<NotificationsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotificationsQuery {
    /// Whether to list only the notifications that are not read.
    #[serde(default)]
    unread: bool,
    /// The `next_cursor` of the previous page.
    cursor: Option<NotificationId>,
    /// The maximum number of notifications in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of notifications, the newest first.
#[derive(Serialize, JsonSchema)]
struct Notifications {
    /// The notifications of this page.
    notifications: Vec<Notification>,
    /// Whether some notifications of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<NotificationId>,
}

/// What you are told: a change that concerns you and that somebody else made, or a warning. Notifications are kept for 180 days.
#[derive(Serialize, JsonSchema)]
struct Notification {
    /// The id of the notification. A notification that replaces another has a new id.
    id: NotificationId,
    /// Whether you have read it.
    read: bool,
    /// When it happened.
    at: Timestamp,
    /// What it is about.
    #[serde(flatten)]
    content: Content,
}

/// What a notification is about.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Content {
    /// A change of an appointment or its payment. A later change of the same kind in the same appointment replaces it.
    AppointmentChange(AppointmentChange),
    /// You have cancelled sessions late or missed them too often, or your bank decided a dispute about a payment for you.
    ReliabilityWarning(ReliabilityWarning),
}

/// A change of an appointment or its payment.
#[derive(Serialize, JsonSchema)]
struct AppointmentChange {
    /// The appointment.
    appointment_id: AppointmentId,
    /// The expert of the appointment: you, an expert for whom you act, or the expert of a session that you booked.
    expert_id: ExpertId,
    /// Who made the change.
    by: ChangedBy,
    /// The time of the session after the change.
    session: SessionTime,
    /// What the client pays in the end, if the change decides it. If you can object, it is what the client pays if nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    final_charge: Option<Money>,
    /// If it is reported that your side did not attend, or an administrator has decided: you can object until this instant with
    /// `POST …/no-show/objection`. Otherwise, the report or the decision then takes effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_until: Option<Timestamp>,
    /// What was changed.
    #[serde(flatten)]
    change: Change,
}

/// A warning because of late cancellations and no-shows, counted for one side, or because of lost disputes.
#[derive(Serialize, JsonSchema)]
struct ReliabilityWarning {
    /// Your side in the session: the expert or the client.
    side: Party,
    /// The appointment that you cancelled late or missed last, or whose payment you disputed.
    appointment_id: AppointmentId,
    /// Whether the warning is about payments that you disputed at your bank, which decided for you. Otherwise, it is about late
    /// cancellations and no-shows.
    for_lost_disputes: bool,
    /// The number of these in the 90 days before the warning, of this side. Of late cancellations and no-shows, those with the same
    /// person on the other side count once.
    incidents: u32,
    /// The number from which on you are warned.
    warning_from: u16,
    /// The number from which on the platform suspends you; absent if only administrators suspend people.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension_from: Option<u16>,
}

impl Notification {
    fn new(notification: notification::Notification, mark: ReadMark) -> Self {
        let notification::Notification { id, at, content, .. } = notification;
        let content = match content {
            notification::Content::Change(change) => Content::AppointmentChange(change.into()),
            notification::Content::Warning(warning) => Content::ReliabilityWarning(warning.into()),
        };
        Self { id, read: mark.is_read(id), at, content }
    }
}

impl From<notification::AppointmentChange> for AppointmentChange {
    fn from(changed: notification::AppointmentChange) -> Self {
        let notification::AppointmentChange {
            appointment,
            expert,
            by,
            change,
            session,
            final_charge,
            object_until,
            ..
        } = changed;
        Self {
            appointment_id: appointment,
            expert_id: expert,
            by: by.into(),
            session: session.into(),
            final_charge,
            object_until,
            change: change.into(),
        }
    }
}

impl From<notification::ReliabilityWarning> for ReliabilityWarning {
    fn from(warning: notification::ReliabilityWarning) -> Self {
        let notification::ReliabilityWarning {
            side,
            appointment,
            for_lost_disputes,
            incidents,
            warning_from,
            suspension_from,
        } = warning;
        Self {
            side: side.into(),
            appointment_id: appointment,
            for_lost_disputes,
            incidents,
            warning_from,
            suspension_from,
        }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let NotificationsQuery { unread, cursor, limit } = request.query()?;
    let (page, mark) = notifications::list(app, request.actor(), cursor, unread, limit).await?;
    let notifications =
        page.notifications.into_iter().map(|notification| Notification::new(notification, mark)).collect();
    let document = Notifications { notifications, truncated: page.unreadable > 0, next_cursor: page.next };
    Ok(Response::json(StatusCode::OK, &document))
}
