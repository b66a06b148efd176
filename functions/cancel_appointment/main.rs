//! The Lambda function `cancel_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::cancel_appointment::ROUTE)
}
