//! The Lambda function `settle_failed_refund`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::settle_failed_refund::ROUTE)
}
