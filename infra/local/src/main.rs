//! `cargo run`: the whole of Expert Connect on this machine.

fn main() {}
