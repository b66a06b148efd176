//! The problem documents of the area `scheduling`.

use app::scheduling::error::SchedulingError;
use domain::scheduling::occupancy::Refusal;
use domain::scheduling::slots;

use super::Problem;

pub(super) fn problem(error: &SchedulingError) -> Problem {
    let detail = error.to_string();
    match error {
        SchedulingError::Slot(refusal) => of_slot(refusal),
        SchedulingError::Change(_) => {
            Problem::conflict("invalid-status", "The appointment cannot be changed like this", detail)
        }
        SchedulingError::NoHours => Problem::conflict("no-hours", "No hours are published", detail),
        SchedulingError::HoldEnded => Problem::conflict("hold-expired", "The hold has expired", detail),
        SchedulingError::QuoteChanged { .. } => {
            Problem::conflict("quote-changed", "The refund has changed", detail).with_field("expected_refund")
        }
    }
}

fn of_slot(refusal: &Refusal) -> Problem {
    let (kind, title) = match refusal {
        Refusal::Retired => ("session-type-retired", "The session type is retired"),
        Refusal::NotOffered(reason) => match reason {
            slots::Refusal::TooSoon { .. } => ("too-soon", "The notice is too short"),
            slots::Refusal::AfterWindow { .. } | slots::Refusal::BeforeWindow { .. } => {
                ("outside-booking-window", "The start is outside the booking window")
            }
            slots::Refusal::Blocked { .. }
            | slots::Refusal::OutsideHours { .. }
            | slots::Refusal::PastClosing { .. }
            | slots::Refusal::NotOnGrid { .. }
            | slots::Refusal::DayFull { .. }
            | slots::Refusal::WeekFull { .. }
            | slots::Refusal::Taken
            | slots::Refusal::NoSeatLeft => ("not-offered", "The start is not offered"),
        },
        Refusal::Taken => ("slot-taken", "The slot is taken"),
        Refusal::TooClose => ("slot-too-close", "The start is too close to another appointment"),
        Refusal::Busy => ("expert-busy", "The expert is busy"),
        Refusal::DayFull { .. } => ("day-full", "The day is full"),
        Refusal::WeekFull { .. } => ("week-full", "The week is full"),
        Refusal::Seats { .. } => ("seats-taken", "Not enough seats are free"),
    };
    let problem = Problem::conflict(kind, title, refusal.to_string());
    match refusal {
        Refusal::Seats { .. } => problem.with_field("seats"),
        Refusal::Retired => problem,
        Refusal::NotOffered(_)
        | Refusal::Taken
        | Refusal::TooClose
        | Refusal::Busy
        | Refusal::DayFull { .. }
        | Refusal::WeekFull { .. } => problem.with_field("start"),
    }
}
