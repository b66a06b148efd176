//! The Lambda function `read_expert`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::read_expert::ROUTE)
}
