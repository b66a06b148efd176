//! The Lambda function `decide_payment`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::decide_payment::ROUTE)
}
