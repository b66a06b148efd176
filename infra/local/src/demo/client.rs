//! What clients do: find, book, pay, move, list, and call off.

use domain::Timestamp;
use domain::kernel::time::{DAY, HOUR};
use serde_json::{Value, json};

use super::caller::{Answer, must_be, text};
use super::expert::key;
use super::journey::{Actor, Journey};
use super::{Wrong, browser, words};

/// A card that always works.
const GOOD_CARD: &str = "4242424242424242";
/// A card that never does.
const BAD_CARD: &str = "4000000000000002";

/// Three starts that do not get into each other's way.
pub(super) struct Free {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) third: String,
}

/// A booking that waits to be paid.
pub(super) struct Booked {
    id: String,
    intent: String,
    secret: String,
    start: String,
}

/// Free slots on the client's clock.
pub(super) async fn list_slots(journey: &mut Journey, session_type: &str) -> Result<Free, Wrong> {
    journey.step(format!("{} looks for a time", journey.client.somebody.name));
    let now = Timestamp::from_seconds(chrono::Utc::now().timestamp());
    let (from, to) = (now.plus(DAY), now.plus(15 * DAY));
    let expert = journey.expert.somebody.expert_id;
    let zone = journey.zone.name().replace('+', "%2B");
    let address = format!(
        "/v1/experts/{expert}/slots?session_type={session_type}&from={from}&to={to}&time_zone={zone}"
    );
    let answer: Value = journey.caller.get(&address).send().await?.document(200)?;
    must_be(&answer, "/time_zone", journey.zone.name())?;
    let slots = answer["slots"].as_array().map_or(&[][..], Vec::as_slice);
    journey.say(format_args!("{} free starts in two weeks. The first:", slots.len()));
    for slot in slots.iter().take(3) {
        journey.say(format_args!("  {}", words::time(text(slot, "/start")?, journey.zone)?));
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
            Ok(Free { first: first.to_string(), second: second.to_string(), third: third.to_string() })
        }
        _ => {
            Err(Wrong::new("the slots of two weeks", "three that are three hours apart", answer.to_string()))
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, Wrong> {
    text.parse().map_err(|_| Wrong::new("a start", "RFC 3339", text))
}

async fn ask(
    journey: &Journey,
    who: &Actor,
    session_type: &str,
    start: &str,
    key: &str,
) -> Result<Answer, Wrong> {
    let body = json!({
        "expert_id": journey.expert.somebody.expert_id,
        "session_type_id": session_type,
        "start": start,
        "attendee": {
            "name": who.somebody.name,
            "email": format!("{}@example.org", who.somebody.subject),
            "time_zone": journey.zone.name(),
        },
    });
    let call = journey.caller.post("/v1/appointments").signed_in(&who.token);
    call.header("Idempotency-Key", key).json(&body).send().await
}

fn booked(appointment: &Value) -> Result<Booked, Wrong> {
    must_be(appointment, "/status", "pending")?;
    Ok(Booked {
        id: text(appointment, "/id")?.to_owned(),
        intent: text(appointment, "/payment/intent")?.to_owned(),
        secret: text(appointment, "/payment/client_secret")?.to_owned(),
        start: text(appointment, "/start")?.to_owned(),
    })
}

/// Books, and asks again with the same key.
pub(super) async fn book(journey: &mut Journey, session_type: &str, start: &str) -> Result<Booked, Wrong> {
    journey.step("The client books");
    let key = key();
    let appointment: Value = ask(journey, &journey.client, session_type, start, &key).await?.document(201)?;
    journey.say(format_args!("{} for {}", text(&appointment, "/id")?, words::time(start, journey.zone)?));
    let hold = words::time(text(&appointment, "/hold_expires_at")?, journey.zone)?;
    journey.say(format_args!(
        "It is pending: {} are to be paid by {hold}",
        words::money(&appointment, "/payment/amount")?
    ));
    let again: Value = ask(journey, &journey.client, session_type, start, &key).await?.document(201)?;
    must_be(&again, "/id", text(&appointment, "/id")?)?;
    journey.say("The same request with the same key books nothing more.");
    booked(&appointment)
}

/// Pays on the checkout page.
pub(super) async fn pay(journey: &mut Journey, appointment: &Booked) -> Result<(), Wrong> {
    journey.step("The client pays with card 4242 4242 4242 4242");
    browser::pay(journey, &appointment.intent, &appointment.secret, GOOD_CARD).await?.with(200)?;
    journey.say("Stripe took it. Only Stripe's own word confirms the booking, never the browser's.");
    Ok(())
}

/// Stripe's event arrives.
pub(super) async fn wait_for_confirmation(journey: &mut Journey, appointment: &Booked) -> Result<(), Wrong> {
    journey.step("Stripe's event arrives");
    let now = journey.wait_until(&appointment.id, "/status", "confirmed").await?;
    must_be(&now, "/payment/state", "paid")?;
    journey.say(format_args!("confirmed, and paid, for {}", words::time(&appointment.start, journey.zone)?));
    Ok(())
}

/// Moves it.
pub(super) async fn reschedule(
    journey: &mut Journey,
    appointment: &Booked,
    start: &str,
) -> Result<(), Wrong> {
    journey.step("The client moves it to another slot");
    let address = format!("/v1/appointments/{}/reschedule", appointment.id);
    let call = journey.caller.post(&address).signed_in(&journey.client.token);
    let moved: Value = call.json(&json!({ "start": start })).send().await?.document(200)?;
    must_be(&moved, "/status", "confirmed")?;
    must_be(&moved, "/start", start)?;
    journey.say(format_args!("from {}", words::time(&appointment.start, journey.zone)?));
    journey.say(format_args!("to   {}", words::time(start, journey.zone)?));
    Ok(())
}

/// Finds it among their appointments, where it now is.
pub(super) async fn list_appointments(
    journey: &mut Journey,
    appointment: &Booked,
    start: &str,
) -> Result<(), Wrong> {
    journey.step("The client lists their appointments");
    let (from, to) = (instant(start)?, instant(start)?.plus(DAY));
    let address = format!("/v1/appointments?as=client&from={from}&to={to}&limit=100");
    let call = journey.caller.get(&address).signed_in(&journey.client.token);
    let page: Value = call.send().await?.document(200)?;
    let list = page["appointments"].as_array().map_or(&[][..], Vec::as_slice);
    let mine = list.iter().find(|one| one["id"] == appointment.id.as_str());
    let mine =
        mine.ok_or_else(|| Wrong::new(address, format!("{} in it", appointment.id), page.to_string()))?;
    must_be(mine, "/start", start)?;
    must_be(mine, "/status", "confirmed")?;
    journey.say(format_args!(
        "{} · {} · {}",
        words::time(start, journey.zone)?,
        text(mine, "/session_name")?,
        text(mine, "/status")?
    ));
    Ok(())
}

/// Somebody else wants the same time.
pub(super) async fn book_twice(journey: &mut Journey, session_type: &str, start: &str) -> Result<(), Wrong> {
    journey.step(format!("{} wants the same time", journey.rival.somebody.name));
    let refused: Value = ask(journey, &journey.rival, session_type, start, &key()).await?.document(409)?;
    must_be(&refused, "/type", "urn:expert-connect:problem:slot-taken")?;
    journey.say(format_args!("Refused: {}: {}", text(&refused, "/title")?, text(&refused, "/detail")?));
    Ok(())
}

/// Another booking, with a card that does not work; it is given back.
pub(super) async fn be_declined(journey: &mut Journey, session_type: &str, start: &str) -> Result<(), Wrong> {
    journey.step("The client books another time, and the card is declined");
    let appointment: Value =
        ask(journey, &journey.client, session_type, start, &key()).await?.document(201)?;
    let another = booked(&appointment)?;
    let page = browser::pay(journey, &another.intent, &another.secret, BAD_CARD).await?.with(402)?;
    journey.say(format_args!("Stripe says: {}", browser::complaint(&page)?));
    let address = format!("/v1/appointments/{}", another.id);
    let now: Value =
        journey.caller.get(&address).signed_in(&journey.client.token).send().await?.document(200)?;
    must_be(&now, "/status", "pending")?;
    journey.say("It is still pending: another card could be tried. The client gives it back instead.");
    cancelled(journey, &another).await?;
    journey.wait_until(&another.id, "/payment/state", "cancelled").await?;
    journey.say("The payment is cancelled at Stripe: nobody can pay for it by mistake.");
    Ok(())
}

async fn cancelled(journey: &Journey, appointment: &Booked) -> Result<Value, Wrong> {
    let address = format!("/v1/appointments/{}/cancel", appointment.id);
    let call = journey.caller.post(&address).signed_in(&journey.client.token);
    let answer: Value = call.json(&json!({ "reason": "Something came up." })).send().await?.document(200)?;
    must_be(&answer, "/status", "cancelled")?;
    Ok(answer)
}

/// Calls the paid one off.
pub(super) async fn cancel(journey: &mut Journey, appointment: &Booked) -> Result<(), Wrong> {
    journey.step("The client calls the first one off");
    let answer = cancelled(journey, appointment).await?;
    journey.say(format_args!("cancelled by the {}; the slot is free again", text(&answer, "/cancelled_by")?));
    Ok(())
}

/// The money goes back.
pub(super) async fn wait_for_refund(journey: &mut Journey, appointment: &Booked) -> Result<(), Wrong> {
    journey.step("The money goes back");
    let now = journey.wait_until(&appointment.id, "/payment/state", "refunded").await?;
    journey.say(format_args!(
        "refunded: {} of {}",
        words::money(&now, "/payment/refunded")?,
        words::money(&now, "/payment/amount")?
    ));
    Ok(())
}
