//! The Lambda function `replace_billing_details`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::replace_billing_details::ROUTE)
}
