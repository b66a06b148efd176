//! The Lambda function `read_paypal_connection`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::read_paypal_connection::ROUTE)
}
