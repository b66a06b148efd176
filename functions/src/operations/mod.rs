//! The health check, the OpenAPI document, and the workers that run jobs.

pub mod health;
pub mod read_openapi;
pub mod run_jobs;
pub mod sweep_outbox;

use crate::runtime::{NOTHING, PAYMENTS, TABLE};
use crate::{Area, Routes, Workers};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "operations",
    description: "The health of the API, and this document.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: WORKERS,
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[(health::ROUTE, NOTHING), (read_openapi::ROUTE, NOTHING)];

/// The workers, and what each needs.
pub const WORKERS: Workers = &[(run_jobs::WORKER, PAYMENTS), (sweep_outbox::WORKER, TABLE)];
