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
use crate::scheduling::documents::{Change, ChangedBy, SessionTime};

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

/// A change that concerns you and that somebody else made. A later change of the same kind in the same appointment replaces it.
/// Notifications are kept for 180 days.
#[derive(Serialize, JsonSchema)]
struct Notification {
    /// The id of the notification. A notification that replaces another has a new id.
    id: NotificationId,
    /// Whether you have read it.
    read: bool,
    /// The appointment.
    appointment_id: AppointmentId,
    /// The expert of the appointment: you, an expert for whom you act, or the expert of a session that you booked.
    expert_id: ExpertId,
    /// When the change was made.
    at: Timestamp,
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

impl Notification {
    fn new(notification: notification::Notification, mark: ReadMark) -> Self {
        let notification::Notification {
            id,
            appointment,
            expert,
            at,
            by,
            change,
            session,
            final_charge,
            object_until,
            ..
        } = notification;
        Self {
            id,
            read: mark.is_read(id),
            appointment_id: appointment,
            expert_id: expert,
            at,
            by: by.into(),
            session: session.into(),
            final_charge,
            object_until,
            change: change.into(),
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
