//! The Lambda function `retire_session_type`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::retire_session_type::ROUTE)
}
