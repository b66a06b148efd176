//! The Lambda function `list_session_types`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_session_types::ROUTE)
}
