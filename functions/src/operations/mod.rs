//! The health check, the OpenAPI document, the workers that run jobs, and the jobs that fail.

mod documents;
pub mod health;
pub mod list_failing_jobs;
pub mod read_openapi;
pub mod retry_job;
pub mod run_general_jobs;
pub mod run_payment_jobs;
pub mod sweep_outbox;

use crate::runtime::{NOTHING, PAYMENTS, TABLE};
use crate::{Area, Routes, Workers};

/// The functions of this area.
pub const AREA: Area = Area {
    name: "operations",
    description: "The health of the API, this document, and the jobs that fail.",
    examples: include_str!("examples.json"),
    public: &[],
    routes: ROUTES,
    workers: WORKERS,
};

/// The routes, and what each needs.
pub const ROUTES: Routes = &[
    (health::ROUTE, NOTHING),
    (read_openapi::ROUTE, NOTHING),
    (list_failing_jobs::ROUTE, TABLE),
    (retry_job::ROUTE, TABLE),
];

/// The workers, and what each needs.
pub const WORKERS: Workers =
    &[(run_payment_jobs::WORKER, PAYMENTS), (run_general_jobs::WORKER, TABLE), (sweep_outbox::WORKER, TABLE)];
