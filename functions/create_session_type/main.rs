//! The Lambda function `create_session_type`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::create_session_type::ROUTE)
}
