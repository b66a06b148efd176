//! Lists who changed what in an appointment, and when.

use app::App;
use app::scheduling::history;
use domain::scheduling::history::HistoryEntry;
use domain::{PersonId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{Change, ChangedBy};
use crate::paging;

/// `GET /v1/appointments/{appointment_id}/history`
pub const ROUTE: Route = Route {
    function: "list_history",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/history",
    audience: Audience::SignedIn,
    summary: "List the changes of an appointment and its payment, the oldest first",
    operation: |schemas| Operation::responds_with::<History>(schemas, StatusCode::OK).query::<HistoryQuery>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of changes in the page, 1 to 100; 25 by default. The booking is not counted.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of the history of an appointment, the oldest change first.
#[derive(Serialize, JsonSchema)]
struct History {
    /// The changes.
    changes: Vec<HistoryChange>,
    /// Whether changes of this page are missing, because a newer release has written them in a way that this one does not know.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A change of an appointment or its payment.
#[derive(Serialize, JsonSchema)]
struct HistoryChange {
    /// When it was changed.
    at: Timestamp,
    /// Who changed it.
    by: ChangedBy,
    /// The person, if they acted for the expert or the platform. Only that side and administrators see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<PersonId>,
    /// What was changed.
    #[serde(flatten)]
    change: Change,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let HistoryQuery { cursor, limit } = request.query()?;
    let known = |cursor: &str| paging::after_time(cursor).is_some();
    let after = cursor.map(|cursor| paging::decode_cursor(&cursor, known)).transpose()?;
    let page = history::list(app, request.actor(), id, after.as_deref(), limit).await?;
    let document = |HistoryEntry { at, by, person, change }| HistoryChange {
        at,
        by: by.into(),
        person_id: person,
        change: change.into(),
    };
    let truncated = page.unreadable > 0;
    let changes = page.entries.into_iter().map(document).collect();
    let next_cursor = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &History { changes, truncated, next_cursor }))
}
