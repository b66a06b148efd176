//! The Lambda function `read_earnings`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_earnings::ROUTE)
}
