//! The starts at which a session type can be booked now.

use app::App;
use app::scheduling::slots;
use domain::{SessionTypeId, TimeSpan, Timestamp, Zone};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/experts/{expert_id}/slots`
pub const ROUTE: Route = Route {
    function: "list_slots",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/slots",
    audience: Audience::Public,
    summary: "When a session type can be booked",
    operation: |schemas| {
        Operation::responds_with::<Slots>(schemas, StatusCode::OK).query::<Wanted>().problems(&[409])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// Most slots of one answer, so that it stays far below what Lambda can answer.
const MOST: usize = 5_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Which of the expert's session types.
    session_type: SessionTypeId,
    /// The first instant at which a slot may start.
    from: Timestamp,
    /// The first instant at which none may start any more; at most 93 days after `from`.
    to: Timestamp,
    /// The zone in which the answer also shows the starts.
    #[serde(default = "utc")]
    time_zone: Zone,
}

fn utc() -> Zone {
    Zone::UTC
}

/// Slots in the order of their starts.
#[derive(Serialize, JsonSchema)]
struct Slots {
    /// The zone of `local_start`.
    time_zone: Zone,
    /// The slots.
    slots: Vec<Slot>,
    /// When there are more slots than fit: the `from` with which to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from: Option<Timestamp>,
}

/// A start that can be booked.
#[derive(Serialize, JsonSchema)]
struct Slot {
    /// In UTC; what a booking names.
    start: Timestamp,
    /// On the clock of the asked zone, with its offset.
    local_start: String,
    /// How many seats can be booked.
    seats: u16,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let expert = request.parameter("expert_id", "expert")?;
    let Wanted { session_type, from, to, time_zone } = request.query()?;
    let slots = slots::list(app, expert, session_type, TimeSpan::new(from, to)).await?;
    let next_from = slots.get(MOST).map(|slot| slot.start);
    let slots = slots
        .into_iter()
        .take(MOST)
        .map(|slot| Slot { start: slot.start, local_start: time_zone.show(slot.start), seats: slot.seats })
        .collect();
    Ok(Response::json(StatusCode::OK, &Slots { time_zone, slots, next_from }))
}
