//! The Lambda function `mark_no_show`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::mark_no_show::ROUTE)
}
