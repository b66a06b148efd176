//! The Lambda function `list_appointment_receipts`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_appointment_receipts::ROUTE)
}
