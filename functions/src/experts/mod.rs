//! Profiles, session types and availability rules of experts.

pub mod create_expert;
pub mod create_session_type;
mod documents;
pub mod list_session_types;
pub mod read_availability;
pub mod read_expert;
pub mod replace_availability;
pub mod retire_session_type;
pub mod update_expert;
pub mod update_session_type;

use http_api::Route;

use crate::Area;
use crate::runtime::{Needs, TABLE, Worker};

/// The functions of this area.
pub const AREA: Area = Area { name: "experts", routes: ROUTES, workers: WORKERS };

/// The routes, and what each needs.
pub const ROUTES: &[(Route, Needs)] = &[
    (create_expert::ROUTE, TABLE),
    (read_expert::ROUTE, TABLE),
    (update_expert::ROUTE, TABLE),
    (read_availability::ROUTE, TABLE),
    (replace_availability::ROUTE, TABLE),
    (create_session_type::ROUTE, TABLE),
    (list_session_types::ROUTE, TABLE),
    (update_session_type::ROUTE, TABLE),
    (retire_session_type::ROUTE, TABLE),
];

/// There are no workers in this area.
pub const WORKERS: &[(Worker, Needs)] = &[];
