//! The Lambda function `read_stripe_connection`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::read_stripe_connection::ROUTE)
}
