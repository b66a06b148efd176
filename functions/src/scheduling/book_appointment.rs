//! Books a session: holds the slot and says how to pay, or confirms at once when there is nothing to pay.

use app::App;
use app::idempotency::{Creation, complete};
use app::scheduling::booking::{Booked, Booking, book};
use domain::experts::session_type::MAXIMUM_CAPACITY;
use domain::payments::gateway::GatewayKind;
use domain::scheduling::appointment::Attendee;
use domain::scheduling::party::Party;
use domain::{Currency, ExpertId, SessionTypeId, Timestamp};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route};
use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::AppointmentDocument;
use crate::payments::documents::PaymentDocument;

/// `POST /v1/appointments`
pub const ROUTE: Route = Route {
    function: "book_appointment",
    method: Method::Post,
    path: "/v1/appointments",
    audience: Audience::Only(app::identity::people::Role::Client),
    summary: "Book a session",
    operation: |schemas| {
        Operation::responds_with::<AppointmentDocument>(schemas, StatusCode::CREATED)
            .accepts::<BookingRequest>(schemas)
            .idempotent()
            .problems(&[404])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What a client asks for. The price is the expert's to say, so it is not here.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BookingRequest {
    /// Of whom.
    expert_id: ExpertId,
    /// What.
    session_type_id: SessionTypeId,
    /// The start of one of the slots.
    start: Timestamp,
    /// How many seats; more than 1 only in a group session.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 500))]
    seats: u16,
    /// Who comes.
    attendee: Attendee,
    /// By which gateway to pay.
    #[serde(default = "stripe")]
    gateway: GatewayKind,
    /// In which currency to pay: that of the price, or one of the session type's presentment currencies.
    #[serde(default)]
    pay_in: Option<Currency>,
}

fn stripe() -> GatewayKind {
    GatewayKind::Stripe
}

fn one() -> u16 {
    1
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let person = request.signed_in()?;
    let BookingRequest { expert_id, session_type_id, start, seats, attendee, gateway, pay_in } =
        request.json()?;
    if !(1..=MAXIMUM_CAPACITY).contains(&seats) {
        return Err(Problem::invalid("seats", format!("must be from 1 to {MAXIMUM_CAPACITY}")));
    }
    let key = request.idempotency()?;
    let booking =
        Booking { expert: expert_id, session_type: session_type_id, start, seats, attendee, gateway, pay_in };
    let body = match book(app, person, &key, &booking).await? {
        Creation::Replayed(body) => body,
        Creation::Created(booked, idempotency) => {
            let body = Response::json(StatusCode::CREATED, &document(booked)).into_text();
            complete(app, idempotency, body.clone()).await;
            body
        }
    };
    Ok(Response::json_text(StatusCode::CREATED, body))
}

fn document(Booked { appointment, payment }: Booked) -> AppointmentDocument {
    let payment = payment
        .map(|(payment, pay_with)| PaymentDocument::new(payment, &[], Party::Client).paid_with(pay_with));
    AppointmentDocument { payment, ..AppointmentDocument::without_payment(appointment) }
}
