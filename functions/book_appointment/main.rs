//! The Lambda function `book_appointment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::book_appointment::ROUTE)
}
