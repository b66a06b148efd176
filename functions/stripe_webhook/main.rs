//! The Lambda function `stripe_webhook`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::stripe_webhook::ROUTE)
}
