//! The Lambda function `reconcile_ledger`.

fn main() -> std::process::ExitCode {
    functions::entry::reconcile_ledger()
}
