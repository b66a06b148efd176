//! Books a session: holds the slot and returns how to pay, or confirms a free session at once.

use app::App;
use app::scheduling::booking::{Booked, Booking, book};
use domain::scheduling::party::Party;
use domain::{Currency, ExpertId, Money, SessionTypeId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::{Appointment, Attendee, ListedAppointment, SessionDetails};
use crate::payments::documents::{Gateway, Payment};

/// `POST /v1/appointments`
pub const ROUTE: Route = Route {
    function: "book_appointment",
    method: Method::Post,
    path: "/v1/appointments",
    audience: Audience::Only(app::identity::signed_in::Role::Client),
    summary: "Book a session",
    operation: |schemas| {
        Operation::responds_with::<Appointment>(schemas, StatusCode::CREATED)
            .accepts::<BookingRequest>(schemas)
            .idempotent()
            .versioned()
            .problems(problem::SLOT_REFUSALS)
            .problems(&[
                problem::EXPERT_NOT_LIVE,
                problem::EXPERT_AT_CAPACITY,
                problem::NOT_FOUND,
                problem::TOO_MANY_HOLDS,
                problem::UNPAID_HOLDS,
                problem::TOO_MANY_BOOKINGS,
                problem::TOO_MANY_PRICED_BOOKINGS,
                problem::EXPERT_PAUSED,
                problem::TOO_MANY_FREE_APPOINTMENTS,
                problem::TOO_MANY_UNPAID_APPOINTMENTS,
                problem::TOO_MANY_ATTEMPTS,
                problem::OVERLAPPING_SESSION,
                problem::NO_PRICE,
                problem::PRICE_CHANGED,
                problem::TOO_FAR_AHEAD,
                problem::HOLD_EXPIRED,
                problem::PAYMENTS_NOT_READY,
                problem::PAYMENT_REFUSED,
                problem::TOO_MANY_DECLINED_PAYMENTS,
                problem::CHALLENGE_REQUIRED,
            ])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// The session to book. The price follows from the session type, the duration and the number of seats.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BookingRequest {
    /// The expert to book.
    expert_id: ExpertId,
    /// The session type to book.
    session_type_id: SessionTypeId,
    /// The duration of the session in minutes, one of those of the session type; optional if it has only one.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_440))]
    duration_minutes: Option<u16>,
    /// The start time of a free slot of this duration.
    start: Timestamp,
    /// The number of seats to book; more than 1 only in a group session.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 500))]
    seats: u16,
    /// The person who attends the session.
    attendee: Attendee,
    /// What you want to say about the session, and who else comes.
    #[serde(default)]
    details: SessionDetails,
    /// The payment gateway; by default the first one that accepts payments for the expert. The list of the session types has
    /// the `gateways` of the expert.
    #[serde(default)]
    gateway: Option<Gateway>,
    /// The currency to pay in: the currency of the price (the default), or one of the session type's presentment currencies.
    #[serde(default)]
    pay_in: Option<Currency>,
    /// The price that was shown before: for all seats, in the currency to pay in. If the price is different now, nothing is held
    /// and the response is 409 with the current price.
    #[serde(default)]
    expected_price: Option<Money>,
    /// Whether the session may overlap another session that you have booked.
    #[serde(default)]
    allow_overlap: bool,
    /// The token of a challenge that the client has solved, after a response of the type `challenge-required`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 8_192))]
    challenge_token: Option<String>,
}

fn one() -> u16 {
    1
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let BookingRequest {
        expert_id,
        session_type_id,
        duration_minutes,
        start,
        seats,
        attendee,
        details,
        gateway,
        pay_in,
        expected_price,
        allow_overlap,
        challenge_token,
    } = request.json()?;
    let idempotency = request.idempotent_request()?;
    let booking = Booking {
        expert: expert_id,
        session_type: session_type_id,
        duration_minutes,
        start,
        seats,
        attendee: attendee.into(),
        details: details.into(),
        gateway: gateway.map(Into::into),
        pay_in,
        expected_price,
        allow_overlap,
        address: request.source_address(),
        challenge_token,
    };
    let created = book(app, request.actor(), &idempotency, &booking).await?;
    let body = request.idempotent_body(app, created, |booked| document(booked, app.now())).await;
    Ok(Response::created("/v1/appointments", body))
}

fn document(Booked { appointment, payment, details, movements }: Booked, now: Timestamp) -> Appointment {
    let payment = payment.map(|(payment, pay_with)| {
        Payment::new(payment, &movements, &appointment.status, Party::Client).paid_with(pay_with)
    });
    Appointment {
        appointment: ListedAppointment::new(appointment, now),
        details: details.map(Into::into),
        payment,
    }
}
