//! The Lambda function `list_appointments`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_appointments::ROUTE)
}
