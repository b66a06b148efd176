//! The appointments of whoever signed in, by time.

use app::{App, appointments};
use domain::{AppointmentId, TimeSpan, Timestamp};
use http::StatusCode;
use http_api::{Answer, Audience, Call, Method, Operation, Problem, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{AppointmentRecord, Whose};

use crate::answers::AppointmentDocument;

/// `GET /v1/appointments`
pub const ROUTE: Route = Route {
    function: "list_appointments",
    method: Method::Get,
    path: "/v1/appointments",
    audience: Audience::SignedIn,
    summary: "My appointments by time",
    operation: |schemas| Operation::answers::<Appointments>(schemas, StatusCode::OK).asks::<Wanted>(),
    handler: |app, call| Box::pin(handle(app, call)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `expert` for sessions that I give, `client` for those that I booked.
    #[serde(rename = "as")]
    side: Side,
    /// Only those that start at or after this instant.
    #[serde(default = "first")]
    from: Timestamp,
    /// Only those that start before this instant.
    #[serde(default = "last")]
    to: Timestamp,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most appointments of the page, 1 to 100; 25 by default.
    #[serde(default = "page")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
}

fn first() -> Timestamp {
    Timestamp::MIN
}

fn last() -> Timestamp {
    Timestamp::MAX
}

fn page() -> u16 {
    25
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

/// Whose dashboard.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// Sessions that I give.
    Expert,
    /// Sessions that I booked.
    Client,
}

async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let person = call.signed_in()?;
    let Wanted { side, from, to, cursor, limit } = call.query()?;
    if !(1..=appointments::LARGEST_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", "must be from 1 to 100"));
    }
    let after = cursor.map(|cursor| place(&cursor)).transpose()?;
    let whose = match side {
        Side::Expert => Whose::Expert(person.expert_id()),
        Side::Client => Whose::Client(person.client_id()),
    };
    let page = appointments::list(app, whose, TimeSpan::new(from, to), after.as_deref(), limit).await?;
    let appointments = page
        .appointments
        .into_iter()
        .map(|appointment| {
            let record = AppointmentRecord { appointment, payment: None, movements: Vec::new() };
            AppointmentDocument::new(record, whose.party())
        })
        .collect();
    Ok(Answer::json(
        StatusCode::OK,
        &Appointments { appointments, next_cursor: page.next.map(|next| next.replace('#', ".")) },
    ))
}

/// The place in a list that a cursor stands for, with a dot for what an address could not hold. The worst that a forged one
/// can do is to skip in the caller's own list.
fn place(cursor: &str) -> Result<String, Problem> {
    let known = cursor.split_once('.').filter(|(start, id)| {
        start.len() == 12
            && start.bytes().all(|byte| byte.is_ascii_digit())
            && id.parse::<AppointmentId>().is_ok()
    });
    let (start, id) =
        known.ok_or_else(|| Problem::invalid("cursor", "must be the next_cursor of a page before"))?;
    Ok(format!("{start}#{id}"))
}
