//! The Lambda function `sweep_due`.

fn main() -> std::process::ExitCode {
    functions::entry::sweep_due()
}
