//! The outside services that people connect, a folder each with the same file names: `mod.rs` does what the port asks,
//! `client.rs` sends requests, `wire.rs` holds what is read of their answers, `convert.rs` turns their words into ours and ours
//! into theirs, `webhook.rs` checks and reads their messages, `errors.rs` says what a failure means. Of payments besides:
//! `look.rs` tells what moved, and `books.rs` reads the provider's own books.

pub mod ecb;
pub mod https;
pub mod paypal;
pub mod stripe;
