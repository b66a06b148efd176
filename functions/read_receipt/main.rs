//! The Lambda function `read_receipt`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_receipt::ROUTE)
}
