//! What strangers can send, and what must hold of it.
//!
//! [`targets`] are functions of bytes that panic when something does not hold; libFuzzer drives them, and so does a test with
//! small changes of a corpus. [`generate`] makes requests from the API description, most of them wrong somewhere. [`scene`] is the
//! platform that they are sent to, and [`verdict`] what must be true of every answer.

pub mod chance;
pub mod description;
pub mod generate;
pub mod request;
pub mod scene;
pub mod targets;
pub mod verdict;

pub use request::Request;
pub use scene::{Reply, Scene};
