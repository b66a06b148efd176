//! The Lambda function `book_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::book_appointment::ROUTE)
}
