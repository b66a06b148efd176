//! Profiles, session types, availability rules and members of experts.

pub mod accept_invitation;
pub mod create_expert;
pub mod create_invitation;
pub mod create_session_type;
pub mod documents;
pub mod list_members;
pub mod list_memberships;
pub mod list_own_session_types;
pub mod list_session_types;
pub mod offer_session_type_again;
pub mod read_availability;
pub mod read_expert;
pub mod read_invitation;
pub mod read_profile;
pub mod read_session_type;
pub mod remove_member;
pub mod replace_availability;
pub mod replace_expert;
pub mod replace_member;
pub mod replace_session_type;
pub mod retire_session_type;
pub mod suspend_expert;
pub mod withdraw_invitation;

use crate::runtime::TABLE;
use crate::{Area, Routes};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "experts",
    description: "Experts: their profiles, their availability, and the session types that they offer.",
    examples: include_str!("examples.json"),
    public: PUBLIC,
    routes: ROUTES,
    workers: &[],
};

/// The public routes that are called most often, and what each needs.
pub const PUBLIC: Routes = &[(read_expert::ROUTE, TABLE), (list_session_types::ROUTE, TABLE)];

/// The other routes, and what each needs.
pub const ROUTES: Routes = &[
    (create_expert::ROUTE, TABLE),
    (read_profile::ROUTE, TABLE),
    (replace_expert::ROUTE, TABLE),
    (suspend_expert::ROUTE, TABLE),
    (read_availability::ROUTE, TABLE),
    (replace_availability::ROUTE, TABLE),
    (create_session_type::ROUTE, TABLE),
    (list_own_session_types::ROUTE, TABLE),
    (read_session_type::ROUTE, TABLE),
    (replace_session_type::ROUTE, TABLE),
    (retire_session_type::ROUTE, TABLE),
    (offer_session_type_again::ROUTE, TABLE),
    (create_invitation::ROUTE, TABLE),
    (read_invitation::ROUTE, TABLE),
    (accept_invitation::ROUTE, TABLE),
    (withdraw_invitation::ROUTE, TABLE),
    (list_members::ROUTE, TABLE),
    (replace_member::ROUTE, TABLE),
    (remove_member::ROUTE, TABLE),
    (list_memberships::ROUTE, TABLE),
];
