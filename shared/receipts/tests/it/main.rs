//! The content of a receipt as a page and as a PDF.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod fixture;
mod page;
mod pdf;
