//! The signed-in person.

pub mod documents;
pub mod read_person;
pub mod replace_person;

use crate::runtime::{ISSUER, TABLE};
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "identity",
    description: "The signed-in person: roles, ids, memberships and settings.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: &[],
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[(read_person::ROUTE, ISSUER), (replace_person::ROUTE, TABLE)];
