//! The Lambda function `health`.

fn main() -> std::process::ExitCode {
    functions::entry::serve_alone(&functions::health::ROUTE)
}
