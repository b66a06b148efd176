//! The Lambda function `read_cancellation`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_cancellation::ROUTE)
}
