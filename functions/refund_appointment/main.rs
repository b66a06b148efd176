//! The Lambda function `refund_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::refund_appointment::ROUTE)
}
