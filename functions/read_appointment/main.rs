//! The Lambda function `read_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_appointment::ROUTE)
}
