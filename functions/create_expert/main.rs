//! The Lambda function `create_expert`.

fn main() -> std::process::ExitCode {
    functions::entry::serve(&functions::create_expert::ROUTE)
}
