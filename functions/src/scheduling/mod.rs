//! Free slots, and appointments from booking to their end.

pub mod accept_proposal;
pub mod book_appointment;
pub mod cancel_appointment;
pub mod complete_appointment;
pub mod create_note;
pub mod decline_proposal;
pub mod delete_note;
pub mod documents;
pub mod list_appointments;
pub mod list_history;
pub mod list_notes;
pub mod list_slots;
pub mod mark_no_show;
pub mod object_to_no_show;
pub mod propose_times;
pub mod quote_cancellation;
pub mod quote_no_show;
pub mod quote_reschedule;
pub mod read_appointment;
pub mod read_note;
pub mod read_own_reliability;
pub mod read_reliability;
pub mod replace_details;
pub mod replace_note;
pub mod reschedule_appointment;
pub mod withdraw_proposal;

use crate::runtime::{BOOKINGS, TABLE};
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "scheduling",
    description: "Free slots, and appointments from booking to their end.",
    examples: include_str!("examples.json"),
    public: PUBLIC,
    routes: ROUTES,
    workers: &[],
};

/// The public routes that are called most often, and what each needs.
pub const PUBLIC: Routes = &[(list_slots::ROUTE, TABLE)];

/// The other routes, and what each needs.
pub const ROUTES: Routes = &[
    (book_appointment::ROUTE, BOOKINGS),
    (list_appointments::ROUTE, TABLE),
    (read_appointment::ROUTE, TABLE),
    (quote_cancellation::ROUTE, TABLE),
    (cancel_appointment::ROUTE, TABLE),
    (quote_reschedule::ROUTE, TABLE),
    (reschedule_appointment::ROUTE, TABLE),
    (propose_times::ROUTE, TABLE),
    (accept_proposal::ROUTE, TABLE),
    (decline_proposal::ROUTE, TABLE),
    (withdraw_proposal::ROUTE, TABLE),
    (complete_appointment::ROUTE, TABLE),
    (quote_no_show::ROUTE, TABLE),
    (mark_no_show::ROUTE, TABLE),
    (object_to_no_show::ROUTE, TABLE),
    (replace_details::ROUTE, TABLE),
    (list_history::ROUTE, TABLE),
    (list_notes::ROUTE, TABLE),
    (create_note::ROUTE, TABLE),
    (read_note::ROUTE, TABLE),
    (replace_note::ROUTE, TABLE),
    (delete_note::ROUTE, TABLE),
    (read_own_reliability::ROUTE, TABLE),
    (read_reliability::ROUTE, TABLE),
];
