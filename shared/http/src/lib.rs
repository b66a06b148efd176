//! HTTP as Expert Connect speaks it: routes with a stated audience, problem documents, sign-in, idempotency, paging, and the
//! OpenAPI document made of the route table. With `functions`, the only place that knows Lambda and HTTP.

mod accept;
pub mod answer;
pub mod call;
pub mod config;
mod json;
pub mod openapi;
pub mod problem;
pub mod route;
pub mod sheet;
pub mod telemetry;

pub use answer::Answer;
pub use call::Call;
pub use problem::Problem;
pub use route::{Audience, Method, Operation, Route};
