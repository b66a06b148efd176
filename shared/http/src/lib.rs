//! The HTTP layer of the API: routes with their audience, requests and responses, problem documents, sign-in, idempotency keys,
//! and the OpenAPI document made from the route table.
//!
//! Only this crate and `functions` depend on Lambda and HTTP.

mod accept;
pub mod claims;
pub mod config;
pub mod csv;
pub mod gateway;
mod json;
pub mod openapi;
pub mod problem;
pub mod request;
pub mod response;
pub mod route;
pub mod schema;
pub mod telemetry;

pub use problem::{Problem, ProblemType};
pub use request::Request;
pub use response::Response;
pub use route::{Audience, Method, Operation, Route};
