//! The Lambda function `list_slots`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_slots::ROUTE)
}
