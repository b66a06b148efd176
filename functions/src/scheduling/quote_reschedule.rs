//! Quotes a move of an appointment without moving it.

use app::App;
use app::scheduling::moves;
use domain::{Money, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::CancellationQuote;
use crate::mirror::mirror;

/// `GET /v1/appointments/{appointment_id}/reschedule`
pub const ROUTE: Route = Route {
    function: "quote_reschedule",
    method: Method::Get,
    path: "/v1/appointments/{appointment_id}/reschedule",
    audience: Audience::SignedIn,
    summary: "Read how an appointment can be moved to a start now, and what it means for a cancellation",
    operation: |schemas| {
        Operation::responds_with::<RescheduleQuote>(schemas, StatusCode::OK)
            .query::<RescheduleQuoteQuery>()
            .problems(problem::SLOT_REFUSALS)
            .problems(&[
                problem::INVALID_STATUS,
                problem::TOO_FAR_AHEAD,
                problem::TOO_MANY_PROPOSALS,
                problem::TOO_MANY_FREE_APPOINTMENTS,
                problem::TOO_MANY_UNPAID_APPOINTMENTS,
            ])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RescheduleQuoteQuery {
    /// The start to move to, of a free slot or in the open proposal of the other side.
    start: Timestamp,
}

/// What moving an appointment to a start means, if it happens now. A move counts for the side that makes or proposes it, and a declined
/// proposal for the side that declines it. Neither leads to a warning or a suspension.
#[derive(Serialize, JsonSchema)]
struct RescheduleQuote {
    /// How you can move it.
    how: MoveKind,
    /// The last instant at which the client can move the appointment at once; absent if they cannot now.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_once_until: Option<Timestamp>,
    /// The price of all seats after the move. It is never higher than now.
    price: Money,
    /// The latest instant at which the amount that is authorized on the client's card is captured after the move: when the session is
    /// completed, or earlier, before the authorization expires. Absent if no amount is authorized.
    #[serde(skip_serializing_if = "Option::is_none")]
    captured_by: Option<Timestamp>,
    /// What a cancellation by the client gives now.
    cancellation_now: CancellationQuote,
    /// What a cancellation by the client gives right after the move.
    cancellation_after_move: CancellationQuote,
    /// What a cancellation by the client gives right after the proposal is declined; absent for a move at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_after_decline: Option<CancellationQuote>,
}

mirror!(struct RescheduleQuote <= moves::MoveQuote {
    how,
    at_once_until,
    price,
    captured_by,
    cancellation_now,
    cancellation_after_move,
    cancellation_after_decline: optional,
});

/// How an appointment can be moved.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MoveKind {
    /// At once, with `POST /v1/appointments/{appointment_id}/reschedule`.
    AtOnce,
    /// By proposing the start to the other side, with `POST /v1/appointments/{appointment_id}/proposal`.
    Propose,
    /// By accepting the open proposal of the other side, with `POST /v1/appointments/{appointment_id}/proposal/accept`.
    Accept,
}

mirror!(enum MoveKind <= moves::MoveKind { AtOnce, Propose, Accept });

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let id = request.path_parameter("appointment_id", "appointment")?;
    let RescheduleQuoteQuery { start } = request.query()?;
    let quote = moves::quote(app, request.actor(), id, start).await?;
    Ok(Response::json(StatusCode::OK, &RescheduleQuote::from(quote)))
}
