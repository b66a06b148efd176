//! The Lambda function `health`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::health::ROUTE)
}
