//! Lists the start times at which a session type can be booked.

use app::App;
use app::scheduling::slots::{self, SlotList};
use domain::scheduling::slots::EmptyReason;
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
    /// The duration of the session in minutes, one of those of the session type; optional if it has only one.
    #[schemars(range(min = 1, max = 1_440))]
    duration_minutes: Option<u16>,
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
    /// Why there are no slots in the period; absent when there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_reason: Option<EmptyReasonDocument>,
    /// The first instant at which a session may start now: after the minimum notice, in the booking window. It need not be a
    /// slot.
    bookable_from: Timestamp,
    /// The end of the booking window; sessions must start before it. It is not after `bookable_from` if nothing can be booked.
    bookable_until: Timestamp,
    /// Whether the period has more slots than the response. Continue with `next_from`.
    truncated: bool,
    /// The `from` of the next request; present only in a truncated response.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from: Option<Timestamp>,
}

/// Why a range has no slots. The rules are applied in this order; it is the first rule after which no start is left.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EmptyReason")]
enum EmptyReasonDocument {
    /// An administrator has suspended the expert.
    ExpertNotLive,
    /// The duration has no price that can be charged now: none follows from the expert's hourly rate, or it is outside the limits of
    /// prices.
    NoPrice,
    /// The session has a price, and the expert cannot receive payments yet.
    PaymentsNotReady,
    /// The requested range lies outside the booking window. Choose a range between `bookable_from` and `bookable_until`.
    OutsideBookingWindow,
    /// Every start in the range has passed, or the range ends before the minimum notice has passed. Choose a range after
    /// `bookable_from`.
    NoticeTooShort,
    /// The expert has no hours in the range.
    NoHours,
    /// Blocked dates, or overrides without hours, close all dates in the range that would have starts.
    Blocked,
    /// The expert has hours in the range, but no session that starts in the range fits into them.
    HoursTooShort,
    /// Sessions would fit into the hours, but none of the offered starts lies in the range. Choose a longer range.
    NoStart,
    /// All times in the range are taken.
    AllTaken,
    /// There is free time in the range, but a cap is reached on each of its dates.
    CapsReached,
}

impl From<EmptyReason> for EmptyReasonDocument {
    fn from(reason: EmptyReason) -> Self {
        match reason {
            EmptyReason::ExpertNotLive => Self::ExpertNotLive,
            EmptyReason::NoPrice => Self::NoPrice,
            EmptyReason::PaymentsNotReady => Self::PaymentsNotReady,
            EmptyReason::OutsideBookingWindow => Self::OutsideBookingWindow,
            EmptyReason::NoticeTooShort => Self::NoticeTooShort,
            EmptyReason::NoHours => Self::NoHours,
            EmptyReason::Blocked => Self::Blocked,
            EmptyReason::HoursTooShort => Self::HoursTooShort,
            EmptyReason::NoStart => Self::NoStart,
            EmptyReason::AllTaken => Self::AllTaken,
            EmptyReason::CapsReached => Self::CapsReached,
        }
    }
}

/// A start time that can be booked. Only a booking checks the limits of the client, whether the expert is paused, and what a new
/// expert may charge.
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
    let SlotsQuery { session_type_id, duration_minutes, from, to, time_zone } = request.query()?;
    let range = TimeSpan::new(from, to);
    let SlotList { slots, empty_reason, period } =
        slots::list(app, request.actor(), expert, session_type_id, duration_minutes, range).await?;
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
    let slots = Slots {
        time_zone,
        slots,
        empty_reason: empty_reason.map(Into::into),
        bookable_from: period.from(),
        bookable_until: period.until(),
        truncated: next_from.is_some(),
        next_from,
    };
    Ok(Response::json(StatusCode::OK, &slots))
}
