//! The clients' steps: find a slot, book, pay, reschedule, list and cancel.

use domain::Timestamp;
use domain::kernel::time::{DAY, HOUR};
use serde_json::{Value, json};

use super::api_client::{Request, Response, check_member, text};
use super::expert::key;
use super::expert::{MINUTES, SHORT_MINUTES};
use super::journey::{Actor, Journey};
use super::{Mismatch, books, browser, display};

/// A card that is always accepted.
const GOOD_CARD: &str = "4242424242424242";
/// A card that is always declined.
const BAD_CARD: &str = "4000000000000002";

/// The starts of three free slots that do not overlap.
pub(super) struct FreeSlots {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) third: String,
}

/// A booking with a pending payment.
pub(super) struct Booking {
    id: String,
    intent: String,
    secret: String,
    start: String,
}

/// Shows what is kept about the client, and chooses the time zone of the demo.
pub(super) async fn choose_time_zone(journey: &mut Journey) -> Result<(), Mismatch> {
    journey.step("The client chooses how the platform addresses them");
    let read = journey.api.get("/v1/me").signed_in(&journey.client.token).send().await?;
    let version = read.header("etag")?;
    let me: Value = read.document(200)?;
    check_member(&me, "/email", &format!("{}@example.org", journey.client.user.subject))?;
    journey.print(format_args!("{}, as the sign-in service has verified", text(&me, "/email")?));
    let zone = journey.zone.name();
    let choice = json!({ "language": "en-GB", "time_zone": zone, "phone": "+442079460123" });
    let request = journey.api.put("/v1/me").signed_in(&journey.client.token).header("If-Match", &version);
    let me: Value = request.json(&choice).send().await?.document(200)?;
    check_member(&me, "/time_zone", zone)?;
    let members = [text(&me, "/language")?, text(&me, "/time_zone")?, text(&me, "/phone")?];
    journey.print(members.join(", "));
    Ok(())
}

/// Lists the free slots in the client's time zone.
pub(super) async fn list_slots(journey: &mut Journey, session_type: &str) -> Result<FreeSlots, Mismatch> {
    journey.step(format!("{} looks for a free slot", journey.client.user.name));
    let now = Timestamp::from_seconds(chrono::Utc::now().timestamp());
    let (from, to) = (now.plus(DAY), now.plus(15 * DAY));
    let expert = journey.expert.user.expert_id;
    let zone = journey.zone.name().replace('+', "%2B");
    let address = |minutes: u16| {
        let of = format!("session_type_id={session_type}&duration_minutes={minutes}");
        format!("/v1/experts/{expert}/slots?{of}&from={from}&to={to}&time_zone={zone}")
    };
    let short: Value = journey.api.get(&address(SHORT_MINUTES)).send().await?.document(200)?;
    let count = short["slots"].as_array().map_or(0, Vec::len);
    journey.print(format_args!("{count} free slots of {SHORT_MINUTES} minutes in two weeks"));
    let response: Value = journey.api.get(&address(MINUTES)).send().await?.document(200)?;
    check_member(&response, "/time_zone", journey.zone.name())?;
    let slots = response["slots"].as_array().map_or(&[][..], Vec::as_slice);
    journey.print(format_args!("{} free slots of {MINUTES} minutes. The first:", slots.len()));
    for slot in slots.iter().take(3) {
        journey.print(format_args!("  {}", display::time(text(slot, "/start")?, journey.zone)?));
    }
    let mut apart: Vec<Timestamp> = Vec::new();
    for slot in slots {
        let start = instant(text(slot, "/start")?)?;
        if apart.last().is_none_or(|last| last.plus(3 * HOUR) <= start) {
            apart.push(start);
        }
    }
    match apart.as_slice() {
        [first, second, third, ..] => {
            Ok(FreeSlots { first: first.to_string(), second: second.to_string(), third: third.to_string() })
        }
        _ => Err(Mismatch::new(
            "the slots of two weeks",
            "three slots at least three hours apart",
            response.to_string(),
        )),
    }
}

fn instant(text: &str) -> Result<Timestamp, Mismatch> {
    text.parse().map_err(|_| Mismatch::new("a start", "an RFC 3339 time", text))
}

async fn request_booking(
    journey: &Journey,
    client: &Actor,
    session_type: &str,
    start: &str,
    key: &str,
) -> Result<Response, Mismatch> {
    let body = json!({
        "expert_id": journey.expert.user.expert_id,
        "session_type_id": session_type,
        "duration_minutes": MINUTES,
        "start": start,
        "expected_price": { "amount": books::PRICE, "currency": books::CURRENCY },
        "attendee": {
            "name": client.user.name,
            "email": format!("{}@example.org", client.user.subject),
            "time_zone": journey.zone.name(),
        },
        "details": {
            "topic": "Loops that end",
            "goals": "Understand when a loop ends.",
            "requirements": "A whiteboard",
            "guests": [{ "email": "joan@example.org", "name": "Joan Clarke" }],
        },
    });
    let request = journey.api.post("/v1/appointments").signed_in(&client.token);
    request.header("Idempotency-Key", key).json(&body).send().await
}

fn booked(appointment: &Value) -> Result<Booking, Mismatch> {
    check_member(appointment, "/status", "pending")?;
    Ok(Booking {
        id: text(appointment, "/id")?.to_owned(),
        intent: text(appointment, "/payment/intent")?.to_owned(),
        secret: text(appointment, "/payment/client_secret")?.to_owned(),
        start: text(appointment, "/start")?.to_owned(),
    })
}

/// Books a session, and repeats the request with the same idempotency key.
pub(super) async fn book(
    journey: &mut Journey,
    session_type: &str,
    start: &str,
) -> Result<Booking, Mismatch> {
    journey.step("The client books");
    let key = key();
    let appointment: Value =
        request_booking(journey, &journey.client, session_type, start, &key).await?.document(201)?;
    journey.print(format_args!("{} for {}", text(&appointment, "/id")?, display::time(start, journey.zone)?));
    journey.print(format_args!(
        "about \u{201c}{}\u{201d}, with {} as a guest",
        text(&appointment, "/details/topic")?,
        text(&appointment, "/details/guests/0/name")?
    ));
    let hold = display::time(text(&appointment, "/hold_expires_at")?, journey.zone)?;
    journey.print(format_args!(
        "The appointment is pending: pay {} by {hold}",
        display::money(&appointment, "/payment/amount")?
    ));
    let again: Value =
        request_booking(journey, &journey.client, session_type, start, &key).await?.document(201)?;
    check_member(&again, "/id", text(&appointment, "/id")?)?;
    journey.print("The same request with the same Idempotency-Key returns the same appointment.");
    booked(&appointment)
}

/// Pays on the checkout page.
pub(super) async fn pay(journey: &mut Journey, appointment: &Booking) -> Result<(), Mismatch> {
    journey.step("The client pays with card 4242 4242 4242 4242");
    browser::pay(journey, &appointment.intent, &appointment.secret, GOOD_CARD).await?.with_status(200)?;
    journey.print(
        "Stripe accepted the payment. The booking is confirmed only when Stripe reports it to the platform.",
    );
    Ok(())
}

/// Waits until Stripe's webhook has confirmed the appointment.
pub(super) async fn wait_for_confirmation(
    journey: &mut Journey,
    appointment: &Booking,
) -> Result<(), Mismatch> {
    journey.step("Stripe's webhook confirms the appointment");
    let now = journey.wait_until(&appointment.id, "/status", "confirmed").await?;
    check_member(&now, "/payment/state", "paid")?;
    journey
        .print(format_args!("confirmed and paid, for {}", display::time(&appointment.start, journey.zone)?));
    Ok(())
}

/// The expert writes a note for the client and one for themselves. The client reads the first.
pub(super) async fn exchange_notes(journey: &mut Journey, appointment: &Booking) -> Result<(), Mismatch> {
    journey.step("The expert prepares the session with notes");
    let address = format!("/v1/appointments/{}/notes", appointment.id);
    for (visibility, note) in
        [("shared", "Bring the program that does not end."), ("private", "Ask about the tape.")]
    {
        let body = json!({ "visibility": visibility, "text": note });
        let request = journey.api.post(&address).signed_in(&journey.expert.token);
        let _: Value = request.header("Idempotency-Key", &key()).json(&body).send().await?.document(201)?;
    }
    let read: Value =
        journey.api.get(&address).signed_in(&journey.client.token).send().await?.document(200)?;
    if read["notes"].as_array().is_none_or(|notes| notes.len() != 1) {
        return Err(Mismatch::new(address, "one note", read.to_string()));
    }
    journey.print(format_args!("The client reads the shared note: {}", text(&read, "/notes/0/text")?));
    journey.print("The private one is visible to the expert's side only.");
    Ok(())
}

/// Prints who changed what in the appointment.
pub(super) async fn read_history(journey: &mut Journey, appointment: &Booking) -> Result<(), Mismatch> {
    journey.step("The client reads the history of the appointment");
    let address = format!("/v1/appointments/{}/history", appointment.id);
    let read: Value =
        journey.api.get(&address).signed_in(&journey.client.token).send().await?.document(200)?;
    for change in read["changes"].as_array().map_or(&[][..], Vec::as_slice) {
        let (at, by, what) = (text(change, "/at")?, text(change, "/by")?, text(change, "/change")?);
        journey.print(format_args!(
            "{}: {} by the {by}",
            display::time(at, journey.zone)?,
            what.replace('_', " ")
        ));
    }
    check_member(&read, "/changes/0/change", "booked")?;
    Ok(())
}

/// Reschedules the appointment.
pub(super) async fn reschedule(
    journey: &mut Journey,
    appointment: &Booking,
    start: &str,
) -> Result<(), Mismatch> {
    journey.step("The client reschedules the appointment to another slot");
    let request = change(journey, &journey.client.token, appointment, "reschedule").await?;
    let moved: Value = request.json(&json!({ "start": start })).send().await?.document(200)?;
    check_member(&moved, "/status", "confirmed")?;
    check_member(&moved, "/start", start)?;
    journey.print(format_args!("from {}", display::time(&appointment.start, journey.zone)?));
    journey.print(format_args!("to   {}", display::time(start, journey.zone)?));
    Ok(())
}

/// Lists the client's appointments, and checks that the rescheduled one is among them.
pub(super) async fn list_appointments(
    journey: &mut Journey,
    appointment: &Booking,
    start: &str,
) -> Result<(), Mismatch> {
    journey.step("The client lists their appointments");
    let (from, to) = (instant(start)?, instant(start)?.plus(DAY));
    let address = format!("/v1/appointments?as=client&from={from}&to={to}&limit=100");
    let request = journey.api.get(&address).signed_in(&journey.client.token);
    let page: Value = request.send().await?.document(200)?;
    let list = page["appointments"].as_array().map_or(&[][..], Vec::as_slice);
    let found = list.iter().find(|listed| listed["id"] == appointment.id.as_str());
    let found = found
        .ok_or_else(|| Mismatch::new(address, format!("a list with {}", appointment.id), page.to_string()))?;
    check_member(found, "/start", start)?;
    check_member(found, "/status", "confirmed")?;
    journey.print(format_args!(
        "{} · {} · {}",
        display::time(start, journey.zone)?,
        text(found, "/session_name")?,
        text(found, "/status")?
    ));
    Ok(())
}

/// Another client requests the same slot and is refused.
pub(super) async fn book_twice(
    journey: &mut Journey,
    session_type: &str,
    start: &str,
) -> Result<(), Mismatch> {
    journey.step(format!("{} tries to book the same slot", journey.other_client.user.name));
    let refused: Value =
        request_booking(journey, &journey.other_client, session_type, start, &key()).await?.document(409)?;
    check_member(&refused, "/type", "urn:expert-connect:problem:slot-taken")?;
    journey.print(format_args!("Refused: {}: {}", text(&refused, "/title")?, text(&refused, "/detail")?));
    Ok(())
}

/// Books another slot and pays with a card that is declined. The expert cancels: if the client did, the hold would count as unpaid, and
/// the demo could run only a few times in a row.
pub(super) async fn book_and_be_declined(
    journey: &mut Journey,
    session_type: &str,
    start: &str,
) -> Result<(), Mismatch> {
    journey.step("The client books another slot, and the card is declined");
    let appointment: Value =
        request_booking(journey, &journey.client, session_type, start, &key()).await?.document(201)?;
    let another = booked(&appointment)?;
    let page = browser::pay(journey, &another.intent, &another.secret, BAD_CARD).await?.with_status(402)?;
    journey.print(format_args!("Stripe's message: {}", browser::error_message(&page)?));
    let address = format!("/v1/appointments/{}", another.id);
    let now: Value =
        journey.api.get(&address).signed_in(&journey.client.token).send().await?.document(200)?;
    check_member(&now, "/status", "pending")?;
    journey.print(
        "The appointment is still pending, so the client could use another card. The expert cancels instead.",
    );
    cancelled(journey, &journey.expert.token, &another, json!({ "reason": "Something came up." })).await?;
    journey.wait_until(&another.id, "/payment/state", "cancelled").await?;
    journey.print("The payment intent is cancelled at Stripe, so it cannot be paid by mistake.");
    Ok(())
}

/// A request that changes the appointment on the version that this person has read just before.
async fn change(
    journey: &Journey,
    token: &str,
    appointment: &Booking,
    action: &str,
) -> Result<Request, Mismatch> {
    let address = format!("/v1/appointments/{}", appointment.id);
    let read = journey.api.get(&address).signed_in(token).quiet().send().await?;
    let version = read.with_status(200)?.header("etag")?;
    let request = journey.api.post(&format!("{address}/{action}")).signed_in(token);
    Ok(request.header("If-Match", &version))
}

async fn cancelled(
    journey: &Journey,
    token: &str,
    appointment: &Booking,
    body: Value,
) -> Result<Value, Mismatch> {
    let request = change(journey, token, appointment, "cancel").await?;
    let response: Value = request.json(&body).send().await?.document(200)?;
    check_member(&response, "/status", "cancelled")?;
    Ok(response)
}

/// Cancels the paid appointment, for the refund that the client saw before.
pub(super) async fn cancel(journey: &mut Journey, appointment: &Booking) -> Result<(), Mismatch> {
    journey.step("The client cancels the first appointment");
    let address = format!("/v1/appointments/{}/cancellation", appointment.id);
    let quote: Value =
        journey.api.get(&address).signed_in(&journey.client.token).send().await?.document(200)?;
    journey.print(format_args!(
        "A cancellation now would refund {} (rule: {})",
        display::money(&quote, "/refund")?,
        text(&quote, "/reason")?
    ));
    let body = json!({ "reason": "Something came up.", "expected_refund": quote["refund"] });
    let response = cancelled(journey, &journey.client.token, appointment, body).await?;
    journey.print(format_args!(
        "cancelled by the {}; the slot is free again",
        text(&response, "/cancelled_by")?
    ));
    Ok(())
}

/// Waits for the refund.
pub(super) async fn wait_for_refund(journey: &mut Journey, appointment: &Booking) -> Result<(), Mismatch> {
    journey.step("The payment is refunded");
    let now = journey.wait_until(&appointment.id, "/payment/state", "refunded").await?;
    journey.print(format_args!(
        "refunded: {} of {}",
        display::money(&now, "/payment/refunded")?,
        display::money(&now, "/payment/amount")?
    ));
    Ok(())
}
