//! The Lambda function `start_stripe_onboarding`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::start_stripe_onboarding::ROUTE)
}
