//! The Lambda function `read_billing_details`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_billing_details::ROUTE)
}
