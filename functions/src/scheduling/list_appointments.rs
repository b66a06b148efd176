//! Lists the appointments of the signed-in person by start time.

use app::App;
use app::scheduling::appointments;
use domain::{AppointmentId, ExpertId, TimeSpan, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::AppointmentOwner;

use super::documents::ListedAppointment;
use crate::paging;

/// `GET /v1/appointments`
pub const ROUTE: Route = Route {
    function: "list_appointments",
    method: Method::Get,
    path: "/v1/appointments",
    audience: Audience::SignedIn,
    summary: "List my appointments, or those of an expert for whom I act, by start time",
    operation: |schemas| {
        Operation::responds_with::<Appointments>(schemas, StatusCode::OK).query::<AppointmentsQuery>()
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AppointmentsQuery {
    /// Your side of the appointments: `expert` for sessions that you give, `client` for sessions that you booked.
    #[serde(rename = "as")]
    side: Side,
    /// With `as=expert`: the expert for whom you act as a member. If it is absent, the expert is you.
    expert_id: Option<ExpertId>,
    /// The earliest start time to list.
    #[serde(default = "paging::earliest")]
    from: Timestamp,
    /// The end of the period; appointments that start at this instant are excluded.
    #[serde(default = "paging::latest")]
    to: Timestamp,
    /// The `next_cursor` of the previous page.
    #[schemars(length(max = 300))]
    cursor: Option<String>,
    /// The maximum number of appointments in the page, 1 to 100; 25 by default.
    #[serde(default = "paging::default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

/// A page of appointments, in order of their start times.
#[derive(Serialize, JsonSchema)]
struct Appointments {
    /// The appointments of this page.
    appointments: Vec<ListedAppointment>,
    /// Whether some appointments of this page are missing, because they cannot be shown at the moment.
    truncated: bool,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A side of an appointment.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// Sessions that you give.
    Expert,
    /// Sessions that you booked.
    Client,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.require_person()?;
    let AppointmentsQuery { side, expert_id, from, to, cursor, limit } = request.query()?;
    let known =
        |cursor: &str| paging::after_time(cursor).is_some_and(|id| id.parse::<AppointmentId>().is_ok());
    let after = cursor.map(|cursor| paging::decode_cursor(&cursor, known)).transpose()?;
    let owner = match side {
        Side::Expert => AppointmentOwner::Expert(expert_id.unwrap_or(person.expert_id())),
        Side::Client if expert_id.is_some() => {
            return Err(Problem::invalid_parameter("expert_id", "must be omitted, unless as is expert"));
        }
        Side::Client => AppointmentOwner::Client(person.client_id()),
    };
    let page =
        appointments::list(app, request.actor(), owner, TimeSpan::new(from, to), after.as_deref(), limit)
            .await?;
    let appointments =
        page.appointments.into_iter().map(|one| ListedAppointment::new(one, app.now())).collect();
    let next_cursor = page.next.as_deref().map(paging::encode_cursor);
    Ok(Response::json(
        StatusCode::OK,
        &Appointments { appointments, truncated: page.unreadable > 0, next_cursor },
    ))
}
