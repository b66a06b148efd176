//! The Lambda function `replace_billing_details`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_with_payments(&functions::replace_billing_details::ROUTE)
}
