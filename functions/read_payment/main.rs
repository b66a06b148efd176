//! The Lambda function `read_payment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::read_payment::ROUTE)
}
