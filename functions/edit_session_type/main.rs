//! The Lambda function `edit_session_type`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::edit_session_type::ROUTE)
}
