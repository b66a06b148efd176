//! The Lambda function `read_commission`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_commission::ROUTE)
}
