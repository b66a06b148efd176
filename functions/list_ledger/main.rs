//! The Lambda function `list_ledger`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::list_ledger::ROUTE)
}
