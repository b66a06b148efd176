//! The Lambda function `reschedule_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::reschedule_appointment::ROUTE)
}
