//! The signed-in person, and suspensions of people.

pub mod documents;
pub mod read_person;
pub mod read_suspension;
pub mod replace_person;
pub mod suspend_person;

use crate::runtime::{ISSUER, TABLE};
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "identity",
    description: "The signed-in person: roles, ids, memberships and settings; and suspensions of people.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: &[],
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[
    (read_person::ROUTE, ISSUER),
    (replace_person::ROUTE, TABLE),
    (read_suspension::ROUTE, TABLE),
    (suspend_person::ROUTE, TABLE),
];
