//! The Lambda function `stripe_webhook`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::stripe_webhook::ROUTE)
}
