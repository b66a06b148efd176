//! The Lambda function `start_paypal_onboarding`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::start_paypal_onboarding::ROUTE)
}
