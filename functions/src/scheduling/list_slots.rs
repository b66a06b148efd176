//! Lists the start times at which a session type can be booked.

use app::App;
use app::scheduling::slots;
use domain::{SessionTypeId, TimeSpan, Timestamp, Zone};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/experts/{expert_id}/slots`
pub const ROUTE: Route = Route {
    function: "list_slots",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/slots",
    audience: Audience::Public,
    summary: "List the free slots of a session type",
    operation: |schemas| {
        Operation::responds_with::<Slots>(schemas, StatusCode::OK)
            .query::<SlotsQuery>()
            .problems(&[problem::NO_HOURS])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The maximum number of slots in a response; it keeps the response well below Lambda's limit of 6 MB.
const MAX_PAGE: usize = 5_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlotsQuery {
    /// The session type to book.
    session_type_id: SessionTypeId,
    /// The start of the period; slots that start at this instant are included.
    from: Timestamp,
    /// The end of the period; slots that start at this instant are excluded. At most 93 days after `from`.
    to: Timestamp,
    /// The IANA time zone for `local_start`; UTC by default.
    #[serde(default = "utc")]
    time_zone: Zone,
}

fn utc() -> Zone {
    Zone::UTC
}

/// Free slots, in order of their start times.
#[derive(Serialize, JsonSchema)]
struct Slots {
    /// The time zone of `local_start`.
    time_zone: Zone,
    /// The slots.
    slots: Vec<Slot>,
    /// Whether the period has more slots than the response. Continue with `next_from`.
    truncated: bool,
    /// The `from` of the next request; present only in a truncated response.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from: Option<Timestamp>,
}

/// A start time that can be booked.
#[derive(Serialize, JsonSchema)]
struct Slot {
    /// The start time in UTC. Send it as `start` when you book.
    start: Timestamp,
    /// The start time in `time_zone`, with the UTC offset.
    local_start: String,
    /// The number of free seats.
    seats: u16,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.path_parameter("expert_id", "expert")?;
    let SlotsQuery { session_type_id, from, to, time_zone } = request.query()?;
    let slots = slots::list(app, request.actor(), expert, session_type_id, TimeSpan::new(from, to)).await?;
    let next_from = slots.get(MAX_PAGE).map(|slot| slot.start);
    let slots = slots
        .into_iter()
        .take(MAX_PAGE)
        .map(|slot| Slot {
            start: slot.start,
            local_start: time_zone.to_rfc3339(slot.start),
            seats: slot.seats,
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &Slots { time_zone, slots, truncated: next_from.is_some(), next_from }))
}
