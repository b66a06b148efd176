//! The appointments of whoever signed in, by time.

use app::App;
use app::scheduling::appointments;
use domain::{AppointmentId, TimeSpan, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::AppointmentsOf;

use super::documents::AppointmentDocument;
use crate::paging;

/// `GET /v1/appointments`
pub const ROUTE: Route = Route {
    function: "list_appointments",
    method: Method::Get,
    path: "/v1/appointments",
    audience: Audience::SignedIn,
    summary: "My appointments by time",
    operation: |schemas| Operation::responds_with::<Appointments>(schemas, StatusCode::OK).query::<Wanted>(),
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `expert` for sessions that I give, `client` for those that I booked.
    #[serde(rename = "as")]
    side: Side,
    /// Only those that start at or after this instant.
    #[serde(default = "paging::earliest")]
    from: Timestamp,
    /// Only those that start before this instant.
    #[serde(default = "paging::latest")]
    to: Timestamp,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most appointments of the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of appointments in the order of their starts.
#[derive(Serialize, JsonSchema)]
struct Appointments {
    /// The page.
    appointments: Vec<AppointmentDocument>,
    /// The `cursor` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// AppointmentsOf dashboard.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// Sessions that I give.
    Expert,
    /// Sessions that I booked.
    Client,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.signed_in()?;
    let Wanted { side, from, to, cursor, limit } = request.query()?;
    paging::check_limit(limit, appointments::LARGEST_PAGE)?;
    let known =
        |cursor: &str| paging::after_time(cursor).is_some_and(|id| id.parse::<AppointmentId>().is_ok());
    let after = cursor.map(|cursor| paging::decode_cursor("cursor", &cursor, known)).transpose()?;
    let whose = match side {
        Side::Expert => AppointmentsOf::Expert(person.expert_id()),
        Side::Client => AppointmentsOf::Client(person.client_id()),
    };
    let page = appointments::list(app, whose, TimeSpan::new(from, to), after.as_deref(), limit).await?;
    let appointments = page.appointments.into_iter().map(AppointmentDocument::without_payment).collect();
    let next_cursor = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(StatusCode::OK, &Appointments { appointments, next_cursor }))
}
