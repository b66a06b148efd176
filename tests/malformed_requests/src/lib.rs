//! Tests with malformed requests: no input causes a server error, an undocumented response, or a change by a refused request.
//!
//! [`targets`] are functions of bytes that panic if a property does not hold. libFuzzer runs them, and so does a test with small
//! changes of a corpus. [`generator`] makes requests from the OpenAPI document, most of them corrupted. [`platform`] is the system
//! that they are sent to, and [`checks`] has what must hold for every response.

pub mod checks;
pub mod description;
pub mod generator;
pub mod platform;
pub mod random;
pub mod request;
pub mod targets;

pub use platform::{Response, TestPlatform};
pub use request::Request;
