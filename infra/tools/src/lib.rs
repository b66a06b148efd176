//! Generators and checks for the files of the repository that are not Rust.

pub mod events;
pub mod problems;
pub mod template;
