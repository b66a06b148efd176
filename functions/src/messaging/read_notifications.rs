//! Marks notifications of the signed-in person as read.

use app::App;
use app::messaging::notifications;
use domain::NotificationId;
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /v1/me/notifications/read`
pub const ROUTE: Route = Route {
    function: "read_notifications",
    method: Method::Post,
    path: "/v1/me/notifications/read",
    audience: Audience::SignedIn,
    summary: "Mark my notifications as read, up to one of them",
    operation: |schemas| {
        Operation::responds_empty(StatusCode::NO_CONTENT).accepts::<ReadNotifications>(schemas)
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Which notifications are read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadNotifications {
    /// The newest notification that you have read. It and all that were delivered before are marked as read. Notifications that are
    /// delivered later stay unread.
    until: NotificationId,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let ReadNotifications { until } = request.json()?;
    notifications::mark_read(app, request.actor(), until).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
