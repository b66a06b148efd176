//! The program of `cargo run`: the whole of Expert Connect on this machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::commands::start()
}
