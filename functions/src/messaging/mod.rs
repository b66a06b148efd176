//! Notifications: what people are told about changes that concern them.

pub mod list_notifications;
pub mod read_notifications;

use crate::runtime::TABLE;
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "messaging",
    description: "Notifications: what you are told about changes that concern you.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: &[],
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[(list_notifications::ROUTE, TABLE), (read_notifications::ROUTE, TABLE)];
