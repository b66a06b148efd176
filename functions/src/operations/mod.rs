//! The health check, the OpenAPI document, and the workers that run jobs.

pub mod health;
pub mod read_openapi;
pub mod run_jobs;
pub mod sweep_outbox;

use http_api::Route;

use crate::Area;
use crate::runtime::{NOTHING, Needs, PAYMENTS, TABLE, Worker};

/// The functions of this area.
pub const AREA: Area = Area { name: "operations", routes: ROUTES, workers: WORKERS };

/// The routes, and what each needs.
pub const ROUTES: &[(Route, Needs)] = &[(health::ROUTE, NOTHING), (read_openapi::ROUTE, NOTHING)];

/// The workers, and what each needs.
pub const WORKERS: &[(Worker, Needs)] = &[(run_jobs::WORKER, PAYMENTS), (sweep_outbox::WORKER, TABLE)];
