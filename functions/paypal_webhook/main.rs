//! The Lambda function `paypal_webhook`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::paypal_webhook::ROUTE)
}
