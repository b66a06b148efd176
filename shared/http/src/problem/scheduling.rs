//! The problems of the area `scheduling`.

use app::scheduling::error::SchedulingError;
use domain::scheduling::appointment::ChangeRefusal;
use domain::scheduling::booking_limits::LimitReached;
use domain::scheduling::occupancy::Refusal;
use domain::scheduling::slots;

use super::catalog::problem_types;
use super::{NEWER_RELEASE, Problem, ProblemType};

problem_types! {
    SESSION_TYPE_RETIRED = 409 "session-type-retired", "The session type is retired",
        "The expert has retired the session type, or its status is unknown.",
        "List the expert's session types, and choose another one.";
    TOO_SOON = 409 "too-soon", "The notice is too short",
        "The start is in the past, or earlier than the session type's minimum notice allows.",
        "List the slots, and choose a later start.";
    OUTSIDE_BOOKING_WINDOW = 409 "outside-booking-window", "The start is outside the booking window",
        "The date is before or after the session type's booking window.",
        "List the slots, and choose a start within the booking window that `detail` names.";
    NOT_OFFERED = 409 "not-offered", "The start is not offered",
        "The expert's hours, blocked dates or grid of starts do not allow this start.",
        "Choose one of the alternatives, or list the slots.";
    SLOT_TAKEN = 409 "slot-taken", "The slot is taken",
        "Somebody else has booked or holds this time.",
        "List the slots again, and choose another start.";
    SLOT_TOO_CLOSE = 409 "slot-too-close", "The start is too close to another appointment",
        "This session or its buffers would overlap another appointment or its buffers.",
        "List the slots again, and choose another start.";
    EXPERT_BUSY = 409 "expert-busy", "The expert is busy",
        "An external calendar of the expert blocks this time.",
        "List the slots again, and choose another start.";
    DAY_FULL = 409 "day-full", "The day is full",
        "The session type's limit for a day is reached.",
        "List the slots, and choose a start on another day.";
    WEEK_FULL = 409 "week-full", "The week is full",
        "The session type's limit for a week is reached.",
        "List the slots, and choose a start in another week.";
    SEATS_TAKEN = 409 "seats-taken", "Not enough seats are free",
        "The session has fewer free seats than the request needs.",
        "Book fewer seats, or choose another start.";
    INVALID_STATUS = 409 "invalid-status", "The appointment cannot be changed like this",
        "The status, the time or the terms of the appointment, or its proposal, do not allow this change.",
        "Read `detail`; it says what is possible instead.";
    EXPERT_NOT_LIVE = 409 "expert-not-live", "The expert cannot be booked",
        "An administrator has suspended the expert.",
        "Choose another expert, or try again later.";
    EXPERT_AT_CAPACITY = 409 "expert-at-capacity", "The expert takes no new clients",
        "As many clients as the expert's mentorship capacity allows have appointments that have not ended.",
        "Choose another expert, or try again later: a cancellation makes room within two minutes.";
    EXPERT_PAUSED = 409 temporary "expert-paused", "The expert's sessions with a price cannot be booked",
        "Refunds that the expert caused have cost the platform as much in this UTC month as its budget for the expert allows.",
        "Book a free session, choose another expert, or try again after `retry_after` seconds, in the next month.";
    TOO_MANY_HOLDS = 409 temporary "too-many-holds", "You hold too many slots",
        "You hold as many unpaid slots as `limit` allows, with this expert or with all experts together; `detail` says which. Seats \
         of one group session count once.",
        "Pay for what you hold, or book again after `retry_after` seconds, when a hold has ended.";
    UNPAID_HOLDS = 429 temporary "unpaid-holds", "Too many of your holds ended unpaid",
        "More than `limit` of your holds expired or were cancelled by you without a payment in the last 24 hours. The pause before \
         the next hold doubles with each further one.",
        "Book again after `retry_after` seconds, and pay before the hold ends. Free sessions can be booked at once.";
    TOO_MANY_BOOKINGS = 429 temporary "too-many-bookings", "You have booked too often today",
        "You have made as many bookings in this UTC day as `limit` allows, including those that were cancelled or expired.",
        "Book again after `retry_after` seconds, on the next UTC day.";
    TOO_MANY_PRICED_BOOKINGS = 429 temporary "too-many-priced-bookings", "You have booked too many sessions with a price",
        "You have booked as many sessions with a price in 30 days as `limit` allows, with this expert or with all experts together; \
         `detail` says which. Bookings that were cancelled or expired count too.",
        "Book again after `retry_after` seconds. Free sessions can be booked at once.";
    TOO_MANY_FREE_APPOINTMENTS = 409 temporary "too-many-free-appointments", "You have too many free appointments",
        "You have as many free appointments that have not ended as `limit` allows, with this expert or with all experts together; \
         `detail` says which. Seats of one group session count once.",
        "Cancel one that you do not need, or book again after `retry_after` seconds, when one has ended.";
    TOO_MANY_UNPAID_APPOINTMENTS = 409 temporary "too-many-unpaid-appointments", "Too many of your appointments are not paid yet",
        "You have as many appointments that you pay later with a saved card as `limit` allows, with this expert or with all experts \
         together. The limit is 0 while a saved card of yours is declined, and until 30 days after the session that you did not \
         pay. `detail` says which.",
        "Book a session that you pay at once, cancel an appointment that you do not need, or book again after `retry_after` seconds.";
    TOO_MANY_PROPOSALS = 429 temporary "too-many-proposals", "You have proposed other times too often",
        "You have made as many proposals as a client in 48 hours as `limit` allows, whatever became of them. Each holds time of an \
         expert.",
        "Propose again after `retry_after` seconds, move the appointment at once if its terms allow it, or cancel it.";
    TOO_MANY_ATTEMPTS = 429 temporary "too-many-attempts", "Too many attempts from your network",
        "More attempts to book came from your network address in this UTC day than `limit` allows, also those that failed.",
        "Book again after `retry_after` seconds, on the next UTC day, or from another network.";
    OVERLAPPING_SESSION = 409 "overlapping-session", "You have another session at this time",
        "The session would overlap another one that you have booked or hold. Seats of the same group session do not overlap.",
        "Choose another start, or send `allow_overlap` as true to have both.";
    TOO_FAR_AHEAD = 409 "too-far-ahead", "The session is too far ahead for its payment",
        "The payment gateway could not hold or refund the payment until the session is over.",
        "Choose a session that ends by the instant in `detail`, or, at booking, another gateway.";
    NO_HOURS = 409 "availability-not-published", "No availability is published",
        "The expert has not published availability rules, so nothing can be booked.",
        "Choose another expert, or try again later; as the expert, publish availability rules.";
    NO_PRICE = 409 "no-price", "The duration has no price now",
        "The duration has no price that can be charged now: none follows from the expert's hourly rate, or it is outside the limits of prices.",
        "Choose another duration; as the expert, set an hourly rate, or give the duration a price within the limits.";
    PRICE_CHANGED = 409 "price-changed", "The price has changed",
        "The session now costs another amount than `expected_price`. Nothing is held.",
        "Show `price` to the client. If they accept it, book with it as `expected_price` and a new Idempotency-Key.";
    HOLD_EXPIRED = 409 "hold-expired", "The hold has expired",
        "The hold of the slot ended before its payment was opened.",
        "Book again with a new Idempotency-Key.";
    QUOTE_CHANGED = 409 "quote-changed", "The refund has changed",
        "A cancellation now refunds another amount than `expected_refund`, or, without it, less than the cancellation policy gives, because the client pays for the processing.",
        "Read the quote again, and cancel with its `refund` as `expected_refund`.";
}

/// Why a start cannot be booked.
pub const SLOT_REFUSALS: &[&ProblemType] = &[
    SESSION_TYPE_RETIRED,
    TOO_SOON,
    OUTSIDE_BOOKING_WINDOW,
    NOT_OFFERED,
    SLOT_TAKEN,
    SLOT_TOO_CLOSE,
    EXPERT_BUSY,
    DAY_FULL,
    WEEK_FULL,
    SEATS_TAKEN,
    NO_HOURS,
];

pub(super) fn from_error(error: &SchedulingError) -> Problem {
    let detail = error.to_string();
    match error {
        SchedulingError::Slot { refusal, alternatives } => {
            let alternatives = Some(alternatives.clone()).filter(|starts| !starts.is_empty());
            Problem { alternatives, ..of_slot(refusal, "/start") }
        }
        SchedulingError::ProposedSlot { place, refusal, alternatives } => {
            let alternatives = Some(alternatives.clone()).filter(|starts| !starts.is_empty());
            Problem { alternatives, ..of_slot(refusal, &format!("/starts/{place}")) }
        }
        SchedulingError::Change(ChangeRefusal::NewerRelease) => Problem::new(NEWER_RELEASE, detail),
        SchedulingError::Change(_) => Problem::new(INVALID_STATUS, detail),
        SchedulingError::NotLive => Problem::new(EXPERT_NOT_LIVE, detail),
        SchedulingError::AtCapacity => Problem::new(EXPERT_AT_CAPACITY, detail),
        SchedulingError::Paused { seconds, .. } => {
            let retry_after = Some(u32::try_from(*seconds).unwrap_or(u32::MAX));
            Problem { retry_after, ..Problem::new(EXPERT_PAUSED, detail) }
        }
        SchedulingError::Limit { reached, seconds } => {
            let kind = match reached {
                LimitReached::OpenHolds { .. } => TOO_MANY_HOLDS,
                LimitReached::UnpaidHolds { .. } => UNPAID_HOLDS,
                LimitReached::BookingsOfDay { .. } => TOO_MANY_BOOKINGS,
                LimitReached::PricedBookings { .. } => TOO_MANY_PRICED_BOOKINGS,
                LimitReached::FreeAppointments { .. } => TOO_MANY_FREE_APPOINTMENTS,
                LimitReached::UnpaidAppointments { .. } | LimitReached::CardDeclined { .. } => {
                    TOO_MANY_UNPAID_APPOINTMENTS
                }
                LimitReached::Proposals { .. } => TOO_MANY_PROPOSALS,
                LimitReached::AttemptsOfAddress { .. } => TOO_MANY_ATTEMPTS,
            };
            let retry_after = Some(u32::try_from(*seconds).unwrap_or(u32::MAX));
            Problem { limit: Some(reached.limit()), retry_after, ..Problem::new(kind, detail) }
        }
        SchedulingError::Overlap { .. } => Problem::new(OVERLAPPING_SESSION, detail).with_pointer("/start"),
        SchedulingError::ProposedOverlap { place, .. } => {
            Problem::new(OVERLAPPING_SESSION, detail).with_pointer(&format!("/starts/{place}"))
        }
        SchedulingError::NoHours => Problem::new(NO_HOURS, detail),
        SchedulingError::NoPrice(_) => Problem::new(NO_PRICE, detail).with_pointer("/duration_minutes"),
        SchedulingError::PriceChanged { price, .. } => {
            Problem { price: Some(*price), ..Problem::new(PRICE_CHANGED, detail) }
                .with_pointer("/expected_price")
        }
        SchedulingError::TooFarAhead(_) => Problem::new(TOO_FAR_AHEAD, detail),
        SchedulingError::HoldEnded => Problem::new(HOLD_EXPIRED, detail),
        SchedulingError::QuoteChanged { .. } => {
            Problem::new(QUOTE_CHANGED, detail).with_pointer("/expected_refund")
        }
    }
}

/// The problem of a slot. `start` is where the request has the start.
fn of_slot(refusal: &Refusal, start: &str) -> Problem {
    let kind = match refusal {
        Refusal::Retired => SESSION_TYPE_RETIRED,
        Refusal::NotOffered(reason) => match reason {
            slots::Refusal::TooSoon { .. } => TOO_SOON,
            slots::Refusal::AfterWindow { .. } | slots::Refusal::BeforeWindow { .. } => {
                OUTSIDE_BOOKING_WINDOW
            }
            slots::Refusal::Blocked { .. }
            | slots::Refusal::OutsideHours
            | slots::Refusal::PastClosing { .. }
            | slots::Refusal::NotOnGrid
            | slots::Refusal::DayFull { .. }
            | slots::Refusal::DayMinutesFull { .. }
            | slots::Refusal::WeekFull { .. }
            | slots::Refusal::Taken
            | slots::Refusal::NoSeatLeft => NOT_OFFERED,
        },
        Refusal::Taken => SLOT_TAKEN,
        Refusal::TooClose => SLOT_TOO_CLOSE,
        Refusal::Busy => EXPERT_BUSY,
        Refusal::DayFull { .. } | Refusal::DayMinutesFull { .. } => DAY_FULL,
        Refusal::WeekFull { .. } => WEEK_FULL,
        Refusal::Seats { .. } => SEATS_TAKEN,
    };
    let problem = Problem::new(kind, refusal.to_string());
    match refusal {
        Refusal::Seats { .. } => problem.with_pointer("/seats"),
        Refusal::Retired => problem,
        Refusal::NotOffered(_)
        | Refusal::Taken
        | Refusal::TooClose
        | Refusal::Busy
        | Refusal::DayFull { .. }
        | Refusal::DayMinutesFull { .. }
        | Refusal::WeekFull { .. } => problem.with_pointer(start),
    }
}
