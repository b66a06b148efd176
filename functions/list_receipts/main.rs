//! The Lambda function `list_receipts`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_receipts::ROUTE)
}
