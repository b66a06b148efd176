//! The Lambda function `complete_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::complete_appointment::ROUTE)
}
